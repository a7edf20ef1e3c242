//! What is there to tell of an event, as it is kept in the queue.

use prost_types::Timestamp;
use proto::{
    billing::v1::{
        Event, GiftCause, Grant, GrantGiven, OperationSettled, PaymentChanged, PaymentState,
        RefundChanged, RefundOrigin, RefundReason, RefundState, Standing, StandingChanged, Unit,
        event::Body,
    },
    money::MoneyError,
};
use serde::{Deserialize, Serialize};

use crate::bot::money::Amount;

/// Something to tell a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// Money has arrived.
    Credited {
        /// Of which payment.
        payment_id: String,
        /// How much.
        amount: Amount,
        /// Unix seconds.
        time: i64,
    },
    /// A payment waits for a person to look at it.
    Parked {
        /// Which.
        payment_id: String,
    },
    /// A payment came to stand elsewhere; its own message says it.
    Payment {
        /// Which.
        payment_id: String,
    },
    /// Money went back to the payer.
    Refunded {
        /// Of which payment.
        payment_id: String,
        /// Which refund.
        refund_id: String,
        /// What was taken from the balance; zero where nothing had been credited.
        amount: Amount,
        /// The invoice had been paid before.
        is_repeat: bool,
    },
    /// The provider refused a refund.
    RefundReversed {
        /// Of which payment.
        payment_id: String,
        /// What is in the balance again.
        amount: Amount,
    },
    /// The payer's bank wants a payment back.
    Dispute {
        /// Which payment.
        payment_id: String,
        /// What is taken, or is there again.
        amount: Amount,
        /// How far that is.
        step: DisputeStep,
    },
    /// An operation that the user has the result of was given back.
    OperationRefunded {
        /// Which.
        operation_id: String,
        /// Money that came back.
        money: Amount,
        /// Free operations that came back.
        free_operations: i64,
    },
    /// Something will be lost soon.
    Expiring {
        /// What is left.
        gift: Gift,
        /// When: unix seconds.
        time: i64,
    },
    /// Something was given.
    Given {
        /// What.
        gift: Gift,
        /// What for.
        from: GiftFrom,
    },
    /// The user may do less or more.
    Standing {
        /// What became of it.
        step: StandingStep,
        /// What the user owes.
        owed: Amount,
    },
}

/// How far a dispute is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeStep {
    /// Open.
    Opened,
    /// The payer has the money.
    Lost,
    /// It is in the balance again.
    Won,
}

/// Something given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gift {
    /// So many free operations.
    Operations(i64),
    /// Promotional money.
    Money(Amount),
}

/// What something was given for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GiftFrom {
    /// By an administrator.
    Administrator,
    /// For having been invited.
    Invitation,
    /// For having invited.
    Invited,
}

/// How a user's standing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StandingStep {
    /// More was taken than was left.
    IntoDebt,
    /// The debt is repaid.
    OutOfDebt,
    /// An administrator said no.
    Blocked,
    /// An administrator said yes again.
    Unblocked,
}

impl News {
    /// What an event is about; `None`: nothing to tell, or told by somebody else.
    pub fn of_event(event: &Event) -> Result<Option<News>, MoneyError> {
        let Some(body) = &event.body else { return Ok(None) };
        match body {
            Body::PaymentChanged(changed) => of_payment(changed, seconds(event.create_time)),
            Body::RefundChanged(changed) => of_refund(changed),
            Body::OperationRefunded(settled) => of_operation(settled),
            // The gateway and the worker told it when they met the end of the hold.
            Body::OperationExpired(_) => Ok(None),
            Body::GrantExpiring(expiring) => of_expiring(expiring.grant.as_ref()),
            Body::GrantGiven(given) => of_given(given),
            Body::StandingChanged(changed) => of_standing(changed),
        }
    }

    /// The id of the row for it: events that say the same to the user share one.
    ///
    /// The position alone would do, if billing's database were never restored to an earlier day and gave positions out again.
    pub fn row_id(&self, event: &Event) -> String {
        match self {
            // A payment whose refund is reversed is credited again as far as events go, and not for its user.
            News::Credited { payment_id, .. } => format!("credited-{payment_id}"),
            News::Parked { .. }
            | News::Payment { .. }
            | News::Refunded { .. }
            | News::RefundReversed { .. }
            | News::Dispute { .. }
            | News::OperationRefunded { .. }
            | News::Expiring { .. }
            | News::Given { .. }
            | News::Standing { .. } => {
                let Timestamp { seconds, nanos } = event.create_time.unwrap_or_default();
                format!("event-{}-{seconds}.{nanos:09}", event.position)
            }
        }
    }
}

fn seconds(time: Option<Timestamp>) -> i64 {
    time.unwrap_or_default().seconds
}

