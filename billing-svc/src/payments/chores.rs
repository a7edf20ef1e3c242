//! What follows from payments and asks nobody outside: credits that a crash left undone, rewards for invitations, the
//! places of events, and what is counted for people.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::follow::FollowError;
use super::{Payments, inbox};
use crate::ledger::{Command, Outcome, Payment};
use crate::metrics;
use crate::store::StoreError;

/// Payments or referrals that are dealt with in one go; the rest at the next.
const PAGE: u64 = 100;
/// How often things are counted, and what is remembered for long is forgotten.
const HOUSEKEEPING: Duration = Duration::from_secs(30);

/// Until `shutdown`.
pub(super) async fn run(payments: &Payments, shutdown: &CancellationToken) {
    let all = async {
        tokio::join!(dues(payments), places(payments), housekeeping(payments));
    };
    // Safe to drop anywhere: they own no transaction, and what they have submitted goes on.
    shutdown.run_until_cancelled(all).await;
}

async fn dues(payments: &Payments) {
    loop {
        if let Err(error) = credits(payments).await {
            tracing::warn!(%error, "paid payments can't be credited now");
        }
        if let Err(error) = rewards(payments).await {
            tracing::warn!(%error, "invitations can't be rewarded now");
        }
        tokio::time::sleep(payments.0.settings.pace.due).await;
    }
}

/// Credits what was paid and has no credit: its process was killed in between.
async fn credits(payments: &Payments) -> Result<(), FollowError> {
    for payment in payments.0.store.paid_uncredited(PAGE).await? {
        match payments.credit(&payment, &[]).await {
            Ok(Some(top_up)) if !top_up.replayed => {
                tracing::info!(payment_id = %payment.payment_id, state = ?top_up.payment.state, "credited what was left undone");
                hint(payments, &top_up.payment).await;
            }
            Ok(_) => {}
            // One that can't be must not hold up the others.
            Err(error) if error.is_stuck() => {
                metrics::payment_stuck(payment.provider);
                tracing::error!(payment_id = %payment.payment_id, %error, "a paid payment can't be credited");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Who was killed may have known of refunds too, which count only once a payment is credited: it is asked about again.
async fn hint(payments: &Payments, payment: &Payment) {
    let Some(name) = payment.provider_payment_id.clone() else { return };
    if let Err(error) = payments.enqueue(payment.provider, name).await {
        tracing::warn!(payment_id = %payment.payment_id, %error, "the provider is not asked again");
    }
}

/// Gives those who invited somebody what they have earned.
async fn rewards(payments: &Payments) -> Result<(), FollowError> {
    for referral in payments.0.store.earned_referrals(PAGE).await? {
        let command = Command::RewardReferral {
            user_id: referral.inviter.clone(),
            invitee: referral.user_id.clone(),
        };
        let outcome = payments.0.committer.submit(command, None).await.map_err(FollowError::from);
        match outcome.and_then(|outcome| outcome.map_err(FollowError::Rule)) {
            Ok(Outcome::Swept { changed: true }) => payments.0.events.notify_one(),
            Ok(_) => {} // another instance was faster
            Err(error) if error.is_stuck() => {
                tracing::error!(inviter = %referral.inviter, %error, "an invitation can't be rewarded");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Gives events their places, soon after they are written.
async fn places(payments: &Payments) {
    loop {
        let given = payments.0.store.give_out_events().await;
        let wait = match given {
            Ok(0) => payments.0.settings.pace.events,
            Ok(_) => continue,
            // Another instance was faster: what it left is given out soon.
            Err(StoreError::Retryable(_)) => payments.0.settings.pace.events,
            Err(error) => {
                tracing::warn!(%error, "events can't be given their places now");
                payments.0.settings.pace.due
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = payments.0.events.notified() => {}
        }
    }
}

async fn housekeeping(payments: &Payments) {
    loop {
        match payments.0.store.parked_payments().await {
            Ok(count) => metrics::parked_payments(count),
            Err(error) => tracing::warn!(%error, "parked payments can't be counted"),
        }
        if let Err(error) = inbox::look_after(payments).await {
            tracing::warn!(%error, "notifications can't be counted");
        }
        payments.0.limits.forget();
        tokio::time::sleep(HOUSEKEEPING).await;
    }
}
