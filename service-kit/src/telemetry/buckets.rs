//! The buckets of histograms.

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder};

/// Upper bounds in seconds, where nothing else is said: calls and transactions.
const SECONDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];
/// The same for what takes as long as making a picture.
const LONG_SECONDS: [f64; 14] =
    [1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0, 600.0, 1800.0];
const LONG: [&str; 2] = ["worker_job_seconds", "worker_generation_seconds"];
/// Upper bounds in commands, or calls.
const COMMANDS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
const IN_COMMANDS: [&str; 2] = ["billing_batch_commands", "billing_read_calls"];

/// A recorder whose histograms have their buckets.
pub(super) fn builder() -> Result<PrometheusBuilder, BuildError> {
    let mut builder = PrometheusBuilder::new().set_buckets(&SECONDS)?;
    for name in LONG {
        builder = builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), &LONG_SECONDS)?;
    }
    for name in IN_COMMANDS {
        builder = builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), &COMMANDS)?;
    }
    Ok(builder)
}
