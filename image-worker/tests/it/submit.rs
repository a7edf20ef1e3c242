//! Jobs as callers hand them in: every field at its limit and beyond, the same job twice, too many.

use proto::client::CallError;
use proto::gateway::v1::ReplyTo;
use proto::images::v1::*;

use crate::harness::{System, generate, new_id, png, why};

/// Makes one field of a good request bad.
type Spoil = dyn Fn(&mut SubmitJobRequest);

async fn refused(system: &System, request: SubmitJobRequest) -> CallError {
    system.images.submit_job(request).await.unwrap_err()
}

#[tokio::test]
async fn every_field_is_checked_and_named_and_nothing_is_written() {
    let system = System::start().await;
    let input = system.upload(&png(1)).await;
    let reply_to = ReplyTo { chat_id: 1, message_id: 0, locale: "ru".to_owned() };
    let cases: Vec<(&str, Box<Spoil>)> = vec![
        ("operation_id", Box::new(|r| r.operation_id.clear())),
        ("operation_id", Box::new(|r| r.operation_id = "17".to_owned())),
        ("operation_id", Box::new(|r| r.operation_id = r.operation_id.to_uppercase())),
        ("operation_id", Box::new(|r| r.operation_id = r.operation_id.replace('-', ""))),
        ("user_id", Box::new(|r| r.user_id.clear())),
        ("user_id", Box::new(|r| r.user_id = "u".repeat(65))),
        ("user_id", Box::new(|r| r.user_id = "tg/1".to_owned())),
        ("user_id", Box::new(|r| r.user_id = "тг".to_owned())),
        ("kind", Box::new(|r| r.kind.clear())),
        ("kind", Box::new(|r| r.kind = "Generate".to_owned())),
        ("kind", Box::new(|r| r.kind = "dance".to_owned())),
        ("prompt", Box::new(|r| r.prompt.clear())),
        ("prompt", Box::new(|r| r.prompt = " \n\t".to_owned())),
        ("prompt", Box::new(|r| r.prompt = "ы".repeat(2001))),
        (
            "input_ids",
            Box::new({
                let input = input.clone();
                move |r| r.input_ids = vec![input.clone()]
            }),
        ),
        ("input_ids", Box::new(|r| r.kind = "edit".to_owned())),
        ("input_ids", Box::new(|r| r.kind = "face_swap".to_owned())),
        (
            "input_ids",
            Box::new({
                let input = input.clone();
                move |r| {
                    r.kind = "merge".to_owned();
                    r.input_ids = vec![input.clone()];
                }
            }),
        ),
        (
            "input_ids",
            Box::new({
                let input = input.clone();
                move |r| {
                    r.kind = "merge".to_owned();
                    r.input_ids = vec![input.clone(); 6];
                }
            }),
        ),
        (
            "input_ids[1]",
            Box::new({
                let input = input.clone();
                move |r| {
                    r.kind = "merge".to_owned();
                    r.input_ids = vec![input.clone(), "../../etc/passwd".to_owned()];
                }
            }),
        ),
        (
            "options",
            Box::new(|r| {
                r.options = (0..17).map(|n| (n.to_string(), String::new())).collect();
            }),
        ),
        ("options", Box::new(|r| r.options = [(String::new(), "1".to_owned())].into())),
        ("options", Box::new(|r| r.options = [("k".repeat(65), "1".to_owned())].into())),
        ("options", Box::new(|r| r.options = [("k".to_owned(), "v".repeat(257))].into())),
        ("options", Box::new(|r| r.options = [("seed".to_owned(), "x".to_owned())].into())),
        ("reply_to", Box::new(|r| r.reply_to = None)),
        (
            "reply_to.chat_id",
            Box::new({
                let reply_to = reply_to.clone();
                move |r| r.reply_to = Some(ReplyTo { chat_id: 0, ..reply_to.clone() })
            }),
        ),
        (
            "reply_to.message_id",
            Box::new({
                let reply_to = reply_to.clone();
                move |r| r.reply_to = Some(ReplyTo { message_id: -1, ..reply_to.clone() })
            }),
        ),
        (
            "reply_to.locale",
            Box::new(move |r| {
                r.reply_to = Some(ReplyTo { locale: "de".to_owned(), ..reply_to.clone() });
            }),
        ),
    ];
    for (number, (field, spoil)) in cases.iter().enumerate() {
        let mut request = generate(&new_id(), "a cat");
        spoil(&mut request);
        let error = refused(&system, request).await;
        assert_eq!(error.code, tonic::Code::InvalidArgument, "case {number}");
        assert_eq!(why(&error), ("INVALID_FIELD", *field), "case {number}");
    }
    assert_eq!(system.jobs_kept().await, 0);
}

