//! Buttons under a result and on jobs: again, upscale, edit, show once more, cancel.

use std::time::{Duration, SystemTime};

use proto::{
    billing::v1::ListOperationsRequest,
    images::v1::{CancelJobRequest, GetJobRequest, JobState},
};
use tokio::time::timeout;

use super::{
    BotError,
    account::WORKER_PATIENCE,
    conversation,
    dialogue::{Draft, Material, Photo},
    keyboard,
    kind::Kind,
    money::Amount,
    press::Picture,
    presses::Pressed,
    session::Session,
    text::text,
};
use crate::{
    delivery::{self, ShowError},
    store::{Request, RequestState},
};

/// Two presses of one button within this are one wish, however fast the first one's job was.
const DOUBLE_PRESS: Duration = Duration::from_secs(5);
/// How many of a chat's latest requests are looked at for a double press.
const RECENT: u64 = 5;

/// The same request once more, at no more than it cost before.
pub async fn again(
    session: &Session,
    pressed: &Pressed,
    operation_id: &str,
) -> Result<(), BotError> {
    let Some((request, kind)) = find(session, operation_id).await? else {
        return gone(session, pressed).await;
    };
    let price = price_paid(session, &request, operation_id).await?;
    let material = Material {
        photos: request.file_ids.iter().cloned().map(own_photo).collect(),
        prompt: Some(request.prompt).filter(|prompt| !prompt.is_empty()),
        album: None,
    };
    let draft = Draft { material, ..Draft::new(session.origin.update_id, kind, price) };
    start(session, pressed, draft, operation_id).await
}

/// What the user saw that the operation cost; `None` when it is not among their newest 200. A gateway may list a user's
/// operations, not get one by its id.
async fn price_paid(
    session: &Session,
    request: &Request,
    operation_id: &str,
) -> Result<Option<Amount>, BotError> {
    let list = ListOperationsRequest {
        user_id: request.user_id.clone(),
        page_size: 200,
        ..ListOperationsRequest::default()
    };
    let operations = session.services.billing.list_operations(list).await?.operations;
    let paid = operations.iter().find(|operation| operation.operation_id == operation_id);
    Ok(paid.map(|operation| Amount::of(operation.price.as_ref())).transpose()?)
}

/// Upscales a picture of a result.
pub async fn upscale(
    session: &Session,
    pressed: &Pressed,
    picture: &Picture,
) -> Result<(), BotError> {
    let Some(photo) = find_picture(session, picture).await? else {
        return gone(session, pressed).await;
    };
    let material = Material { photos: vec![photo], ..Material::default() };
    let draft = Draft { material, ..Draft::new(session.origin.update_id, Kind::Upscale, None) };
    start(session, pressed, draft, &picture.operation_id).await
}

/// Asks what to change in a picture of a result.
pub async fn edit(session: &Session, pressed: &Pressed, picture: &Picture) -> Result<(), BotError> {
    let Some(photo) = find_picture(session, picture).await? else {
        return gone(session, pressed).await;
    };
    pressed.answer(session).await;
    let material = Material { photos: vec![photo], ..Material::default() };
    conversation::begin(
        session,
        Draft { material, ..Draft::new(session.origin.update_id, Kind::Edit, None) },
    )
    .await
}

/// Sends a result again that was perhaps never seen.
pub async fn show(
    session: &Session,
    pressed: &Pressed,
    operation_id: &str,
) -> Result<(), BotError> {
    pressed.answer(session).await;
    match delivery::show_again(session.chat_id, operation_id, &session.services).await {
        Ok(()) => Ok(()),
        Err(ShowError::Gone) => say_gone(session).await,
        Err(ShowError::Unavailable) => {
            session.say(text!(session.locale, "try-later"), None).await?;
            Ok(())
        }
        Err(ShowError::Send(error)) => Err(error.into()),
    }
}

