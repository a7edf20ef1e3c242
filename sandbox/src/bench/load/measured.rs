//! What a run found.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

/// What was counted between the end of the warm-up and the last answer.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Answered as expected: for a decline that is its refusal, for everything else a success.
    pub calls: u64,
    /// How many of [`Self::calls`] are refusals; only a plan of declines expects any.
    pub refused: u64,
    /// Everything else, by the gRPC code and the reason, e.g. `UNAVAILABLE OVERLOADED`.
    pub failed: BTreeMap<String, u64>,
    /// Calls of the whole run, of the warm-up too, however they ended.
    pub made: u64,
    /// From the end of the warm-up to the end of the plan's time, or to the last answer if that came later.
    pub elapsed: Duration,
    /// Microseconds, of [`Self::calls`]; in an open loop also of arrivals that were never sent, with what they had waited.
    pub latency: Histogram<u64>,
    /// Of an open loop.
    pub arrivals: Option<Arrivals>,
    /// It was told to stop before its time.
    pub stopped: bool,
}

/// How well an open loop kept its rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Arrivals {
    /// Calls that were due in the measured time.
    pub due: u64,
    /// Of these, sent more than a millisecond after they were due: so many calls were in flight already as may be, or this
    /// machine did not keep up. Their latencies say so; they are counted from when each was due.
    pub late: u64,
    /// Of these, never sent: the time was over.
    pub unsent: u64,
}

impl Measured {
    /// Calls answered as expected, for each second.
    pub fn per_second(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 { self.calls as f64 / seconds } else { 0.0 }
    }

    /// Calls that failed, whatever the reason.
    pub fn failures(&self) -> u64 {
        self.failed.values().sum()
    }

    /// The latency that `percent` of the calls did not exceed, to three digits; 0 where nothing was counted.
    pub fn percentile(&self, percent: f64) -> Duration {
        Duration::from_micros(self.latency.value_at_percentile(percent))
    }

    /// The median.
    pub fn p50(&self) -> Duration {
        self.percentile(50.0)
    }

    /// Nine in ten took no longer.
    pub fn p90(&self) -> Duration {
        self.percentile(90.0)
    }

    /// One in a hundred took longer.
    pub fn p99(&self) -> Duration {
        self.percentile(99.0)
    }

    /// One in a thousand took longer.
    pub fn p99_9(&self) -> Duration {
        self.percentile(99.9)
    }

    /// The longest.
    pub fn max(&self) -> Duration {
        Duration::from_micros(self.latency.max())
    }
}
