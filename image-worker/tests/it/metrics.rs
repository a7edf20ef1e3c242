//! What an operator's Prometheus reads of the worker.

use proto::images::v1::JobState;
use sandbox::fal::Failure;
use service_kit::telemetry;

use crate::harness::System;

/// Waits until a series is there. The metrics are those of the whole process, so other tests count along: no numbers.
async fn appears(series: &str) {
    let metrics = telemetry::metrics().unwrap();
    let looking = async {
        while !metrics.render().lines().any(|line| line.starts_with(series)) {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let seen = tokio::time::timeout(std::time::Duration::from_secs(60), looking).await;
    assert!(seen.is_ok(), "{series} is missing in\n{}", metrics.render());
}

#[tokio::test]
async fn what_the_provider_did_and_what_became_of_jobs_is_counted() {
    let system = System::start().await;
    let id = system.generate("a cat with a ledger").await;
    assert_eq!(system.end_of(&id).await.state(), JobState::Succeeded);
    system.fal.fail_next(Failure::ContentRefused, 1);
    let id = system.generate("something refused").await;
    assert_eq!(system.end_of(&id).await.state(), JobState::Failed);

    for series in [
        r#"worker_jobs{state="due"}"#,
        "worker_oldest_job_seconds 0",
        r#"worker_fal_calls_total{call="submit",end="ok"}"#,
        r#"worker_fal_calls_total{call="submit",end="lost"}"#,
        r#"worker_fal_call_seconds_bucket{call="status",le="0.25"}"#,
        r#"worker_generation_seconds_bucket{kind="generate",le="120"}"#,
        r#"worker_job_seconds_bucket{kind="generate",outcome="succeeded",le="600"}"#,
        r#"worker_jobs_ended_total{kind="generate",outcome="content_rejected"}"#,
        r#"worker_attempts_total{kind="generate",end="stored"}"#,
        r#"worker_refunds_total{reason="content_rejected"}"#,
        "worker_leases_lost_total",
    ] {
        appears(series).await;
    }
}
