//! What a run is told.

use std::time::Duration;

use anyhow::bail;
use secrecy::SecretString;

/// Calls a second of an open loop.
const MIN_RATE: f64 = 0.1;
const MAX_RATE: f64 = 1_000_000.0;
const MAX_TIME: Duration = Duration::from_secs(24 * 3600);

/// Whom to call.
#[derive(Debug, Clone)]
pub struct Target {
    /// `http://host:port` of each instance. Connections are dealt to them in turns.
    pub urls: Vec<String>,
    /// Sent as `authorization: Bearer …`.
    pub token: Option<SecretString>,
    /// HTTP/2 connections to all of them together, and no more than there are calls in flight; rounded up, so that each URL has as
    /// many as any other.
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
    /// Charges of the warm-up again, as they were; the answer must say that it is a replay.
    Replay,
    /// Charge for nothing at most (max_price 0): refused with PRICE_CHANGED, and kept as a declined operation.
    Decline,
}

/// Which users are called, out of `bench:0` to `bench:{users - 1}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Spread {
    /// Each as often as any other.
    Uniform,
    /// A few very often, most hardly ever: bench:0 most of all, by Zipf's law with the exponent 0.99.
    Zipf,
    /// bench:0 alone.
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

impl Target {
    /// How many connections are made for so many calls in flight, at least one for each URL.
    pub(super) fn connections_for(&self, in_flight: usize) -> usize {
        self.connections.min(in_flight).next_multiple_of(self.urls.len().max(1))
    }
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

impl Plan {
    /// Refuses what makes no sense.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        if self.pace.in_flight() == 0 {
            bail!("there must be at least one call in flight");
        }
        if let Pace::Open { per_second, .. } = self.pace
            && !(MIN_RATE..=MAX_RATE).contains(&per_second)
        {
            bail!("the rate must be {MIN_RATE} to {MAX_RATE} calls a second, not {per_second}");
        }
        if self.kind.is_empty() {
            bail!("a charge needs a kind of the price list");
        }
        if self.time.is_zero() || self.warm_up + self.time > MAX_TIME {
            bail!("warm-up and time must be more than nothing and at most a day");
        }
        Ok(())
    }
}