#[tokio::test]
async fn what_is_just_within_the_limits_is_taken() {
    let system = System::start().await;
    system.fal.hold();
    let mut request = generate(&new_id(), &"ы".repeat(2000));
    request.user_id = "u".repeat(64);
    request.options = (0..16).map(|n| (format!("{n:064}"), "v".repeat(256))).collect();
    request.reply_to =
        Some(ReplyTo { chat_id: i64::MIN, message_id: i64::MAX, locale: "en".to_owned() });
    let job = system.images.submit_job(request.clone()).await.unwrap().job.unwrap();
    assert_eq!((job.user_id, job.kind), (request.user_id, request.kind));
    assert_eq!(system.jobs_kept().await, 1);
}

#[tokio::test]
async fn inputs_must_be_there_and_the_users_own() {
    let system = System::start().await;
    let input = system.upload(&png(1)).await;
    let mut edit = generate(&new_id(), "make it blue");
    edit.kind = "edit".to_owned();

    edit.input_ids = vec!["0".repeat(64)];
    let error = refused(&system, edit.clone()).await;
    assert_eq!(error.reason, "INPUT_NOT_FOUND");
    assert_eq!(error.metadata["input_id"], edit.input_ids[0]);

    edit.input_ids = vec![input];
    edit.user_id = "tg:43".to_owned();
    assert_eq!(refused(&system, edit).await.reason, "INPUT_NOT_FOUND");
    assert_eq!(system.jobs_kept().await, 0);
}

#[tokio::test]
async fn the_same_job_again_is_the_same_job() {
    let system = System::start().await;
    let request = generate(&system.billing.charge(), "a cat");
    let first = system.images.submit_job(request.clone()).await.unwrap().job.unwrap();
    system.end_of(&first.operation_id).await;
    // A gateway that forgot the first answer has written a new message to edit.
    let mut again = request.clone();
    again.reply_to.as_mut().unwrap().message_id += 1;
    let second = system.images.submit_job(again).await.unwrap().job.unwrap();
    assert_eq!(second.create_time, first.create_time);
    assert_eq!(second.state(), JobState::Succeeded);
    assert_eq!(system.fal.submits().len(), 1);

    let mut other = request.clone();
    other.prompt = "a dog".to_owned();
    let error = refused(&system, other).await;
    assert_eq!(why(&error), ("OPERATION_ID_REUSED", "prompt"));
    assert_eq!(error.code, tonic::Code::AlreadyExists);
    let mut other = request;
    other.user_id = "tg:43".to_owned();
    assert_eq!(why(&refused(&system, other).await), ("OPERATION_ID_REUSED", "user_id"));
}

#[tokio::test]
async fn the_same_job_from_many_at_once_is_one() {
    let system = System::start().await;
    let request = generate(&system.billing.charge(), "a cat");
    let calls = (0..10).map(|_| system.images.submit_job(request.clone()));
    for answer in futures::future::join_all(calls).await {
        answer.unwrap();
    }
    system.end_of(&request.operation_id).await;
    assert_eq!(system.jobs_kept().await, 1);
    assert_eq!(system.fal.submits().len(), 1);
    assert_eq!(system.gateway.sent(&request.operation_id).len(), 1);
}

