//! What `make images` built, run the way Kubernetes runs it: a user without a name, a read-only root file system, no
//! capability, nothing to write but one folder. `make image-test` builds the images and runs these tests, which say
//! `ignored` elsewhere. IMAGE_ENGINE is the command that runs containers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't go on stops here"
)]

mod container;
mod contents;
mod names;
mod product;
mod service;

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Everything that is built, each an image and the program in it.
const PROGRAMS: [&str; 5] = ["billing-svc", "bot-gateway", "image-worker", "migrations", "sandbox"];
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks until there is an answer.
async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited a minute in vain: {what}");
        sleep(Duration::from_millis(5)).await;
    }
}
