//! Does what the dialogue says: keeps its state, asks, offers, refuses helpfully, and hands what is complete to the
//! charge guard.

use proto::billing::v1::ListPricesRequest;
use serde::{Deserialize, Serialize};
use teloxide::types::{InlineKeyboardMarkup, Message};

use super::{
    BotError, charge,
    dialogue::{self, Action, Album, Draft, Input, Need, State, Step, Wrong},
    funding, incoming, keyboard,
    kind::{Kind, PROMPT_LIMIT},
    money::Amount,
    session::Session,
    text::{say, text},
};
use crate::{
    Services,
    inbox::{Origin, Tick},
};

/// What the wait for an album's end must know.
#[derive(Serialize, Deserialize)]
struct AlbumTick {
    user_id: String,
    locale: String,
    update_id: i64,
    album: String,
    last: i32,
}

/// A message that is no command.
pub async fn message(message: Message, session: Session) -> Result<(), BotError> {
    if super::is_service(&message) {
        return Ok(());
    }
    take(&session, incoming::read(&message), None).await
}

/// No photo of an album came for a while.
pub async fn album_end(tick: Tick, services: &Services) -> Result<(), BotError> {
    let data: AlbumTick = serde_json::from_value(tick.data)
        .map_err(|error| BotError::defect(format!("a delayed item can't be read: {error}")))?;
    // The last try: nothing is left to wait for when the photos can't be had.
    let origin = Origin { update_id: data.update_id, bot_id: services.bot_id, attempt: u32::MAX };
    let session =
        Session::open(data.user_id, Some(&data.locale), tick.chat_id, origin, services).await?;
    if charge::resume(&session).await? {
        return Ok(());
    }
    take(&session, Input::AlbumEnd { album: data.album, last: data.last }, None).await
}

/// One step of the dialogue. `spot`: the message whose button was pressed.
pub async fn take(session: &Session, input: Input, spot: Option<i32>) -> Result<(), BotError> {
    let step = dialogue::step(session.state().await?, input, session.origin.update_id);
    act(session, step, spot).await
}

async fn act(session: &Session, step: Step, spot: Option<i32>) -> Result<(), BotError> {
    let locale = session.locale;
    let Step { state, action, dropped } = step;
    let dropped = (dropped > 0).then(|| text!(locale, "photos-dropped", count = dropped));
    let (text, keyboard) = match action {
        Action::Run { draft, confirmed } => {
            if let Some(dropped) = dropped {
                session.say(dropped, None).await?;
            }
            return run(session, draft, confirmed, spot).await;
        }
        Action::Nothing => return session.keep(&state).await,
        Action::AwaitAlbum(album) => {
            session.keep(&state).await?;
            return await_album(session, album).await;
        }
        Action::Ask { need, prompt_kept } => asking(session, &state, need, prompt_kept),
        Action::Offer(count) => match offer(session, &state, count).await {
            Ok(offer) => offer,
            Err(error) => later(session, error)?,
        },
        Action::Refuse(wrong) => refusal(session, &state, wrong),
        Action::Left => {
            session.keep(&state).await?;
            session
                .say_at(spot, text!(locale, "cancel-left"), Some(keyboard::to_menu(locale)))
                .await?;
            return Ok(());
        }
    };
    session.keep(&state).await?;
    session.say(lines([dropped, Some(text)]), keyboard).await?;
    Ok(())
}

/// Charges, or asks first where the user wants that.
pub async fn run(
    session: &Session,
    draft: Draft,
    confirmed: bool,
    spot: Option<i32>,
) -> Result<(), BotError> {
    if confirmed || !session.ask_first {
        return charge::begin(session, draft, spot).await;
    }
    let quoted = match funding::quote(session, draft.kind).await {
        Ok(quoted) => quoted,
        Err(error) => {
            session.keep(&State::Confirming(draft)).await?;
            let (text, keyboard) = later(session, error)?;
            session.say(text, keyboard).await?;
            return Ok(());
        }
    };
    let keyboard = if quoted.affordable {
        keyboard::confirm(draft.id, &quoted.price, session.locale)
    } else {
        keyboard::short_of_funds(draft.id, &quoted.price, session.locale)
    };
    let question = quoted.affordable.then(|| text!(session.locale, "confirm-question"));
    let title = say(session.locale, draft.kind.title_key(), &[]);
    session.keep(&State::Confirming(Draft { max_price: Some(quoted.price), ..draft })).await?;
    session.say(lines([Some(title), Some(quoted.words), question]), Some(keyboard)).await?;
    Ok(())
}

/// Begins a dialogue with what is there already, and says the price before anything is asked for.
pub async fn begin(session: &Session, mut draft: Draft) -> Result<(), BotError> {
    let quoted = match funding::quote(session, draft.kind).await {
        Ok(quoted) => quoted,
        Err(error) => {
            let (text, keyboard) = later(session, error)?;
            session.say(text, keyboard).await?;
            return Ok(());
        }
    };
    if !quoted.affordable {
        session.keep(&State::Idle).await?;
        session.say(quoted.words, Some(keyboard::balance(session.locale))).await?;
        return Ok(());
    }
    draft.max_price = Some(quoted.price);
    let invitation = match draft.need() {
        Some(need) if !draft.material.photos.is_empty() => need_words(session, draft.kind, need),
        Some(_) | None => say(session.locale, draft.kind.invite_key(), &[]),
    };
    session.keep(&State::Collecting(draft)).await?;
    session.say(format!("{invitation}\n\n{}", quoted.words), None).await?;
    Ok(())
}