#[tokio::test]
async fn too_many_waiting_jobs_are_turned_away() {
    let system = System::with(&["--max-queued", "2", "--concurrency", "1"]).await;
    system.fal.hold();
    system.generate("running").await;
    system.fal.accepted(1).await;
    system.generate("waits").await;
    let last = system.generate("waits too").await;
    let error = refused(&system, generate(&new_id(), "one too many")).await;
    assert_eq!((error.code, error.reason.as_str()), (tonic::Code::Unavailable, "OVERLOADED"));
    assert!(error.retry_after.is_some());
    // What is known already needs no room.
    system.images.submit_job(generate(&last, "waits too")).await.unwrap();
}

#[tokio::test]
async fn what_is_not_there_is_said_to_be_not_there() {
    let system = System::start().await;
    let unknown = new_id();
    let operation_id = unknown.clone();
    let error = system.images.get_job(GetJobRequest { operation_id }).await.unwrap_err();
    assert_eq!((error.code, error.reason.as_str()), (tonic::Code::NotFound, "JOB_NOT_FOUND"));
    let operation_id = unknown.clone();
    let error = system.images.cancel_job(CancelJobRequest { operation_id }).await.unwrap_err();
    assert_eq!(error.reason, "JOB_NOT_FOUND");
    let operation_id = unknown.clone();
    let error = system.images.watch_job(WatchJobRequest { operation_id }).await.unwrap_err();
    assert_eq!(error.reason, "JOB_NOT_FOUND");
    assert_eq!(system.images.get_result(&unknown, 0).await.unwrap_err().reason, "JOB_NOT_FOUND");
    let error = system.images.get_result(&unknown, -1).await.unwrap_err();
    assert_eq!(why(&error), ("INVALID_FIELD", "index"));
    let operation_id = "17".to_owned();
    let error = system.images.get_job(GetJobRequest { operation_id }).await.unwrap_err();
    assert_eq!(why(&error), ("INVALID_FIELD", "operation_id"));
    let user_id = String::new();
    let error =
        system.images.retry_deliveries(RetryDeliveriesRequest { user_id }).await.unwrap_err();
    assert_eq!(why(&error), ("INVALID_FIELD", "user_id"));

    let id = system.generate("a cat").await;
    system.end_of(&id).await;
    assert_eq!(system.images.get_result(&id, 1).await.unwrap_err().reason, "RESULT_NOT_FOUND");
}

#[tokio::test]
async fn callers_are_known_by_token_and_role() {
    use sha2::{Digest, Sha256};
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("auth.toml");
    let caller = |name: &str, role: &str| {
        let hash: String = Sha256::digest(name).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("[[caller]]\nname = \"{name}\"\nrole = \"{role}\"\ntoken_sha256 = \"{hash}\"\n")
    };
    let callers = caller("a-viewer", "viewer")
        + &caller("a-worker", "worker")
        + &caller("a-gateway", "gateway");
    std::fs::write(&file, callers).unwrap();
    let system = System::with(&["--auth-file", file.to_str().unwrap()]).await;
    let known_by = |token: Option<&str>| {
        let config = proto::client::ClientConfig::new(
            &system.address,
            token.map(|token| token.to_owned().into()),
        );
        proto::client::ImagesClient::new(&config).unwrap()
    };
    let get = || GetJobRequest { operation_id: new_id() };
    let table = [
        (None, "UNAUTHENTICATED", "UNAUTHENTICATED"),
        (Some("nobody"), "UNAUTHENTICATED", "UNAUTHENTICATED"),
        (Some("a-worker"), "FORBIDDEN", "FORBIDDEN"),
        (Some("a-viewer"), "JOB_NOT_FOUND", "FORBIDDEN"),
        (Some("a-gateway"), "JOB_NOT_FOUND", ""),
    ];
    for (token, reads, submits) in table {
        let images = known_by(token);
        assert_eq!(images.get_job(get()).await.unwrap_err().reason, reads, "{token:?}");
        let submitted = images.submit_job(generate(&new_id(), "a cat")).await;
        assert_eq!(submitted.err().map_or(String::new(), |error| error.reason), submits);
    }
}
