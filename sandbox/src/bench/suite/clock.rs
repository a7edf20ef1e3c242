//! How long each run may take, so that all of them together end in time.

use std::time::{Duration, Instant};

use super::plan::Mode;

/// Of a run, besides its warm-up and its time: the checkpoint, new connections, the calls in flight at its end.
const OVERHEAD: Duration = Duration::from_millis(450);
/// Of a group: copies of databases, servers that start and end.
const GROUP: Duration = Duration::from_secs(3);

/// When everything began, and when it shall have ended.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Instant,
    mode: Mode,
}

/// Of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// Before anything is counted: connections, statements and pages are warm after it.
    pub warm_up: Duration,
    /// What is measured.
    pub time: Duration,
}

impl Clock {
    /// From now on.
    pub fn start(mode: Mode) -> Self {
        Self { started: Instant::now(), mode }
    }

    /// Since the start.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Tells those who wait, on standard error.
    pub fn say(&self, what: &str) {
        eprintln!("{:>6.1} s  {what}", self.elapsed().as_secs_f64());
    }

    /// Shares what is left of the time among the runs that are left.
    pub fn times(&self, runs: usize, groups: usize) -> Times {
        share(self.mode, self.elapsed(), runs, groups)
    }
}

fn share(mode: Mode, elapsed: Duration, runs: usize, groups: usize) -> Times {
    let (total, least, most) = match mode {
        Mode::Quick => (Duration::from_secs(112), 500, 4_000),
        // The histories are made in this time as well: the groups before them don't need all of it.
        Mode::Full => (Duration::from_secs(40 * 60), 1_000, 6_000),
    };
    let groups = u32::try_from(groups).unwrap_or(u32::MAX);
    let runs = u32::try_from(runs).unwrap_or(u32::MAX).max(1);
    let left = total.saturating_sub(elapsed).saturating_sub(GROUP.saturating_mul(groups));
    let each = (left / runs).saturating_sub(OVERHEAD);
    // A quarter of a run is warm-up.
    let time = (each * 3 / 4).clamp(Duration::from_millis(least), Duration::from_millis(most));
    Times { warm_up: time / 3, time }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_minutes_are_shared_among_the_runs_and_never_exceeded_by_more_than_the_least_of_each() {
        for runs in [1, 6, 36, 45] {
            let spent = Duration::from_secs(10);
            let times = share(Mode::Quick, spent, runs, 5);
            let runs = u32::try_from(runs).unwrap();
            let all = spent + GROUP * 5 + (times.warm_up + times.time + OVERHEAD) * runs;
            assert!(all <= Duration::from_secs(113), "{runs} runs of {times:?}: {all:?}");
            assert!(times.time >= Duration::from_millis(500), "{times:?}");
        }
    }

    #[test]
    fn few_runs_are_not_made_longer_than_they_need_to_be() {
        let times = share(Mode::Quick, Duration::ZERO, 6, 1);
        assert_eq!(times.time, Duration::from_secs(4));
    }

    #[test]
    fn who_is_late_still_measures() {
        let times = share(Mode::Quick, Duration::from_secs(600), 10, 1);
        assert_eq!(times.time, Duration::from_millis(500));
    }
}
