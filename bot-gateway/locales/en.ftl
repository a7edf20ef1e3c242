# Texts of the bot in English. Plain text, no markup. The same keys and placeables as ru.ftl: a test checks that.

## Main menu and kinds

menu-create = 🎨 Create
menu-edit = ✏️ Edit
menu-merge = 🔗 Merge
menu-add-text = 📝 Add text
menu-face-swap = 🔄 Swap a face
menu-retouch = ✨ Retouch
menu-upscale = ⬆️ Upscale
menu-payment = 💰 Pay / Balance
menu-settings = ⚙️ Settings
menu-title = What shall we make? Choose below or just write what to draw.

## Commands, as Telegram lists them

command-start = Start over
command-menu = Main menu
command-balance = Balance and free operations
command-prices = Prices
command-history = History of operations
command-language = Language
command-help = How to use this bot
command-cancel = Cancel

## Greeting and help

start-new =
    Hi! 👋 I draw pictures from a description and work on photos.

    { $left ->
        [one] You have { $left } free operation to begin with.
       *[other] You have { $left } free operations to begin with.
    }
    Just write what to draw, or choose below.
start-again =
    Welcome back! 👋
    Write what to draw, or choose below.
start-waiting =
    { $count ->
        [one] { $count } result got ready while you were away. Sending it.
       *[other] { $count } results got ready while you were away. Sending them.
    }
help =
    How it works:

    • Write what to draw, and I start at once.
    • Send a photo, and I ask what to do with it.
    • Or open the menu: /menu

    You see the price before we start. Free operations are used first, then your balance. If a picture fails, everything comes back by itself.

    /balance shows your balance, /prices the prices, /history the history, /language the language, /cancel cancels what you began.
group-hint = I only work in private chats. Write to me directly 🙂

## Money

balance-line = Balance: { $amount }
free-line = Free operations: { $left } of { $total }
held-line = In progress now: { $amount }
standing-debt = Your balance is in debt: the next top-up repays it.
standing-blocked = Your account is blocked. If this is a mistake, write to support.
topup-soon = Top-up by card is coming soon. If you need it now, write to support and we will help.
price-line = Price: { $price }
fund-free = Free operation ({ $left } of { $total } will remain)
fund-free-short = free operation
fund-balance = { $amount } from your balance
fund-promo = { $amount } of bonuses
fund-missing =
    You are { $missing } short.
    Price: { $price }, balance: { $available }.
taken = Taken: { $what }
taken-free = One free operation taken ({ $left } of { $total } remain)
prices-title = Prices:
prices-free = free operations work
prices-row = { $kind } — { $price }

## Invitations

invite-create = 🎨 Describe the picture you want.
invite-edit = ✏️ Send a photo and write what to change (a caption will do).
invite-merge = 🔗 Send 2 to 5 photos and write how to merge them. An album with a caption works too.
invite-add-text = 📝 Send a photo and the text to put on it (a caption will do).
invite-face-swap = 🔄 Send the photo where a face is to be replaced. Then the photo with the new face.
invite-retouch = ✨ Send the photo to retouch.
invite-upscale = ⬆️ Send the photo to upscale.

## What is needed next

need-photo = Now send the photo.
need-target = Send the photo where a face is to be replaced.
need-face = Got it! Now send the photo with the new face.
need-more-photos =
    { $left ->
        [one] At least { $left } more photo is needed.
       *[other] At least { $left } more photos are needed.
    }
need-merge-prompt =
    { $count ->
        [one] { $count } photo is here.
       *[other] { $count } photos are here.
    } Send more, or write how to merge them.
need-done-or-more =
    { $count ->
        [one] { $count } photo is here.
       *[other] { $count } photos are here.
    } Send more, or press “Done”.
need-prompt-create = Describe in words what to draw.
need-prompt-edit = Got the photo. Write what to change.
need-prompt-add-text = Got the photo. Which text shall I put on it?
need-prompt-merge = Got the photos. Write how to merge them.
prompt-kept = Noted.
photos-dropped =
    { $count ->
        [one] { $count } extra photo won't be needed.
       *[other] { $count } extra photos won't be needed.
    }
choose-kind =
    { $count ->
        [one] Nice photo! What shall I do with it?
       *[other] Nice photos! What shall I do with them?
    }

## Answers to what can't be used

wrong-too-long =
    { $length ->
        [one] The text is too long: { $length } character.
       *[other] The text is too long: { $length } characters.
    } { $limit } fit. Please shorten it and send it again.