/// Billing does not answer: a read is not worth keeping the chat waiting.
pub fn later(
    session: &Session,
    error: BotError,
) -> Result<(String, Option<InlineKeyboardMarkup>), BotError> {
    if !error.retryable {
        return Err(error);
    }
    tracing::warn!(%error, "a question can't be answered now");
    Ok((text!(session.locale, "try-later"), None))
}

async fn await_album(session: &Session, album: Album) -> Result<(), BotError> {
    let data = AlbumTick {
        user_id: session.user_id.clone(),
        locale: session.locale.code().to_owned(),
        update_id: session.origin.update_id,
        album: album.id.clone(),
        last: album.last,
    };
    let data = serde_json::to_value(data)
        .map_err(|error| BotError::defect(format!("a delayed item can't be stored: {error}")))?;
    let tick =
        Tick { id: format!("album-{}-{}", album.id, album.last), chat_id: session.chat_id, data };
    session.services.inbox.schedule(tick, session.services.settings.album_wait).await?;
    Ok(())
}

fn asking(
    session: &Session,
    state: &State,
    need: Need,
    prompt_kept: bool,
) -> (String, Option<InlineKeyboardMarkup>) {
    let State::Collecting(draft) = state else { return (text!(session.locale, "hint-idle"), None) };
    let kept = prompt_kept.then(|| text!(session.locale, "prompt-kept"));
    let keyboard = match need {
        Need::MoreOrDone { .. } => Some(keyboard::photos_done(draft.id, session.locale)),
        Need::Photo | Need::Target | Need::Face | Need::MorePhotos(_) | Need::Prompt => None,
    };
    let words = need_words(session, draft.kind, need);
    (kept.map_or(words.clone(), |kept| format!("{kept} {words}")), keyboard)
}

fn need_words(session: &Session, kind: Kind, need: Need) -> String {
    let locale = session.locale;
    match need {
        Need::Photo => text!(locale, "need-photo"),
        Need::Target => text!(locale, "need-target"),
        Need::Face => text!(locale, "need-face"),
        Need::MorePhotos(left) => text!(locale, "need-more-photos", left = left),
        Need::MoreOrDone { count, has_prompt: true } => {
            text!(locale, "need-done-or-more", count = count)
        }
        Need::MoreOrDone { count, has_prompt: false } => {
            text!(locale, "need-merge-prompt", count = count)
        }
        Need::Prompt => match kind {
            Kind::AddText => text!(locale, "need-prompt-add-text"),
            Kind::Merge => text!(locale, "need-prompt-merge"),
            Kind::Edit | Kind::FaceSwap | Kind::Retouch | Kind::Upscale => {
                text!(locale, "need-prompt-edit")
            }
            Kind::Generate => text!(locale, "need-prompt-create"),
        },
    }
}

async fn offer(
    session: &Session,
    state: &State,
    count: usize,
) -> Result<(String, Option<InlineKeyboardMarkup>), BotError> {
    let State::Choosing { id, .. } = state else {
        return Ok((text!(session.locale, "hint-idle"), None));
    };
    let list = session.services.billing.list_prices(ListPricesRequest {}).await?;
    let mut prices = vec![];
    for kind in Kind::for_photos(count) {
        if let Some(price) = list.prices.iter().find(|price| price.kind == kind.name()) {
            prices.push((kind, Amount::of(price.price.as_ref())?));
        }
    }
    let question = text!(session.locale, "choose-kind", count = count);
    Ok((question, Some(keyboard::offer(*id, &prices, session.locale))))
}

/// Why it can't be used, and what would help now.
fn refusal(
    session: &Session,
    state: &State,
    wrong: Wrong,
) -> (String, Option<InlineKeyboardMarkup>) {
    let locale = session.locale;
    let why = match wrong {
        Wrong::TooLong(length) => {
            text!(locale, "wrong-too-long", length = length, limit = PROMPT_LIMIT)
        }
        Wrong::Empty => text!(locale, "wrong-empty"),
        Wrong::PhotoNeeded => text!(locale, "wrong-photo-needed"),
        Wrong::TextNeeded => text!(locale, "wrong-text-needed"),
        Wrong::Sticker => text!(locale, "wrong-sticker"),
        Wrong::Voice => text!(locale, "wrong-voice"),
        Wrong::Video => text!(locale, "wrong-video"),
        Wrong::FileType => text!(locale, "wrong-file-type"),
        Wrong::FileSize => text!(locale, "wrong-file-size"),
        Wrong::Other => text!(locale, "wrong-other"),
        Wrong::PressButton => text!(locale, "wrong-press-button"),
        Wrong::TooManyPhotos => {
            text!(locale, "wrong-too-many", limit = *Kind::Merge.photos().end())
        }
        Wrong::OldButton => return (text!(locale, "old-button"), Some(keyboard::menu(locale))),
    };
    let says_it_all = matches!(
        wrong,
        Wrong::PressButton
            | Wrong::TooManyPhotos
            | Wrong::TextNeeded
            | Wrong::PhotoNeeded
            | Wrong::TooLong(_)
    );
    let hint = match state {
        _ if says_it_all => None,
        State::Idle | State::Paying { .. } => Some(text!(locale, "hint-idle")),
        State::Collecting(draft) => draft.need().map(|need| need_words(session, draft.kind, need)),
        State::Choosing { .. } | State::Confirming(_) => Some(text!(locale, "wrong-press-button")),
    };
    (lines([Some(why), hint]), None)
}

fn lines<const N: usize>(parts: [Option<String>; N]) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join("\n")
}
