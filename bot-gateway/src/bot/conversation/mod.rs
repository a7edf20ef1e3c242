//! Does what the dialogue says: keeps its state, asks, offers, refuses helpfully, and hands what is complete to the
//! charge guard.

mod words;

use proto::billing::v1::ListPricesRequest;
use serde::{Deserialize, Serialize};
use teloxide::types::{InlineKeyboardMarkup, Message};

use super::{
    BotError, charge,
    dialogue::{self, Action, Album, Answer, Draft, Input, State, Step},
    funding, incoming, keyboard,
    kind::Kind,
    money::Amount,
    promo,
    session::Session,
    text::{say, text},
    topup,
};
use crate::{
    Services,
    inbox::{Origin, Tick},
};
use words::{asking, lines, need_words, refusal};

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

/// Goes on with the answer that this very update brought; `false`: it brought none.
pub async fn resume(session: &Session) -> Result<bool, BotError> {
    match session.state().await? {
        State::Answered { update_id, answer, .. } if update_id == session.origin.update_id => {
            answered(session, answer).await?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

async fn answered(session: &Session, answer: Answer) -> Result<(), BotError> {
    match answer {
        Answer::Amount(amount) => topup::choose(session, amount, None).await,
        Answer::PromoCode(code) => promo::answer(session, &code).await,
    }
}

async fn act(session: &Session, step: Step, spot: Option<i32>) -> Result<(), BotError> {
    let locale = session.locale;
    let Step { state, action, dropped } = step;
    let dropped = (dropped > 0).then(|| text!(locale, "photos-dropped", count = dropped));
    let (text, keyboard) = match action {
        Action::Take(answer) => {
            session.keep(&state).await?;
            return answered(session, answer).await;
        }
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
    let keyboard = match &quoted.lacking {
        None => keyboard::confirm(draft.id, &quoted.price, session.locale),
        Some(lack) => {
            let packs = lack.packs(session).await;
            keyboard::short_of_funds(draft.id, &quoted.price, &packs, session.locale)
        }
    };
    let question = quoted.lacking.is_none().then(|| text!(session.locale, "confirm-question"));
    let title = say(session.locale, draft.kind.title_key(), &[]);
    let short = quoted.lacking.is_some();
    let draft = Draft { max_price: Some(quoted.price), short, ..draft };
    session.keep(&State::Confirming(draft)).await?;
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
    if let Some(lack) = &quoted.lacking {
        session.keep(&session.state().await?.ended()).await?;
        let keyboard = keyboard::top_up(&lack.packs(session).await, session.locale);
        session.say(quoted.words, Some(keyboard)).await?;
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
