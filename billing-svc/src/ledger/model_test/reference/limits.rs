//! The limits of a user, counted from the journal.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Reference;
use crate::ledger::model_test::journal::Fact;
use crate::ledger::*;

const DAY: i64 = 86_400_000_000;

impl Reference {
    /// Only what would be charged can be beyond a limit.
    pub(super) fn beyond_a_limit(
        &self,
        charge: &Charge,
        price: &Price,
        now: Timestamp,
    ) -> Option<Rejection> {
        let slices = self.fund(charge, price, now).ok()?;
        if let Some(limit) = self.policy.limits.open_holds
            && self.running(&charge.user_id) >= limit
        {
            return Some(Rejection::OpenHolds { limit });
        }
        let limit = self.policy.limits.daily_spend?.micros();
        let left = (limit - self.spent_today(&charge.user_id, now)).max(0);
        let asked = money(&slices);
        let today = now.micros() % DAY;
        let to_midnight = Duration::from_micros((DAY - today) as u64);
        (asked > left).then(|| Rejection::DailySpend {
            limit: Amount::from_micros(limit),
            left: Amount::from_micros(left),
            wait: (limit >= asked).then_some(to_midnight),
        })
    }

    fn running(&self, user: &UserId) -> i64 {
        let mut running = BTreeSet::new();
        for fact in &self.journal.0 {
            match fact {
                Fact::Asked(operation) if operation.decline.is_none() => {
                    running.extend((operation.user_id == *user).then_some(operation.operation_id));
                }
                Fact::Completed { id, .. } | Fact::Refunded { id, .. } => {
                    running.remove(id);
                }
                _ => {}
            }
        }
        running.len() as i64
    }

    fn spent_today(&self, user: &UserId, now: Timestamp) -> i64 {
        let mut todays = BTreeSet::new();
        let mut spent = 0;
        for fact in &self.journal.0 {
            match fact {
                Fact::Asked(operation)
                    if operation.user_id == *user
                        && operation.create_time.micros() / DAY == now.micros() / DAY =>
                {
                    todays.insert(operation.operation_id);
                    spent += money(&operation.funding);
                }
                Fact::Refunded { id, slices, .. } if todays.contains(id) => spent -= money(slices),
                _ => {}
            }
        }
        spent
    }
}

fn money(slices: &[Slice]) -> i64 {
    slices.iter().filter(|slice| slice.source.unit() == Unit::Money).map(|slice| slice.amount).sum()
}
