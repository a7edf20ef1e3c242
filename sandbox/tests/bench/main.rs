//! The benchmark's load generator: what it says it did is what the server saw.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't go on stops here"
)]

mod calls;
mod distributions;
mod open_loop;
mod program;
mod server;

use std::time::Duration;

use indicatif::ProgressBar;
use sandbox::bench::load::{Call, Measured, Pace, Plan, Spread, Target, run_until};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Longer than any test: runs here end when they have done what they should.
const LONG: Duration = Duration::from_secs(600);

/// Charges of a hundred users, by one caller, at once and until told to stop.
fn charges() -> Plan {
    Plan {
        call: Call::Charge,
        users: 100,
        spread: Spread::Uniform,
        pace: Pace::Closed { in_flight: 1 },
        warm_up: Duration::ZERO,
        time: LONG,
        kind: "generate".to_owned(),
    }
}

/// A run that goes on until it is stopped.
struct Running {
    stop: CancellationToken,
    task: JoinHandle<anyhow::Result<Measured>>,
}

impl Running {
    fn start(urls: &[&str], plan: Plan) -> Self {
        let urls = urls.iter().map(|&url| url.to_owned()).collect();
        Self::at(Target { urls, token: None, connections: 2 }, plan)
    }

    fn at(target: Target, plan: Plan) -> Self {
        let stop = CancellationToken::new();
        let until = stop.clone();
        let task =
            tokio::spawn(
                async move { run_until(&target, &plan, &ProgressBar::hidden(), &until).await },
            );
        Self { stop, task }
    }

    async fn stop(self) -> Measured {
        self.stop.cancel();
        self.task.await.unwrap().unwrap()
    }
}
