//! What one caller counted; all of them are added up at the end, so that no call waits for another one's count.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::Context;
use hdrhistogram::Histogram;

use super::caller::Answer;

/// Latencies keep three digits: 1,234 µs and 1,235 µs are told apart, 12,345 and 12,346 are not.
const DIGITS: u8 = 3;
/// So many reasons of failures are told apart: a server's own words may hold ids.
const REASONS: usize = 32;
const OTHER: &str = "other reasons";

/// Counts of the measured time.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) calls: u64,
    pub(super) refused: u64,
    pub(super) failed: BTreeMap<String, u64>,
    pub(super) latency: Histogram<u64>,
    /// Arrivals that were sent late.
    pub(super) late: u64,
    /// When the last answer came.
    pub(super) last: Option<Instant>,
}

impl Tally {
    pub(super) fn new() -> anyhow::Result<Self> {
        Ok(Self {
            calls: 0,
            refused: 0,
            failed: BTreeMap::new(),
            latency: Histogram::new(DIGITS).context("a histogram")?,
            late: 0,
            last: None,
        })
    }

    /// Counts an answer to a call that was due at `due`.
    pub(super) fn add(&mut self, answer: Answer, due: Instant) -> anyhow::Result<()> {
        let now = Instant::now();
        match answer {
            Answer::Done => self.answered(due, now)?,
            Answer::Refused => {
                self.refused += 1;
                self.answered(due, now)?;
            }
            Answer::Failed(why) => self.failed(why, 1),
            Answer::Prepared => {}
        }
        self.last = Some(now);
        Ok(())
    }

    fn answered(&mut self, due: Instant, now: Instant) -> anyhow::Result<()> {
        self.calls += 1;
        self.waited(due, now, 1)
    }

    fn failed(&mut self, why: String, count: u64) {
        let known = self.failed.len() < REASONS || self.failed.contains_key(&why);
        let why = if known { why } else { OTHER.to_owned() };
        *self.failed.entry(why).or_default() += count;
    }

    /// Records `count` latencies from `due` to `now`.
    pub(super) fn waited(&mut self, due: Instant, now: Instant, count: u64) -> anyhow::Result<()> {
        let micros = u64::try_from(now.saturating_duration_since(due).as_micros())?;
        self.latency.record_n(micros, count).context("a latency")
    }

    pub(super) fn merge(&mut self, other: Self) -> anyhow::Result<()> {
        self.calls += other.calls;
        self.refused += other.refused;
        self.late += other.late;
        self.last = self.last.max(other.last);
        for (why, count) in other.failed {
            self.failed(why, count);
        }
        self.latency.add(other.latency).context("adding up latencies")
    }
}
