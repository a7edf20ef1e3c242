//! The load generator: calls one RPC of a billing-svc for some time and measures how many are answered and how long they
//! take.
//!
//! Two ways to ask. **Closed loop**: a fixed number of callers, each calls again when it was answered, as a pool of
//! workers does. It finds what a server can do, but a server that stalls also stalls its callers, and the calls that
//! would have met the stall are never made. **Open loop**: calls are due at a fixed rate, as users come who know nothing
//! of each other, and a latency is counted from the time at which the call was due. A stall is then seen by all that would
//! have met it (no coordinated omission, after Gil Tene's "How NOT to Measure Latency").
//!
//! It is cheap, because it mostly shares its processors with what it measures: a task for each call in flight, each with
//! its own histogram, no lock on the way of a call. It uses the generated client, not the product's own: that one repeats
//! what failed, and a repetition would hide what is measured. Every call has a deadline of [`DEADLINE`], which the server
//! is told as well, so that a run always ends.

mod measured;

use std::time::Duration;

use anyhow::bail;
use indicatif::ProgressBar;
use secrecy::SecretString;

pub use measured::{Arrivals, Measured};

/// How long an answer may take; then the call failed with DEADLINE_EXCEEDED. The product's own clients wait as long.
pub const DEADLINE: Duration = Duration::from_secs(10);
/// How much more often the first user is called than the second, the second than the third…: the frequency of rank n goes
/// with n^-0.99. It is the constant of YCSB's Zipfian generator, by which stores are commonly measured.
pub const ZIPF_EXPONENT: f64 = 0.99;

/// Whom to call.
#[derive(Debug, Clone)]
pub struct Target {
    /// `http://host:port` of each instance. Connections are dealt to them in turns.
    pub urls: Vec<String>,
    /// Sent as `authorization: Bearer …`.
    pub token: Option<SecretString>,
    /// HTTP/2 connections to all of them together; at least one for each URL is made, and no more than there are calls in
    /// flight.
    pub connections: usize,
}

/// What is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Call {
    /// Charge, a new request each time.
    Charge,
    /// Charge, then Complete of it: the two count as one call, and so does their latency.
    ChargeComplete,
    /// Charge, then Refund of it: the two count as one call, and so does their latency.
    ChargeRefund,
    /// GetUserInfo.
    GetUserInfo,
    /// Charges of the warm-up again, as they were; the answer must say `replayed`.
    Replay,
    /// Charge with a `max_price` of a millionth: refused with PRICE_CHANGED, and kept as a declined operation.
    Decline,
}

/// Which users are called, out of `bench:0` to `bench:{users - 1}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Spread {
    /// Each as often as any other.
    Uniform,
    /// A few very often, most hardly ever: `bench:0` most of all (see [`ZIPF_EXPONENT`]).
    Zipf,
    /// `bench:0` alone.
    One,
}

/// When the next call is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// When one of so many was answered.
    Closed {
        /// Callers.
        in_flight: usize,
    },
    /// At a fixed rate, whatever was answered.
    Open {
        /// Calls due each second, evenly.
        per_second: f64,
        /// So many at most wait for an answer; what is due meanwhile is sent late, and counted from when it was due.
        in_flight: usize,
    },
}

/// A run.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What is called.
    pub call: Call,
    /// How many users there are.
    pub users: u32,
    /// Which of them are called.
    pub spread: Spread,
    /// When.
    pub pace: Pace,
    /// For so long first, uncounted.
    pub warm_up: Duration,
    /// Then for so long, counted. Calls in flight at the end are waited for.
    pub time: Duration,
    /// The kind of operation that is charged.
    pub kind: String,
}

impl Call {
    /// As on the command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Charge => "charge",
            Self::ChargeComplete => "charge-complete",
            Self::ChargeRefund => "charge-refund",
            Self::GetUserInfo => "get-user-info",
            Self::Replay => "replay",
            Self::Decline => "decline",
        }
    }
}

impl Spread {
    /// As on the command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Zipf => "zipf",
            Self::One => "one",
        }
    }
}

impl Pace {
    /// Calls in flight at most.
    pub fn in_flight(self) -> usize {
        match self {
            Self::Closed { in_flight } | Self::Open { in_flight, .. } => in_flight,
        }
    }
}

/// Calls `target` as `plan` says, and tells `progress` (milliseconds of the run; its message says calls/s) where it shows.
/// Dropped, it leaves no call behind.
///
/// # Errors
/// The plan makes no sense; a URL is none, or nothing answers there. Calls that fail are no error: they are counted.
pub async fn run(target: &Target, plan: &Plan, progress: &ProgressBar) -> anyhow::Result<Measured> {
    bail!("under construction: {target:?} {plan:?} {}", progress.is_hidden())
}
