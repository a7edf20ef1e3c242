//! Payments that are not final are asked about on a schedule: a notification may be lost for good.
//!
//! A question that gets no answer uses up no check: it is asked again after growing pauses, for [`PATIENCE`] at most.

use std::collections::HashMap;
use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{PaymentError, Payments, now};
use crate::ledger::{Command, Payment, PaymentId, PaymentState, Timestamp};
use crate::metrics;

/// Payments that are looked at in one go, besides those that wait for another try; the rest at the next.
const PAGE: u64 = 200;
/// Questions at once.
const CONCURRENCY: usize = 4;
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);
/// For so long past its time a check that gets no answer is tried.
const PATIENCE: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// Checks what is due until `shutdown`.
pub(super) async fn run(payments: &Payments, shutdown: &CancellationToken) {
    let mut waiting = Waiting::default();
    while !shutdown.is_cancelled() {
        // Safe to drop anywhere: it owns no transaction.
        shutdown.run_until_cancelled(due(payments, &mut waiting)).await;
        shutdown.run_until_cancelled(tokio::time::sleep(payments.0.settings.pace.due)).await;
    }
}

/// Payments whose provider did not answer, and when to ask again. Kept in memory: who comes new asks at once.
type Waiting = HashMap<PaymentId, (u32, Instant)>;

async fn due(payments: &Payments, waiting: &mut Waiting) {
    let at = Instant::now();
    // Those that get no answer must not keep the others out for days.
    let limit = PAGE + waiting.len() as u64;
    let found = match payments.0.store.due_checks(now(), limit).await {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(%error, "payments to check can't be read");
            return;
        }
    };
    let ids: Vec<_> = found.iter().map(|payment| payment.payment_id).collect();
    waiting.retain(|payment_id, _| ids.contains(payment_id));
    let ready = found
        .into_iter()
        .filter(|payment| waiting.get(&payment.payment_id).is_none_or(|(_, again)| *again <= at));
    let checked: Vec<_> = stream::iter(ready.collect::<Vec<_>>())
        .map(|payment| async move {
            let result = check(payments, &payment).await;
            (payment, result)
        })
        .buffer_unordered(CONCURRENCY)
        .collect()
        .await;
    for (payment, result) in checked {
        let Err(error) = result else {
            waiting.remove(&payment.payment_id);
            continue;
        };
        let (failures, again) = waiting.entry(payment.payment_id).or_insert((0, at));
        *failures += 1;
        let wait = super::pause(payments.0.settings.pace.retry, *failures, LONGEST_PAUSE);
        *again = at + wait;
        tracing::warn!(payment_id = %payment.payment_id, %error, ?wait, "a payment can't be checked now");
    }
}

async fn check(payments: &Payments, payment: &Payment) -> Result<(), PaymentError> {
    let late = payment.next_check.is_some_and(|due| due.plus(PATIENCE) < now());
    match payments.check(payment).await {
        Ok(()) => {}
        Err(error) if late => {
            tracing::error!(payment_id = %payment.payment_id, %error, "a check is given up");
        }
        Err(error) => return Err(error),
    }
    let next = next_check(&payments.0.settings.checks, payment.checks, now());
    let command = Command::ScheduleCheck {
        user_id: payment.user_id.clone(),
        payment_id: payment.payment_id,
        checks: payment.checks,
        next,
    };
    let (after, replayed) = payments.payment_of(command, Some(payment), None).await?;
    if !replayed && next.is_none() && after.state == PaymentState::Expired {
        metrics::payment_given_up(payment.provider);
        tracing::info!(payment_id = %payment.payment_id, "a payment that nobody has paid is given up");
    }
    Ok(())
}

/// When next, after the check that has the number `done` from 0.
fn next_check(schedule: &[Duration], done: i64, now: Timestamp) -> Option<Timestamp> {
    let next = usize::try_from(done).ok()?.checked_add(1)?;
    schedule.get(next).map(|after| now.plus(*after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_is_walked_once() {
        let minute = Duration::from_secs(60);
        let schedule = [5 * minute, 60 * minute, 1440 * minute];
        let now = Timestamp::from_micros(0);
        assert_eq!(next_check(&schedule, 0, now), Some(now.plus(60 * minute)));
        assert_eq!(next_check(&schedule, 1, now), Some(now.plus(1440 * minute)));
        assert_eq!(next_check(&schedule, 2, now), None);
        assert_eq!(next_check(&schedule, 9, now), None);
    }
}
