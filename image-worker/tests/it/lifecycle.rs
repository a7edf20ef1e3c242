//! A job from taken to ended, with everyone there.

use std::time::Duration;

use proto::billing::v1::RefundReason;
use proto::gateway::v1::FailureReason;
use proto::images::v1::{CancelJobRequest, JobState};
use sandbox::fal::Failure;

use crate::harness::{System, generate, png};
use crate::peers::{Money, Sent};

#[tokio::test]
async fn a_picture_is_made_delivered_and_paid_for() {
    let system = System::start().await;
    let id = system.generate("a cat on a moon").await;
    let job = system.end_of(&id).await;
    assert_eq!((job.state(), job.attempts, job.result_count), (JobState::Succeeded, 1, 1));
    assert_eq!(system.billing.money(&id), Money::Completed);
    assert!(matches!(&system.gateway.sent(&id)[..], [Sent::Pictures(sizes)] if sizes.len() == 1));
    assert_eq!(system.fal.submits_of("a cat on a moon"), 1);
    // The user may want it again.
    assert!(system.images.get_result(&id, 0).await.is_ok());
}

#[tokio::test]
async fn every_kind_hands_its_pictures_to_the_provider() {
    let system = System::start().await;
    let kinds = [
        ("edit", "make it blue", 1),
        ("merge", "side by side", 3),
        ("add_text", "С днём рождения", 1),
        ("face_swap", "", 2),
        ("retouch", "", 1),
        ("upscale", "", 1),
    ];
    for (kind, prompt, inputs) in kinds {
        let mut request = generate(&system.billing.charge(), prompt);
        request.kind = kind.to_owned();
        for shade in 0..inputs {
            request.input_ids.push(system.upload(&png(shade)).await);
        }
        let id = request.operation_id.clone();
        system.images.submit_job(request).await.unwrap();
        assert_eq!(system.end_of(&id).await.state(), JobState::Succeeded, "{kind}");
        let submits = system.fal.submits();
        assert_eq!(submits.last().unwrap().pictures, usize::from(inputs), "{kind}");
    }
}

#[tokio::test]
async fn what_the_provider_refuses_is_refunded_at_once_and_told() {
    let cases = [
        (Failure::ContentRefused, RefundReason::ContentRejected, FailureReason::ContentRejected),
        (Failure::NsfwResult, RefundReason::ContentRejected, FailureReason::ContentRejected),
        (Failure::BadInput, RefundReason::JobFailed, FailureReason::BadInput),
    ];
    let system = System::start().await;
    for (failure, refund, told) in cases {
        system.fal.fail_next(failure.clone(), 1);
        let id = system.generate("a cat").await;
        let job = system.end_of(&id).await;
        assert_eq!((job.state(), job.failure_reason()), (JobState::Failed, told), "{failure:?}");
        assert_eq!(job.attempts, 1, "no retry for {failure:?}");
        assert_eq!(system.billing.money(&id), Money::Refunded(refund));
        crate::harness::eventually(|| system.gateway.sent(&id) == [Sent::Failure(told)]).await;
    }
}

#[tokio::test]
async fn what_passes_is_tried_again() {
    let passing = [
        Failure::ServerError,
        Failure::Unavailable,
        Failure::TooManyRequests { retry_after: 0 },
        Failure::JobFails,
        Failure::DeadResultUrl,
    ];
    let system = System::start().await;
    for failure in passing {
        system.fal.fail_next(failure.clone(), 1);
        let id = system.generate("a cat").await;
        let job = system.end_of(&id).await;
        assert_eq!((job.state(), job.attempts), (JobState::Succeeded, 2), "{failure:?}");
        assert_eq!(system.billing.money(&id), Money::Completed);
    }
}

#[tokio::test]
async fn when_no_try_helps_the_money_comes_back() {
    let system = System::start().await;
    system.fal.fail_next(Failure::ServerError, 3);
    let id = system.generate("a cat").await;
    let job = system.end_of(&id).await;
    assert_eq!((job.state(), job.attempts), (JobState::Failed, 3));
    assert_eq!(system.billing.money(&id), Money::Refunded(RefundReason::JobFailed));
    let told = [Sent::Failure(FailureReason::JobFailed)];
    crate::harness::eventually(|| system.gateway.sent(&id) == told).await;
    assert!(system.fal.submits().is_empty());
}

