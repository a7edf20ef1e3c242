//! The charge guard: every paid handler goes through [`begin`], and every update first through [`resume`].
//!
//! ```text
//! Paying kept ─► row inserted ─► Charge ─► «Генерирую…» ─► Idle kept ─► photos uploaded, job submitted ─► handed over
//!                                  │                                        │
//!                              declined: told                       failed: abandoned ─► Refund ─► told
//! ```
//!
//! Killed anywhere, the redelivered update goes on: before the dialogue is idle it charges again under the same
//! `request_id`, which billing-svc answers with the same operation; after that the row says where it stands. A
//! request whose hand-over failed is abandoned before it is refunded, so that a job which the worker took all the
//! same is neither delivered nor paid for; if the refund can't be made now, the update comes again and goes on there.

mod decline;
mod handover;

use std::collections::BTreeMap;

use proto::billing::v1::{
    ChargeRequest, ChargeResponse, OperationState, RefundReason, RefundRequest,
};
use teloxide::types::InlineKeyboardMarkup;

pub use decline::retry_button;

use super::{
    BotError,
    dialogue::{Draft, State},
    funding, keyboard,
    session::{Session, Told},
    text::{Locale, text},
};
use crate::{
    Services,
    inbox::Origin,
    store::{NewRequest, Request, RequestState},
};

/// Jobs of one user that may run at the same time.
const RUNNING_LIMIT: usize = 3;

/// Charges a draft and hands its job to the worker. `spot`: a message that may become «Генерирую…»; `None`: a new one.
pub async fn begin(session: &Session, draft: Draft, spot: Option<i32>) -> Result<(), BotError> {
    let request_id = session.origin.request_id();
    let running = session.services.store.running(session.chat_id).await?;
    let others = running.iter().filter(|request| request.request_id != request_id).count();
    if others >= RUNNING_LIMIT {
        // What waited for money waits on.
        let state = if draft.short { State::Shelved(draft) } else { State::Idle };
        session.keep(&state).await?;
        let answer = text!(session.locale, "too-many-running", count = others);
        session.say(answer, Some(keyboard::to_menu(session.locale))).await?;
        return Ok(());
    }
    session.keep(&State::Paying { request_id, draft: draft.clone(), spot }).await?;
    pay(session, draft, spot).await
}

/// Goes on with the paid request that this very update began; `false`: it began none.
pub async fn resume(session: &Session) -> Result<bool, BotError> {
    let mine = session.origin.request_id();
    if let State::Paying { request_id, draft, spot } = session.state().await?
        && request_id == mine
    {
        pay(session, draft, spot).await?;
        return Ok(true);
    }
    let Some(request) = session.services.store.request_by_id(&mine).await? else {
        return Ok(false);
    };
    match (request.state, request.operation_id.clone()) {
        (RequestState::Charging, Some(operation_id)) => {
            handover::run(session, &request, &operation_id).await?
        }
        (RequestState::Abandoned, Some(operation_id)) => {
            give_back(session, &request, &operation_id, text!(session.locale, "fail-job")).await?;
        }
        // Declined and told, or on its way.
        _ => {}
    }
    Ok(true)
}

/// An update (`origin`) or a delayed item (`None`) failed for good: gives back what was charged and not handed over, and
/// says so. The chat's turn is held meanwhile, so what is at its charge is there because of that very item.
pub async fn give_up(
    chat_id: i64,
    origin: Option<&Origin>,
    services: &Services,
) -> Result<(), BotError> {
    let mut stuck = services.store.running(chat_id).await?;
    stuck.retain(|request| request.state == RequestState::Charging);
    if let Some(origin) = origin {
        let own = services.store.request_by_id(&origin.request_id()).await?;
        stuck.extend(own.filter(|request| request.state == RequestState::Abandoned));
    }
    let origin = origin.cloned().unwrap_or(Origin {
        update_id: 0,
        bot_id: services.bot_id,
        attempt: u32::MAX,
    });
    if stuck.is_empty() {
        return apologize(chat_id, origin, services).await;
    }
    for request in stuck {
        let (user_id, locale) = (request.user_id.clone(), Some(request.locale.as_str()));
        let session = Session::open(user_id, locale, chat_id, origin.clone(), services).await?;
        session.keep(&State::Idle).await?;
        if let Some(operation_id) = &request.operation_id {
            let why = text!(session.locale, "fail-job");
            give_back(&session, &request, operation_id, why).await?;
        } else {
            // Perhaps it was charged and the answer lost: the hold then ends by itself.
            services.store.abandon(&request.request_id).await?;
            let why = text!(session.locale, "billing-down");
            conclude(&session, &request, why, keyboard::to_menu(session.locale)).await?;
        }
    }
    Ok(())
}

async fn apologize(chat_id: i64, origin: Origin, services: &Services) -> Result<(), BotError> {
    // Only people's private chats have a positive id; nobody asked anything of us elsewhere.
    if chat_id <= 0 {
        return Ok(());
    }
    let session = Session::open(format!("tg:{chat_id}"), None, chat_id, origin, services).await?;
    session.say(text!(session.locale, "try-later"), None).await?;
    Ok(())
}