/// Cancels a job that has not started; its end is told by the delivery.
pub async fn cancel(
    session: &Session,
    pressed: &Pressed,
    operation_id: &str,
) -> Result<(), BotError> {
    let request = session.services.store.request(operation_id).await?;
    if request.is_none_or(|request| request.chat_id != session.chat_id) {
        return gone(session, pressed).await;
    }
    let job = CancelJobRequest { operation_id: operation_id.to_owned() };
    let words = match session.services.images.cancel_job(job).await {
        Ok(_) => text!(session.locale, "cancel-done"),
        Err(error) if error.is_retryable() => text!(session.locale, "try-later"),
        Err(_) => text!(session.locale, "cancel-started"),
    };
    pressed.toast(session, words.clone()).await;
    session.say_at(pressed.message_id, words, None).await?;
    Ok(())
}

/// Jobs of this chat that wait for their turn: operation and kind. What can't be asked about soon can't be canceled now.
pub async fn cancelable(session: &Session) -> Result<Vec<(String, Option<Kind>)>, BotError> {
    let mut jobs = vec![];
    for request in session.services.store.running(session.chat_id).await? {
        let handed_over = request.state == RequestState::HandedOver;
        let Some(operation_id) = request.operation_id.filter(|_| handed_over) else { continue };
        let job = GetJobRequest { operation_id: operation_id.clone() };
        match timeout(WORKER_PATIENCE, session.services.images.get_job(job)).await {
            Ok(Ok(job)) if job.job.as_ref().is_some_and(|job| job.state() == JobState::Queued) => {
                jobs.push((operation_id, Kind::of_name(&request.kind)));
            }
            Ok(_) => {}
            Err(_) => break,
        }
    }
    Ok(jobs)
}

/// Charges for a button under the result of `operation_id`, unless the very same is being made.
async fn start(
    session: &Session,
    pressed: &Pressed,
    draft: Draft,
    operation_id: &str,
) -> Result<(), BotError> {
    let store = &session.services.store;
    let running = store.running(session.chat_id).await?;
    let recent = store.recent(session.chat_id, RECENT).await?;
    let now = SystemTime::now();
    let just_now = |request: &Request| {
        now.duration_since(request.create_time).is_ok_and(|age| age < DOUBLE_PRESS)
            && request.state != RequestState::Abandoned
            // A result that came this fast may be asked for again at once.
            && request.operation_id.as_deref() != Some(operation_id)
    };
    let twice = running.iter().chain(recent.iter().filter(|request| just_now(request)));
    if twice.into_iter().any(|request| is_same(request, &draft)) {
        pressed.toast(session, text!(session.locale, "already-working")).await;
        return Ok(());
    }
    pressed.answer(session).await;
    conversation::run(session, draft, false, None).await
}

fn is_same(request: &Request, draft: &Draft) -> bool {
    request.kind == draft.kind.name()
        && request.prompt == draft.material.prompt.as_deref().unwrap_or_default()
        && request.file_ids.iter().eq(draft.material.photos.iter().map(|photo| &photo.file_id))
}

async fn find(session: &Session, operation_id: &str) -> Result<Option<(Request, Kind)>, BotError> {
    let request = session.services.store.request(operation_id).await?;
    Ok(request
        .filter(|request| request.chat_id == session.chat_id)
        .and_then(|request| Kind::of_name(&request.kind).map(|kind| (request, kind))))
}

async fn find_picture(session: &Session, picture: &Picture) -> Result<Option<Photo>, BotError> {
    let request = session.services.store.request(&picture.operation_id).await?;
    Ok(request
        .filter(|request| request.chat_id == session.chat_id)
        .and_then(|request| request.result_file_ids.get(picture.index).cloned())
        .map(own_photo))
}

fn own_photo(file_id: String) -> Photo {
    Photo { file_id, message_id: 0 }
}

async fn gone(session: &Session, pressed: &Pressed) -> Result<(), BotError> {
    pressed.answer(session).await;
    say_gone(session).await
}

async fn say_gone(session: &Session) -> Result<(), BotError> {
    session
        .say(text!(session.locale, "result-gone"), Some(keyboard::to_menu(session.locale)))
        .await?;
    Ok(())
}
