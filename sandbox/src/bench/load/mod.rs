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

mod caller;
mod closed;
mod command;
mod connect;
mod course;
mod measured;
mod open;
mod plan;
mod progress;
mod report;
mod tally;
mod users;

use std::time::{Duration, Instant};

use anyhow::Context;
use indicatif::ProgressBar;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use caller::{Caller, Script};
use course::{Course, StopOnDrop};
use open::Schedule;
use progress::Progress;
use tally::Tally;

pub use command::LoadArgs;
pub use measured::{Arrivals, Measured};
pub use plan::{Call, Pace, Plan, Spread, Target};
pub use progress::progress_bar;
pub use users::user_id;

/// How long an answer may take; then the call failed with DEADLINE_EXCEEDED. The product's own clients wait as long.
pub const DEADLINE: Duration = Duration::from_secs(10);
/// How much more often the first user is called than the others: the n-th with a frequency of n^-0.99. It is the constant
/// (0.99) of the Zipfian generator of YCSB, by which stores are commonly measured.
pub const ZIPF_EXPONENT: f64 = 0.99;

/// Calls `target` as `plan` says, and tells `progress` (milliseconds of the run; its message says calls/s). Dropped, it
/// leaves no call behind.
///
/// # Errors
/// The plan makes no sense; a URL is none, or nothing answers there. Calls that fail are no error: they are counted.
pub async fn run(target: &Target, plan: &Plan, progress: &ProgressBar) -> anyhow::Result<Measured> {
    run_until(target, plan, progress, &CancellationToken::new()).await
}

/// The same; once `stop` is canceled no further call is made, and what was measured so far is answered as soon as the calls
/// in flight have ended.
///
/// # Errors
/// As [`run`].
pub async fn run_until(
    target: &Target,
    plan: &Plan,
    progress: &ProgressBar,
    stop: &CancellationToken,
) -> anyhow::Result<Measured> {
    plan.check()?;
    let channels = connect::connect(target, plan.pace.in_flight()).await?;
    let first = channels.first().context("no connection")?;
    let script = Script::of(target, plan, first).await?;
    let callers = channels.iter().cycle().take(plan.pace.in_flight());
    let callers = callers.map(|channel| Caller::new(channel.clone(), script.clone()));

    let course = Course::begin(plan);
    let _stopper = StopOnDrop(course.clone());
    let mut tasks = JoinSet::new();
    let schedule = match plan.pace {
        Pace::Closed { .. } => {
            for (lane, caller) in callers.enumerate() {
                tasks.spawn(closed::calls(caller, course.clone(), lane));
            }
            None
        }
        Pace::Open { per_second, .. } => {
            let schedule = Schedule::new(course.clone(), per_second);
            for (lane, caller) in callers.enumerate() {
                tasks.spawn(open::calls(caller, schedule.clone(), lane));
            }
            let keeper = schedule.clone();
            Some((schedule, tokio::task::spawn_blocking(move || keeper.keep())))
        }
    };
    let (mut tally, stopped) = watch(tasks, &course, progress, stop).await?;
    let end = stopped.unwrap_or(course.end).min(course.end);
    let arrivals = match schedule {
        Some((schedule, keeper)) => Some(schedule.arrivals(keeper.await?, end, &mut tally)?),
        None => None,
    };
    let last = tally.last.unwrap_or(end).max(end);
    Ok(Measured {
        calls: tally.calls,
        refused: tally.refused,
        failed: tally.failed,
        made: course.calls(),
        elapsed: last.saturating_duration_since(course.measured_from),
        latency: tally.latency,
        arrivals,
        stopped: stopped.is_some(),
    })
}

/// Adds up what the tasks counted, and says when they were told to stop.
async fn watch(
    mut tasks: JoinSet<anyhow::Result<Tally>>,
    course: &Course,
    bar: &ProgressBar,
    stop: &CancellationToken,
) -> anyhow::Result<(Tally, Option<Instant>)> {
    let mut tally = Tally::new()?;
    let mut stopped = None;
    let mut progress = Progress::new(bar, course);
    let mut ticks = tokio::time::interval(progress::EVERY);
    loop {
        tokio::select! {
            joined = tasks.join_next() => match joined {
                Some(counted) => tally.merge(counted.context("a caller")??)?,
                None => break,
            },
            _ = ticks.tick(), if !bar.is_hidden() && stopped.is_none() => progress.tell(),
            () = stop.cancelled(), if stopped.is_none() => {
                course.stop();
                stopped = Some(Instant::now());
                bar.set_message("waiting for the calls in flight, 10 seconds at most");
            }
        }
    }
    bar.finish_and_clear();
    Ok((tally, stopped))
}
