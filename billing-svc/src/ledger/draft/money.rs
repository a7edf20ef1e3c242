//! How money and free operations move, and who has how much.

use super::super::accounts::signup_grant;
use super::super::grants::REFUND_GRACE;
use super::super::{Account, Amount, Entry, Grant, GrantId, Reference, Unit, UserId};
use super::Draft;

impl Draft<'_> {
    pub(in crate::ledger) fn available(&self, user_id: &UserId) -> Amount {
        self.users.get(user_id).map_or(Amount::ZERO, |user| user.available)
    }

    /// All money of a user: own, held, promotional.
    pub(in crate::ledger) fn wealth(&self, user_id: &UserId) -> Amount {
        let own = self.users.get(user_id).map_or(Amount::ZERO, |user| user.available + user.held);
        let promotional: Amount = self
            .grants_of(user_id)
            .filter(|grant| grant.unit == Unit::Money)
            .map(|grant| Amount::from_micros(grant.remaining))
            .sum();
        own + promotional
    }

    /// The sign-up grant, where the policy gives one.
    pub(super) fn sign_up(&mut self, user_id: &UserId) {
        if let Some(grant) = signup_grant(user_id, self.policy, self.now) {
            self.give(grant, Reference::Rule);
        }
    }

    /// Adds a grant and the entry that fills it. The user has been written to before.
    pub(in crate::ledger) fn give(&mut self, mut grant: Grant, reference: Reference) {
        let user_id = grant.user_id.clone();
        let key = (user_id.clone(), grant.grant_id);
        let (unit, amount) = (grant.unit, grant.given);
        grant.remaining = 0;
        self.grants.add(key.clone(), grant);
        self.transfer(&user_id, Account::Grants, Account::Grant(key.1), unit, amount, reference);
    }

    /// Keeps an expired grant open for a while, so that what was just put back into it can be spent. The user can be
    /// told of the new end, too.
    pub(in crate::ledger) fn grace(&mut self, user_id: &UserId, id: GrantId) {
        let now = self.now;
        let key = (user_id.clone(), id);
        if self.grants.get(&key).is_some_and(|grant| !grant.is_live(now))
            && let Some(grant) = self.grants.change(&key)
        {
            grant.expire_time = Some(now.plus(REFUND_GRACE));
            grant.announced = false;
        }
    }

    /// Moves `amount` (above zero, or nothing happens) and writes the entry. The only way that a balance changes.
    pub(in crate::ledger) fn transfer(
        &mut self,
        user_id: &UserId,
        from: Account,
        to: Account,
        unit: Unit,
        amount: i64,
        reference: Reference,
    ) {
        if amount <= 0 {
            return;
        }
        let after_from = self.change(user_id, &from, unit, -amount);
        let after_to = self.change(user_id, &to, unit, amount);
        let balance_after = match (&from, &to) {
            (Account::Held, to) if to.is_of_user() => after_to,
            (from, _) if from.is_of_user() => after_from,
            _ => after_to,
        };
        let Some(user) = self.users.change(user_id) else {
            return; // write_user made the row before any command came here
        };
        user.last_entry += 1;
        self.entries.push(Entry {
            user_id: user_id.clone(),
            sequence: user.last_entry,
            from,
            to,
            unit,
            amount,
            reference,
            create_time: self.now,
            balance_after,
        });
    }

    /// Adds to one account; answers its balance. Accounts of the house have none here: they are sums over entries.
    fn change(&mut self, user_id: &UserId, account: &Account, unit: Unit, by: i64) -> i64 {
        if let Account::Grant(id) = account {
            let Some(grant) = self.grants.change(&(user_id.clone(), *id)) else {
                return 0; // each command looks the grant up before it moves anything
            };
            grant.remaining += by;
            return grant.remaining;
        }
        let Some(user) = self.users.change(user_id) else {
            return 0; // as above
        };
        match (account, unit) {
            (Account::Available, Unit::Money) => {
                user.available = user.available + Amount::from_micros(by);
                user.settle_standing();
                user.available.micros()
            }
            (Account::Held, Unit::Money) => {
                user.held = user.held + Amount::from_micros(by);
                user.held.micros()
            }
            (Account::Held, Unit::Operation) => {
                user.held_operations += by;
                user.held_operations
            }
            _ => 0,
        }
    }
}
