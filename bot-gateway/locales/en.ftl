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
menu-promo = 🎟 Promo code
menu-invite = 🎁 Invite a friend
menu-history = 📜 History
back-button = ← Back
menu-title = What shall we make? Choose below or just write what to draw.

## Commands, as Telegram lists them

command-start = Start over
command-menu = Main menu
command-balance = Balance and free operations
command-pay = Top up the balance
command-promo = Enter a promo code
command-invite = Invite a friend
command-prices = Prices
command-history = History of operations and payments
command-language = Language
command-help = How to use this bot
command-terms = Terms of use
command-paysupport = Help with payments
command-cancel = Cancel

## Greeting and help

start-new =
    Hi! 👋 I draw pictures from a description and work on photos.

    { $left ->
        [0] You can top up with /pay.
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

    /balance shows your balance, /pay tops it up, /prices shows the prices, /history the history, /language the language, /cancel cancels what you began.

    Got a promo code? /promo. Want free operations? Invite a friend: /invite. Questions about payments: /paysupport, terms: /terms.
group-hint = I only work in private chats. Write to me directly 🙂

## Money

balance-line = Balance: { $amount }
free-line = Free operations: { $left } of { $total }
held-line = In progress now: { $amount }
standing-debt = Your balance is { $owed } in debt: the next top-up repays it.
standing-blocked = Your account is blocked. If this is a mistake, write to support: /paysupport
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

## Top-up

topup-title = How much would you like to add?
topup-none = You can't top up now: no way to pay is connected. Please write to support: /paysupport
topup-own = ✍️ Another amount
topup-where = 🔎 I paid, but no money came
topup-suggest = ➕ Add { $amount }
topup-ask-amount = Write an amount from { $least } to { $most }, for example 250 or 99.50. Changed your mind? /cancel
topup-packs-only = Only the amounts offered are possible, please choose one of them.
topup-method = Top-up of { $amount }. How would you like to pay?
topup-not-sold = A top-up of { $amount } is not possible now. Please choose another amount.
method-yookassa = 💳 Card, SBP
method-stars = ⭐ Telegram Stars
method-sandbox = 🧪 Test bank
price-stars =
    { $count ->
        [one] { $count } Star
       *[other] { $count } Stars
    }
payment-link =
    Top-up of { $amount }
    Way to pay: { $method }

    Press “Pay”. The money comes by itself, mostly within a minute, and I will tell you.
payment-pay = Pay { $price }
payment-invoiced =
    Top-up of { $amount }
    I sent the invoice in a message of its own: { $price }. The money comes by itself, and I will tell you.
invoice-title = Balance top-up
invoice-description = { $amount } will be added to your balance.
payment-check = 🔄 Check the payment
payment-check-one = 🔄 { $amount }, { $time }
payment-check-limit = A payment can't be checked that often, try again in { $wait }. The money comes without checking, too.
payment-check-down = The payment service does not answer now. If you paid, the money is not lost: I will check by myself a little later.
payment-check-off = This way to pay is switched off now. If you paid, write to support: /paysupport
payment-not-found = There is no such payment. If you paid, write to support: /paysupport
payment-waiting = The payment of { $amount } has not arrived yet. If you paid already, wait a few minutes and check again.
payment-paid = The payment of { $amount } has arrived and is being credited. It mostly takes seconds.
payment-parked-mismatch = { $received } arrived for a top-up of { $amount }: they don't match, so a person will look at it. The money is not lost. If it takes long, write to support: /paysupport
payment-parked-limit = The payment of { $amount } has arrived, but your balance would get too large with it, so a person will look at it. The money is not lost. If it takes long, write to support: /paysupport
payment-credited = ✅ { $amount } added to your balance.
payment-canceled = The payment of { $amount } was canceled, I received no money. You can try again. If money was taken after all, it comes back or is credited by itself.
payment-expired = The time for the payment of { $amount } ran out, I received no money. If you paid after all, it is credited as soon as it arrives.
payment-refunded = Top-up of { $amount }: { $refunded } was returned to you.
payment-disputed = Your bank disputes the top-up of { $amount }. I will tell you how it ends.
payment-unknown = I don't know what became of the payment of { $amount }. Please write to support: /paysupport
payment-no-method = This way to pay is not available now. Please choose another one.
payment-provider-down = The payment service does not answer now, so there is nothing to pay yet. Nothing was taken. Try again or choose another way.
payment-too-many = Too many payments in a row. Wait a little and try again.
payment-defect = The payment could not be made because of an internal error. Nothing was taken. Please try again a little later.
wait-seconds =
    { $count ->
        [one] { $count } second
       *[other] { $count } seconds
    }
wait-minutes =
    { $count ->
        [one] { $count } minute
       *[other] { $count } minutes
    }
where-title = Payments that are not credited yet:
where-nothing = You have no payments that wait to be credited. If you paid and no money came, write to support: /paysupport

## Terms and help with payments

terms =
    The terms in short:

    • Your balance is spent on what this bot does, at the prices in /prices. You see the price before we start.
    • If something fails, everything comes back by itself.
    • Money on your balance does not expire. Bonuses and free operations may.
    • Questions about payments and refunds: /paysupport.
    • Pictures that break the law or the rights of others must not be asked for.
terms-link = In full: { $url }
paysupport =
    Help with payments.

    • You paid, but no money came? It mostly takes a minute. Press the check button of the payment below.
    • You need a refund, or something else is wrong? Write to us: the date, the amount and what happened.

    Telegram's support can't help with purchases in this bot: we will sort it out ourselves.
paysupport-contact = Write to: { $contact }
paysupport-no-contact = Where to write: see the description of the bot.

## Promo codes and invitations of friends

promo-ask = Send the promo code. Changed your mind? /cancel
promo-done = 🎉 The promo code works: { $given }.
promo-again = You have used this promo code already and got: { $given }.
promo-unknown = There is no such promo code. Please check it and send it again. Changed your mind? /cancel
promo-expired = This promo code has expired.
promo-used-up = This promo code is used up.
promo-too-many = Too many wrong promo codes. Try again later.
given-operations =
    { $count ->
        [one] { $count } free operation
       *[other] { $count } free operations
    }
given-money = { $amount } of bonuses
given-until = { $what }, until { $time }
invite-words =
    🎁 Invite a friend with your link:
    { $link }

    When your friend tops up for the first time, you get a gift: { $mine }. Your friend gets { $theirs }.

    Came by the link: { $invited }, topped up: { $rewarded }.
invite-off = There are no gifts for invitations now. Look in again later.
invite-share = 📤 Share the link
invite-share-words = A bot that draws pictures and edits photos
invited = 🎁 You were invited! After your first top-up you get a gift: { $given }.
invited-self = This is your own link: send it to a friend.
invited-loop = This link won't do: its owner came by your invitation.
invited-before = You were invited before, and the gift for that invitation stands.
invited-customer = The gift for an invitation is for those who have not topped up yet.

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
wrong-no-amount = I see no amount here.
wrong-too-little = That is less than possible.
wrong-too-much = That is more than possible at once.
wrong-no-promo-code = This does not look like a promo code: it has 3 to 32 Latin letters and digits, no spaces.
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
retry-kept = 🔁 Go on: { $kind }
done-button = ✅ Done
working = ⏳ Generating…
working-queued = ⏳ Generating… The job is queued ({ $time }).
working-running = ⏳ Generating… Still working ({ $time }).
working-delivering = ⏳ Done, sending the picture…
billing-waiting = ⏳ Billing does not answer, trying again. There is nothing you need to do.
billing-down = Billing does not answer now, so I did not start. Please try a little later. Anything already taken comes back by itself within half an hour.
refuse-blocked = Your account is blocked, so I can't start. Nothing was taken. If this is a mistake, write to support: /paysupport
refuse-debt =
    Your balance is { $owed } in debt, so I can't start. Nothing was taken.
    Top up: the debt is repaid first, the rest is yours.
refuse-limit = Too many operations in a row. Nothing was taken. Wait a little and try again.
refuse-open-holds =
    { $count ->
        [one] { $count } operation of yours is already under way, and that is as many as can run at once.
       *[other] { $count } operations of yours are already under way, and that is as many as can run at once.
    } Nothing was taken. Wait for a result, then press “Try again”.
refuse-daily-spend =
    The daily spending limit is { $max }. You have { $left } left for today, which is not enough for this. Nothing was taken.
    The limit starts anew at 00:00 UTC: press “Try again” then.
refuse-above-daily-spend = This costs more than the daily spending limit ({ $max }), so I can't start. Nothing was taken. If the limit is in your way, write to support: /paysupport
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
history-empty = No operations or payments yet. Write what to draw, and the first one appears here.
history-row = { $time } · { $kind } · { $state } · { $what }
history-newer = ← Newer
history-older = Older →
history-nothing = nothing taken
history-payment = Top-up, { $method }
history-refund = Top-up refund
state-charged = in progress
state-completed = done
state-refunded = refunded
state-declined = declined
state-unknown = unknown
payment-state-waiting = waiting for payment
payment-state-paid = paid, being credited
payment-state-parked = paid, being checked
payment-state-credited = credited
payment-state-canceled = canceled
payment-state-expired = expired
payment-state-refunded = refunded
payment-state-disputed = disputed by the bank
refund-state-pending = on its way
refund-state-succeeded = done
refund-state-reversed = back on your balance
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

## Told unasked, when something happened to the money

notice-credited = ✅ { $amount } credited.
notice-retry = You can go on from where the money ran out.
notice-refunded = ↩️ Refund: { $amount } was taken from your balance and returned to where you paid from.
notice-refunded-uncredited = ↩️ Your payment was returned: { $price }. It had not been credited to your balance.
notice-refunded-repeat = ↩️ This invoice was already paid, so the second payment was returned: { $price }.
notice-refund-reversed = The refund did not go through: { $amount } is in your balance again.
notice-dispute-opened = ⚠️ Your bank disputes a payment: until it decides, { $amount } is taken from your balance. If this is a misunderstanding, write to us: /paysupport
notice-dispute-lost = The dispute about a payment is over: your bank returned { $amount } to you. That amount is taken from your balance.
notice-dispute-won = The dispute about a payment is over: { $amount } is in your balance again.
notice-debt = Your balance is in debt: { $amount }. The next top-up repays it; until then new operations are not available. What is already running will be finished.
notice-debt-repaid = ✅ The debt is repaid, operations are available again.
notice-blocked = Your account is blocked: new operations and top-ups are not available. If this is a mistake, write to us: /paysupport
notice-unblocked = ✅ Your account is unblocked, operations are available again.
notice-unblocked-debt = Your account is unblocked. Your balance is still in debt: { $amount }. The next top-up repays it; until then new operations are not available.
notice-expiring-operations =
    { $count ->
        [one] ⏳ { $count } free operation expires soon.
       *[other] ⏳ { $count } free operations expire soon.
    } The deadline is { $time }.
notice-expiring-money = ⏳ Bonuses expire soon: { $amount }. Use them by { $time }.
notice-operations =
    { $count ->
        [one] { $count } free operation
       *[other] { $count } free operations
    }
notice-bonus = { $amount } of bonuses
notice-given = 🎁 A gift for you: { $gift }.
notice-given-invited = 🎁 For your first top-up after an invitation, a gift for you: { $gift }.
notice-given-inviter = 🎁 Somebody you invited has topped up. A gift for you: { $gift }.
notice-operation-refunded = ↩️ We gave back for an operation: { $what }.

## Before a payment in Stars: why not

stars-try-later = The invoice can't be checked just now. Please try again in a minute. No Stars were taken.
stars-unknown = This invoice is not valid. Please make a new one: /pay
stars-price = The price has changed. Please make a new invoice: /pay
stars-paid = This invoice is already paid. To top up once more, make a new one: /pay
stars-closed = This invoice is no longer valid. Please make a new one: /pay
stars-blocked = Your account is blocked, so it can't be topped up. If this is a mistake, write to us: /paysupport
