//! Open loop: calls are due at a fixed rate. A thread of its own keeps the time, because the runtime's timer is up to two
//! milliseconds late, and hands what is due to callers that wait for it. What no caller is free for waits, and is sent late.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::Arrivals;
use super::caller::Caller;
use super::course::Course;
use super::tally::Tally;

/// Sent later than this after it was due, a call is late.
const LATE: Duration = Duration::from_millis(1);
/// Calls are due at whole milliseconds, those of one together: waking up for each of 5,000 a second was measured to cost
/// more than the calls.
const GRID: Duration = Duration::from_millis(1);
/// Milliseconds in a second.
const GRIDS: f64 = 1000.0;
/// How soon the thread notices that the run was stopped.
const LONGEST_NAP: Duration = Duration::from_millis(50);
/// What was due at the very end has so long to be sent.
const GRACE: Duration = Duration::from_millis(50);

/// When calls are due, and which of them were sent.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    course: Course,
    per_second: f64,
    /// The first call that is measured.
    first: u64,
    due: Arc<Semaphore>,
    sent: Arc<AtomicU64>,
}

impl Schedule {
    pub(super) fn new(course: Course, per_second: f64) -> Self {
        let (due, sent) = (Arc::new(Semaphore::new(0)), Arc::default());
        let first = before(course.measured_from - course.start, per_second);
        Self { course, per_second, first, due, sent }
    }

    /// When the call `number` is due, the first being 0.
    fn due_at(&self, number: u64) -> Instant {
        let grid = number as f64 * GRIDS / self.per_second;
        self.course.start + Duration::from_millis(grid.ceil() as u64)
    }

    /// How many calls are due before `time`.
    fn due_before(&self, time: Instant) -> u64 {
        before(time.saturating_duration_since(self.course.start), self.per_second)
    }

    /// Hands over what is due until the run is over; answers how many that were. Blocks its thread.
    pub(super) fn keep(&self) -> u64 {
        let mut due = 0;
        loop {
            let now = Instant::now();
            let before = self.due_before(now.min(self.course.end));
            self.due.add_permits((before - due) as usize);
            due = before;
            if self.course.is_over(now) {
                break;
            }
            let nap = self.due_at(due).saturating_duration_since(now);
            thread::sleep(nap.min(LONGEST_NAP));
        }
        let patience = Instant::now() + GRACE;
        while self.sent.load(Ordering::Relaxed) < due && Instant::now() < patience {
            thread::sleep(GRID);
        }
        self.due.close();
        due
    }

    /// What `due` arrivals came to. Those that were never sent are put into the latencies with what they had waited by
    /// `end`, in groups of a millisecond: without them the worst would be missing.
    pub(super) fn arrivals(
        &self,
        due: u64,
        end: Instant,
        tally: &mut Tally,
    ) -> anyhow::Result<Arrivals> {
        let first = self.first.min(due);
        let unsent_from = self.sent.load(Ordering::Relaxed).max(first);
        let group = (self.per_second / GRIDS).max(1.0) as u64;
        let mut number = unsent_from;
        while number < due {
            let count = group.min(due - number);
            tally.waited(self.due_at(number), end, count)?;
            number += count;
        }
        let unsent = due.saturating_sub(unsent_from);
        Ok(Arrivals { due: due - first, late: tally.late, unsent })
    }
}

/// How many calls are due before so much time has passed.
fn before(time: Duration, per_second: f64) -> u64 {
    match time.as_nanos().div_ceil(GRID.as_nanos()) {
        0 => 0,
        grid => ((grid - 1) as f64 * per_second / GRIDS).floor() as u64 + 1,
    }
}

/// Calls whenever one is due and this caller is free, until the time is over.
pub(super) async fn calls(
    mut caller: Caller,
    schedule: Schedule,
    lane: usize,
) -> anyhow::Result<Tally> {
    let mut tally = Tally::new()?;
    let mut done = 0;
    // Closed: the time is over.
    while let Ok(permit) = schedule.due.acquire().await {
        permit.forget();
        let number = schedule.sent.fetch_add(1, Ordering::Relaxed);
        let due = schedule.due_at(number);
        let warming = number < schedule.first;
        if !warming && due.elapsed() > LATE {
            tally.late += 1;
        }
        let answer = caller.call(warming).await;
        done += 1;
        schedule.course.count(lane, done);
        if !warming {
            tally.add(answer, due)?;
        }
    }
    Ok(tally)
}