/// From the charge on; everything here may be done again.
async fn pay(session: &Session, draft: Draft, spot: Option<i32>) -> Result<(), BotError> {
    let store = &session.services.store;
    let request = store.insert_request(&new_request(session, &draft)).await?;
    if request.state != RequestState::Charging {
        return session.keep(&State::Idle).await;
    }
    let response = match session.services.billing.charge(charge_request(session, &draft)).await {
        Ok(response) => response,
        Err(error) => return decline::answer(session, &request, draft, spot, error).await,
    };
    let operation = response.operation.clone().unwrap_or_default();
    store.set_operation(&request.request_id, &operation.operation_id).await?;
    match operation.state() {
        OperationState::Charged => {
            let request = tell_working(session, request, &response, spot).await;
            session.keep(&State::Idle).await?;
            handover::run(session, &request, &operation.operation_id).await
        }
        // The hold ran out before a redelivery got here.
        OperationState::Refunded => {
            store.abandon(&request.request_id).await?;
            session.keep(&State::Idle).await?;
            let text = text!(session.locale, "fail-expired");
            conclude(session, &request, text, keyboard::to_menu(session.locale)).await
        }
        OperationState::Completed | OperationState::Declined | OperationState::Unspecified => {
            session.keep(&State::Idle).await
        }
    }
}

fn new_request(session: &Session, draft: &Draft) -> NewRequest {
    NewRequest {
        request_id: session.origin.request_id(),
        chat_id: session.chat_id,
        user_id: session.user_id.clone(),
        kind: draft.kind.name().to_owned(),
        prompt: draft.material.prompt.clone().unwrap_or_default(),
        file_ids: draft.material.photos.iter().map(|photo| photo.file_id.clone()).collect(),
        options: BTreeMap::new(),
        locale: session.locale.code().to_owned(),
    }
}

fn charge_request(session: &Session, draft: &Draft) -> ChargeRequest {
    ChargeRequest {
        request_id: session.origin.request_id(),
        user_id: session.user_id.clone(),
        kind: draft.kind.name().to_owned(),
        quantity: 1,
        max_price: draft.max_price.as_ref().map(|price| price.to_money()),
        hold: None,
        labels: BTreeMap::from([
            ("update_id".to_owned(), session.origin.update_id.to_string()),
            ("chat_id".to_owned(), session.chat_id.to_string()),
        ]),
    }
}

/// Says «Генерирую…» and what was taken, once. The job goes on even if nobody could be told.
async fn tell_working(
    session: &Session,
    mut request: Request,
    charged: &ChargeResponse,
    spot: Option<i32>,
) -> Request {
    let told = async {
        let operation = charged.operation.clone().unwrap_or_default();
        let user = charged.user.clone().unwrap_or_default();
        let taken = funding::taken(&operation, &user, session.locale)?;
        session.services.store.set_taken(&request.request_id, &taken).await?;
        let text = format!("{}\n{taken}", text!(session.locale, "working"));
        note(session, &request, spot, text).await
    };
    match told.await {
        Ok(message_id) => request.message_id = message_id.or(request.message_id),
        Err(error) => {
            tracing::warn!(request_id = request.request_id, %error, "nobody was told that it begins")
        }
    }
    request
}

/// Says something in the message of the request, or in `spot`, or in a new one; keeps which it is.
async fn note(
    session: &Session,
    request: &Request,
    spot: Option<i32>,
    text: String,
) -> Result<Option<i32>, BotError> {
    match session.say_at(request.message_id.or(spot), text, None).await? {
        Told::Message(id) => {
            if request.message_id != Some(id) {
                session.services.store.set_message(&request.request_id, id).await?;
            }
            Ok(Some(id))
        }
        Told::Nobody => Ok(None),
    }
}

/// The hand-over failed: everything back, then say so.
async fn give_back(
    session: &Session,
    request: &Request,
    operation_id: &str,
    why: String,
) -> Result<(), BotError> {
    if !session.services.store.abandon(&request.request_id).await? {
        // Too late: the worker has it after all and its end is on its way to the user.
        return Ok(());
    }
    let refund = RefundRequest {
        operation_id: operation_id.to_owned(),
        reason: RefundReason::JobFailed.into(),
        comment: "the job could not be handed to the worker".to_owned(),
        amount: None,
    };
    session.services.billing.refund(refund).await?;
    conclude(session, request, why, keyboard::failed(Some(operation_id), session.locale)).await
}

/// The last word on a request, in place of «Генерирую…».
async fn conclude(
    session: &Session,
    request: &Request,
    text: String,
    keyboard: InlineKeyboardMarkup,
) -> Result<(), BotError> {
    session.say_at(request.message_id, text, Some(keyboard)).await?;
    Ok(())
}

/// The locale that a request was made in.
pub fn locale_of(request: &Request) -> Locale {
    Locale::of_code(&request.locale).unwrap_or(Locale::Ru)
}
