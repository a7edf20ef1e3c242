//! What users have used of their limits, as it stands after the commands so far.

use std::collections::BTreeMap;

use super::super::limits::{Usage, is_open, spent_on_day_of};
use super::super::{Amount, Operation, Timestamp, UserId};
use super::Draft;

/// Only those were loaded whom a charge of the batch names, and only what a limit asks for: of others this counts what the
/// batch does and nobody reads it.
pub(super) struct Usages {
    users: BTreeMap<UserId, Usage>,
    now: Timestamp,
}

impl Usages {
    pub(super) fn loaded(
        open_holds: BTreeMap<UserId, i64>,
        spent_today: BTreeMap<UserId, Amount>,
        now: Timestamp,
    ) -> Self {
        let mut users: BTreeMap<UserId, Usage> = BTreeMap::new();
        for (user_id, open_holds) in open_holds {
            users.entry(user_id).or_default().open_holds = open_holds;
        }
        for (user_id, spent_today) in spent_today {
            users.entry(user_id).or_default().spent_today = spent_today;
        }
        Self { users, now }
    }

    /// An operation came to be, or stands otherwise than before.
    pub(super) fn follow(&mut self, before: Option<&Operation>, after: &Operation) {
        let open = |operation: &Operation| i64::from(is_open(operation));
        let spent = |operation: &Operation| spent_on_day_of(operation, self.now);
        let opened = open(after) - before.map_or(0, open);
        let spent = spent(after) - before.map_or(Amount::ZERO, spent);
        let usage = self.users.entry(after.user_id.clone()).or_default();
        usage.open_holds += opened;
        usage.spent_today = usage.spent_today + spent;
    }
}

impl Draft<'_> {
    /// What a user has used of their limits.
    pub(in crate::ledger) fn usage(&self, user_id: &UserId) -> Usage {
        self.usages.users.get(user_id).copied().unwrap_or_default()
    }
}