fn of_payment(changed: &PaymentChanged, time: i64) -> Result<Option<News>, MoneyError> {
    let payment_id = changed.payment_id.clone();
    Ok(match changed.state() {
        PaymentState::Credited => {
            let amount = Amount::of(changed.amount.as_ref())?;
            Some(News::Credited { payment_id, amount, time })
        }
        PaymentState::Paid if changed.park_reason != 0 => Some(News::Parked { payment_id }),
        // The credit follows at once.
        PaymentState::Paid => None,
        PaymentState::Canceled
        | PaymentState::Expired
        | PaymentState::Refunded
        | PaymentState::Disputed => Some(News::Payment { payment_id }),
        PaymentState::Created | PaymentState::Pending | PaymentState::Unspecified => None,
    })
}

fn of_refund(changed: &RefundChanged) -> Result<Option<News>, MoneyError> {
    let payment_id = changed.payment_id.clone();
    let amount = Amount::of(changed.amount.as_ref())?;
    let dispute =
        |step| News::Dispute { payment_id: payment_id.clone(), amount: amount.clone(), step };
    let is_dispute = changed.origin() == RefundOrigin::Dispute;
    Ok(match changed.state() {
        RefundState::Pending if is_dispute => Some(dispute(DisputeStep::Opened)),
        RefundState::Succeeded if is_dispute => Some(dispute(DisputeStep::Lost)),
        RefundState::Reversed if is_dispute => Some(dispute(DisputeStep::Won)),
        // Told when the payer has it, mostly seconds later.
        RefundState::Pending => Some(News::Payment { payment_id }),
        RefundState::Succeeded => Some(News::Refunded {
            payment_id,
            refund_id: changed.refund_id.clone(),
            amount,
            is_repeat: changed.origin() == RefundOrigin::Rule,
        }),
        RefundState::Reversed => Some(News::RefundReversed { payment_id, amount }),
        RefundState::Unspecified => None,
    })
}

fn of_operation(settled: &OperationSettled) -> Result<Option<News>, MoneyError> {
    match settled.reason() {
        // What a person decides, or the user, whose press was answered: only who has the result is told.
        RefundReason::CustomerRequest | RefundReason::Other => Ok(Some(News::OperationRefunded {
            operation_id: settled.operation_id.clone(),
            money: Amount::of(settled.refunded.as_ref())?,
            free_operations: settled.free_operations,
        })),
        // The worker tells why there is no picture, and that nothing was taken.
        RefundReason::JobFailed
        | RefundReason::ContentRejected
        | RefundReason::Undeliverable
        | RefundReason::Expired
        | RefundReason::Unspecified => Ok(None),
    }
}

fn of_expiring(grant: Option<&Grant>) -> Result<Option<News>, MoneyError> {
    let Some(grant) = grant else { return Ok(None) };
    let gift = gift(grant, grant.operations_remaining, grant.amount_remaining.as_ref())?;
    let time = grant.expire_time.map(|time| time.seconds);
    Ok(gift.zip(time).map(|(gift, time)| News::Expiring { gift, time }))
}

fn of_given(given: &GrantGiven) -> Result<Option<News>, MoneyError> {
    let from = match given.cause() {
        GiftCause::Admin => GiftFrom::Administrator,
        GiftCause::Invited => GiftFrom::Invitation,
        GiftCause::Inviter => GiftFrom::Invited,
        // The dialogue answers who typed the code.
        GiftCause::PromoCode | GiftCause::Unspecified => return Ok(None),
    };
    let Some(grant) = &given.grant else { return Ok(None) };
    let gift = gift(grant, grant.operations_given, grant.amount_given.as_ref())?;
    Ok(gift.map(|gift| News::Given { gift, from }))
}

/// `None`: nothing is left of it.
fn gift(
    grant: &Grant,
    operations: i64,
    money: Option<&proto::google::r#type::Money>,
) -> Result<Option<Gift>, MoneyError> {
    Ok(match grant.unit() {
        Unit::Operation => (operations > 0).then_some(Gift::Operations(operations)),
        Unit::Money => {
            let amount = Amount::of(money)?;
            (amount.micros > 0).then_some(Gift::Money(amount))
        }
        Unit::Unspecified => None,
    })
}

fn of_standing(changed: &StandingChanged) -> Result<Option<News>, MoneyError> {
    let step = match (changed.from(), changed.to()) {
        (_, Standing::Unspecified) => return Ok(None),
        (_, Standing::Blocked) => StandingStep::Blocked,
        (Standing::Blocked, Standing::Good | Standing::InDebt) => StandingStep::Unblocked,
        (Standing::Good | Standing::InDebt | Standing::Unspecified, Standing::InDebt) => {
            StandingStep::IntoDebt
        }
        (Standing::InDebt, Standing::Good) => StandingStep::OutOfDebt,
        (Standing::Good | Standing::Unspecified, Standing::Good) => return Ok(None),
    };
    let paid = Amount::of(changed.paid_balance.as_ref())?;
    let owed = Amount { micros: paid.micros.saturating_neg().max(0), currency: paid.currency };
    Ok(Some(News::Standing { step, owed }))
}

#[cfg(test)]
mod tests;
