//! What a deployment allows one user at most.
//!
//! Both limits are asked last, of a charge that nothing else refuses. What they refuse is not kept: nothing was decided,
//! and the same request may be charged later. A request that was charged before is answered as it was, whatever the
//! limits say.

use super::{Amount, Operation, OperationState, Rejection, Timestamp};

/// The limits of each user. Absent: there is none, and nothing is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UserLimits {
    /// How many operations may be CHARGED at once, whatever paid for them.
    pub open_holds: Option<i64>,
    /// How much money may be spent on one day, see `spent_on_day_of`.
    pub daily_spend: Option<Amount>,
}

impl UserLimits {
    /// Refuses a charge that takes `paid` in money from a user who has `usage`.
    pub(super) fn admit(
        &self,
        usage: Usage,
        paid: Amount,
        now: Timestamp,
    ) -> Result<(), Rejection> {
        if let Some(limit) = self.open_holds
            && usage.open_holds >= limit
        {
            return Err(Rejection::OpenHolds { limit });
        }
        if let Some(limit) = self.daily_spend {
            let left = (limit - usage.spent_today).max(Amount::ZERO);
            if paid > left {
                // What is above the limit by itself fits into no day.
                let wait = (paid <= limit).then(|| now.until_next_day());
                return Err(Rejection::DailySpend { limit, left, wait });
            }
        }
        Ok(())
    }
}

/// What a user has used of their limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Usage {
    pub(super) open_holds: i64,
    pub(super) spent_today: Amount,
}

/// Does it count against the open holds?
pub(super) fn is_open(operation: &Operation) -> bool {
    operation.state == OperationState::Charged
}

/// What an operation has spent of the daily limit on the day of `now`.
///
/// **Daily spend** is the money, own and promotional, of all operations that were charged since 00:00 UTC, less what was
/// given back of these operations since. Free operations are no money. An operation counts on the day of its charge
/// alone, however long it is held; what a later day gives back is given back to that day, not to the later one.
pub(super) fn spent_on_day_of(operation: &Operation, now: Timestamp) -> Amount {
    if operation.create_time < now.start_of_day() {
        return Amount::ZERO;
    }
    operation.paid() - operation.refunded
}