wrong-empty = The text is empty. Please write at least a few words.
wrong-photo-needed = A photo is needed here, not text. Send a PNG, JPEG or WebP picture.
wrong-text-needed = A description in words is needed here. To work on a photo, choose an action in /menu.
wrong-sticker = A lovely sticker, but I can't work with it.
wrong-voice = I don't understand voice messages yet. Please write it down.
wrong-video = I can't work with video, only with photos and pictures.
wrong-file-type = This file won't do. A PNG, JPEG or WebP picture is needed.
wrong-file-size = The file is too big: up to 20 MB is fine. Please send a smaller one.
wrong-other = I don't understand this kind of message: send text or a photo.
wrong-press-button = Press a button under the last message, or /cancel to cancel.
wrong-too-many = No more than { $limit } photos can be merged. Write how to merge them, or press /cancel.
hint-idle = Write what to draw, send a photo, or open /menu.
unknown-command = There is no such command. Everything is in /menu, hints are in /help.
old-button = This button no longer works. Here is a fresh menu:
old-button-toast = The button is outdated
already-working = Already on it 🙂

## Confirmation and charge

confirm-question = Shall we start?
confirm-yes = ✅ Yes, { $price }
confirm-no = ✖️ Cancel
price-changed = The price has changed: it is { $price } now. Go on?
retry-button = 🔁 Try again
done-button = ✅ Done
working = ⏳ Generating…
working-queued = ⏳ Generating… The job is queued ({ $time }).
working-running = ⏳ Generating… Still working ({ $time }).
working-delivering = ⏳ Done, sending the picture…
billing-waiting = ⏳ Billing does not answer, trying again. There is nothing you need to do.
billing-down = Billing does not answer now, so I did not start. Please try a little later. Anything already taken comes back by itself within half an hour.
refuse-blocked = Your account is blocked, so I can't start. Nothing was taken. If this is a mistake, write to support.
refuse-debt = Your balance is in debt, so I can't start. Nothing was taken. The next top-up repays it.
refuse-limit = Too many operations in a row. Nothing was taken. Wait a little and try again.
refuse-kind = This operation is not available now. Nothing was taken.
refuse-defect = I could not start because of an internal error. Nothing was taken. Please try again a little later.
too-many-running =
    { $count ->
        [one] You already have { $count } job running.
       *[other] You already have { $count } jobs running.
    } Please wait for the result, and we go on at once. Nothing was taken.

## How it ended

done-caption =
    { $count ->
        [one] Done! ✨
       *[other] Done! ✨ Pictures: { $count }.
    }
show-button = 🖼 Show the result
interrupted = The connection to Telegram broke, and I don't know whether the picture arrived. If it did not, press the button: it is free.
fail-content = The service refused this request: it breaks the rules. Try to put it differently. Everything was refunded.
fail-input = It did not work with this input: try another description or photo. Everything was refunded.
fail-photo = The photo could not be downloaded from Telegram. Please send it again. Everything was refunded.
fail-job = It did not work: the picture service failed. Everything was refunded, you can try again.
fail-timeout = The picture took too long, so I stopped. Everything was refunded.
fail-canceled = Canceled. Everything was refunded.
fail-expired = The time of this operation ran out. Everything was refunded.

## Buttons under a result

again-button = 🔁 Again
upscale-button = ⬆️ Upscale
edit-button = ✏️ Edit
menu-button = 🏠 Menu
result-gone = This result can't be found any more. Send the picture, and I go on with it.

## Cancel

cancel-left = All right, canceled. Nothing was taken.
cancel-nothing = There is nothing to cancel. Write what to draw, or open /menu.
cancel-offer = Some jobs have not started yet. Cancel them?
cancel-job = ✖️ { $kind }
cancel-started = It is already running and can't be canceled. It will be ready soon.
cancel-done = Canceling, everything comes back.

## History

history-title = History, page { $page }:
history-empty = No operations yet. Write what to draw, and the first one appears here.
history-row = { $time } · { $kind } · { $state } · { $what }
history-newer = ← Newer
history-older = Older →
history-nothing = nothing taken
state-charged = in progress
state-completed = done
state-refunded = refunded
state-declined = declined
state-unknown = unknown
zone = UTC

## Settings

settings-title = Settings
settings-ask-on = Ask before charging: yes
settings-ask-off = Ask before charging: no
settings-ask-explained = When it is on, I show the price and wait for your yes before each charge.
language-title = Выберите язык. Choose your language.
language-russian = 🇷🇺 Русский
language-english = 🇬🇧 English
language-set = I speak English now.
saved = Saved
try-later = I can't answer just now: a service does not respond. Please try again in a minute.
