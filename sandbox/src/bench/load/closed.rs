//! Closed loop: each caller calls again when it was answered.

use std::time::{Duration, Instant};

use super::caller::{Answer, Caller};
use super::course::Course;
use super::tally::Tally;

/// After a failure a caller waits so long: one that is refused at once would only burn the processor that the server
/// needs to recover.
const PAUSE: Duration = Duration::from_millis(10);

/// Calls until the time is over.
pub(super) async fn calls(
    mut caller: Caller,
    course: Course,
    lane: usize,
) -> anyhow::Result<Tally> {
    let mut tally = Tally::new()?;
    let mut done = 0;
    loop {
        let begun = Instant::now();
        if course.is_over(begun) {
            return Ok(tally);
        }
        let warming = course.is_warming(begun);
        let answer = caller.call(warming).await;
        done += 1;
        course.count(lane, done);
        let failed = matches!(answer, Answer::Failed(_));
        if !warming {
            tally.add(answer, begun)?;
        }
        if failed {
            tokio::time::sleep(PAUSE).await;
        }
    }
}
