//! A user's row and grants against what their other rows say.

use std::collections::BTreeMap;

use super::{Balances, Check, Invariant};
use crate::ledger::{Grant, Standing, Unit, User};
use crate::store::StoreError;

/// What a user's rows say of their row in `users`.
pub(super) struct Found {
    pub balances: Balances,
    /// What open operations hold.
    pub open: BTreeMap<Unit, i128>,
    /// How many payments were ever credited.
    pub topups: i64,
    /// The sequence of the last event.
    pub last_event: i64,
}

impl Check<'_> {
    pub(super) async fn grants(&mut self, id: &str, balances: &Balances) -> Result<(), StoreError> {
        let mut rebuilt = balances.grants.clone();
        while let Some((_, grant)) = self.grants.next_of(id).await? {
            self.report.grants += 1;
            match grant {
                Ok(grant) => {
                    let entries = rebuilt.remove(&(grant.grant_id, grant.unit)).unwrap_or(0);
                    self.grant(&grant, entries);
                }
                Err(error) => self.report.unreadable(&error),
            }
        }
        for ((grant, unit), left) in rebuilt {
            let what =
                format!("entries leave {left} in it as {unit:?}, and there is no such grant");
            self.report.add(Invariant::I7, format!("grants {id} {grant}"), what);
        }
        Ok(())
    }

    fn grant(&mut self, grant: &Grant, entries: i128) {
        let row = || format!("grants {} {}", grant.user_id, grant.grant_id);
        self.house.users_have(grant.unit, grant.remaining);
        if grant.remaining < 0 || grant.remaining > grant.given {
            let what = format!("remaining is {} of {} given", grant.remaining, grant.given);
            self.report.add(Invariant::I2, row(), what);
        }
        if i128::from(grant.remaining) != entries {
            let what = format!("remaining is {}, its entries say {entries}", grant.remaining);
            self.report.add(Invariant::I7, row(), what);
        }
    }

    /// The user's row against the entries and the open operations.
    pub(super) fn compare(&mut self, user: &User, found: &Found) {
        let Found { balances, open, topups, last_event } = found;
        self.report.users += 1;
        self.house.users_have(Unit::Money, user.available.micros());
        self.house.users_have(Unit::Money, user.held.micros());
        self.house.users_have(Unit::Operation, user.held_operations);

        let row = format!("users {}", user.user_id);
        let owes = user.available.is_negative();
        let right = match user.standing {
            Standing::Good => !owes,
            Standing::InDebt => owes && balances.taken_back,
            Standing::Blocked => !owes || balances.taken_back,
        };
        if !right {
            let what = format!(
                "available is {}, standing {:?}, a payment was taken back: {}",
                user.available, user.standing, balances.taken_back
            );
            self.report.add(Invariant::I2, row.clone(), what);
        }
        let held = [
            (Unit::Money, user.held.micros(), "held"),
            (Unit::Operation, user.held_operations, "held_operations"),
        ];
        for (unit, cached, column) in held {
            let open = open.get(&unit).copied().unwrap_or(0);
            if i128::from(cached) != open {
                let what = format!("{column} is {cached}, open operations hold {open}");
                self.report.add(Invariant::I3, row.clone(), what);
            }
        }
        let cached = [
            (user.available.micros(), balances.available, "available"),
            (user.held.micros(), balances.held, "held"),
            (user.held_operations, balances.held_operations, "held_operations"),
            (user.last_entry, i128::from(balances.last_entry), "last_entry"),
            (user.last_event, i128::from(*last_event), "last_event"),
            (user.topups, i128::from(*topups), "topups"),
        ];
        for (cached, rebuilt, column) in cached {
            if i128::from(cached) != rebuilt {
                let what = format!("{column} is {cached}, should be {rebuilt}");
                self.report.add(Invariant::I7, row.clone(), what);
            }
        }
    }
}