#[tokio::test]
async fn a_lost_answer_is_submitted_once_more_and_the_user_pays_once() {
    let system = System::start().await;
    system.fal.fail_next(Failure::DropConnection, 1);
    let id = system.generate("a cat").await;
    let job = system.end_of(&id).await;
    assert_eq!((job.state(), job.attempts), (JobState::Succeeded, 2));
    assert_eq!(system.fal.submits_of("a cat"), 2);
    assert_eq!(system.billing.money(&id), Money::Completed);
    assert_eq!(system.gateway.sent(&id).len(), 1);
}

#[tokio::test]
async fn polls_that_fail_lose_nothing() {
    let system = System::start().await;
    system.fal.fail_polls(Failure::ServerError, 3);
    let id = system.generate("a cat").await;
    let job = system.end_of(&id).await;
    assert_eq!((job.state(), job.attempts), (JobState::Succeeded, 1));
    assert_eq!(system.fal.submits().len(), 1);
}

#[tokio::test]
async fn what_takes_too_long_is_called_off_and_refunded() {
    let system = System::with(&["--job-time-limit", "1s"]).await;
    system.fal.set_pace(Duration::from_secs(600));
    let id = system.generate("a cat").await;
    let job = system.end_of(&id).await;
    assert_eq!((job.state(), job.failure_reason()), (JobState::Failed, FailureReason::TimedOut));
    assert_eq!(system.billing.money(&id), Money::Refunded(RefundReason::JobFailed));
    assert!(system.fal.submits()[0].cancelled);
}

#[tokio::test]
async fn a_job_without_money_never_reaches_the_provider() {
    let system = System::start().await;
    let refunded = Money::Refunded(RefundReason::Expired);
    let id = system.billing.charge();
    system.billing.settle(&id, refunded);
    system.images.submit_job(generate(&id, "a cat")).await.unwrap();
    assert_eq!(system.end_of(&id).await.state(), JobState::Failed);
    let told = [Sent::Failure(FailureReason::JobFailed)];
    crate::harness::eventually(|| system.gateway.sent(&id) == told).await;

    let unknown = crate::harness::new_id();
    system.images.submit_job(generate(&unknown, "a cat")).await.unwrap();
    assert_eq!(system.end_of(&unknown).await.state(), JobState::Failed);
    assert!(system.fal.submits().is_empty());
}

#[tokio::test]
async fn a_job_that_waits_can_be_called_off_and_one_that_runs_cannot() {
    let system = System::with(&["--concurrency", "1"]).await;
    system.fal.hold();
    let running = system.generate("first").await;
    system.fal.accepted(1).await;
    let waiting = system.generate("second").await;
    let cancel = |id: &str| CancelJobRequest { operation_id: id.to_owned() };

    let canceled = system.images.cancel_job(cancel(&waiting)).await.unwrap().job.unwrap();
    assert_eq!(
        (canceled.state(), canceled.failure_reason()),
        (JobState::Canceled, FailureReason::Canceled)
    );
    assert_eq!(system.billing.money(&waiting), Money::Refunded(RefundReason::CustomerRequest));
    let again = system.images.cancel_job(cancel(&waiting)).await.unwrap().job.unwrap();
    assert_eq!(again.state(), JobState::Canceled);

    let refused = system.images.cancel_job(cancel(&running)).await.unwrap_err();
    assert_eq!(refused.reason, "JOB_STARTED");
    system.fal.release();
    assert_eq!(system.end_of(&running).await.state(), JobState::Succeeded);
    assert_eq!(system.fal.submits().len(), 1);
}

#[tokio::test]
async fn what_the_gateway_gave_up_is_not_sent_again() {
    let system = System::start().await;
    system.fal.hold();
    let id = system.generate("a cat").await;
    system.fal.accepted(1).await;
    system.gateway.give_up(&id);
    system.fal.release();
    assert_eq!(system.end_of(&id).await.state(), JobState::Failed);
    assert!(system.gateway.sent(&id).is_empty());
    assert_eq!(system.images.get_result(&id, 0).await.unwrap_err().reason, "RESULT_NOT_FOUND");
}

#[tokio::test]
async fn what_the_gateway_cannot_send_is_refunded_and_told() {
    let system = System::start().await;
    system.gateway.be_unable();
    let id = system.generate("a cat").await;
    assert_eq!(system.end_of(&id).await.state(), JobState::Failed);
    assert_eq!(system.billing.money(&id), Money::Refunded(RefundReason::JobFailed));
    let told = [Sent::Failure(FailureReason::JobFailed)];
    crate::harness::eventually(|| system.gateway.sent(&id) == told).await;
}
