//! From the charge to the worker: photos are downloaded from Telegram and uploaded as bytes, then the job is submitted.

use proto::{client::CallError, gateway::v1::ReplyTo, images::v1::SubmitJobRequest};

use super::give_back;
use crate::{
    bot::{BotError, session::Session, text::text},
    store::{Request, RequestState},
    telegram::FilesError,
};

/// Tries of the whole update before photos that Telegram doesn't serve are given up.
const DOWNLOAD_ATTEMPTS: u32 = 4;
/// Tries of one upload: a connection may break half-way, and the client can't know what was kept.
const UPLOAD_TRIES: u32 = 3;

/// Why the job could not be handed over.
enum Failure {
    /// For good: give back and say this.
    Final(String),
    /// The update comes again.
    Later(BotError),
}

/// Hands a charged request to the worker, or gives everything back.
pub(super) async fn run(
    session: &Session,
    request: &Request,
    operation_id: &str,
) -> Result<(), BotError> {
    if request.state != RequestState::Charging {
        return Ok(());
    }
    match submit(session, request, operation_id).await {
        Ok(()) => Ok(session.services.store.hand_over(&request.request_id).await?),
        Err(Failure::Later(error)) => Err(error),
        Err(Failure::Final(why)) => give_back(session, request, operation_id, why).await,
    }
}

async fn submit(session: &Session, request: &Request, operation_id: &str) -> Result<(), Failure> {
    let mut input_ids = vec![];
    for file_id in &request.file_ids {
        input_ids.push(upload(session, file_id).await?);
    }
    let job = SubmitJobRequest {
        operation_id: operation_id.to_owned(),
        user_id: request.user_id.clone(),
        kind: request.kind.clone(),
        prompt: request.prompt.clone(),
        input_ids,
        options: request.options.clone(),
        reply_to: Some(ReplyTo {
            chat_id: request.chat_id,
            message_id: request.message_id.map_or(0, i64::from),
            locale: request.locale.clone(),
        }),
    };
    match session.services.images.submit_job(job).await {
        Ok(_) => Ok(()),
        // Taken before a crash of ours, with uploads of their own: only their ids differ.
        Err(error) if error.reason == "OPERATION_ID_REUSED" => Ok(()),
        Err(error) => Err(refused(session, &error)),
    }
}

async fn upload(session: &Session, file_id: &str) -> Result<String, Failure> {
    let photo = match session.services.files.download(file_id).await {
        Ok(photo) => photo,
        Err(error @ FilesError::Unavailable) if session.origin.attempt < DOWNLOAD_ATTEMPTS => {
            return Err(Failure::Later(BotError {
                message: error.to_string(),
                retryable: true,
                retry_after: None,
            }));
        }
        Err(error) => {
            tracing::warn!(%error, "a photo can't be downloaded");
            return Err(Failure::Final(text!(session.locale, "fail-photo")));
        }
    };
    let mut tries = 0;
    loop {
        let images = &session.services.images;
        match images.upload_input(&session.user_id, photo.mime_type, photo.bytes.clone()).await {
            Ok(input_id) => return Ok(input_id),
            Err(error) if error.is_retryable() && tries + 1 < UPLOAD_TRIES => tries += 1,
            Err(error) => return Err(refused(session, &error)),
        }
    }
}

fn refused(session: &Session, error: &CallError) -> Failure {
    tracing::error!(code = %error.code, reason = error.reason, "a job can't be handed over");
    Failure::Final(match error.reason.as_str() {
        "INVALID_FIELD" => text!(session.locale, "fail-input"),
        _ => text!(session.locale, "fail-job"),
    })
}
