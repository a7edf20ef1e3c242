//! The time of a run, as all its tasks see it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::Plan;

/// When a run begins to measure and when it ends. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Course {
    pub(super) start: Instant,
    pub(super) measured_from: Instant,
    pub(super) end: Instant,
    stopped: Arc<AtomicBool>,
    /// What each task has done.
    done: Arc<[Done]>,
}

/// A count with a cache line of its own: two tasks on two processors don't wait for each other.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Done(AtomicU64);

impl Course {
    /// Begins now.
    pub(super) fn begin(plan: &Plan) -> Self {
        let start = Instant::now();
        let measured_from = start + plan.warm_up;
        let done = (0..plan.pace.in_flight()).map(|_| Done::default()).collect();
        let stopped = Arc::default();
        Self { start, measured_from, end: measured_from + plan.time, stopped, done }
    }

    /// No call begins any more.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        now >= self.end || self.stopped.load(Ordering::Relaxed)
    }

    /// What begins or is due now is not counted.
    pub(super) fn is_warming(&self, now: Instant) -> bool {
        now < self.measured_from
    }

    /// Ends it before its time.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// The task `lane` has done so many calls.
    pub(super) fn count(&self, lane: usize, calls: u64) {
        if let Some(done) = self.done.get(lane) {
            done.0.store(calls, Ordering::Relaxed);
        }
    }

    /// Calls of all tasks, warm-up and failures included.
    pub(super) fn calls(&self) -> u64 {
        self.done.iter().map(|done| done.0.load(Ordering::Relaxed)).sum()
    }

    pub(super) fn whole(&self) -> Duration {
        self.end - self.start
    }
}

/// Stops a run whose future was dropped: its thread knows of it in no other way.
#[derive(Debug)]
pub(super) struct StopOnDrop(pub(super) Course);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}
