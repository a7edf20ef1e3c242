//! A user's row, and how it is shown.

use super::{Amount, Grant, GrantId, GrantKind, Policy, Timestamp, Unit, UserId};

/// May this user be charged?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Yes.
    Good,
    /// A chargeback took more than was there.
    InDebt,
    /// An administrator said no.
    Blocked,
}

/// A user's row. The balances are a cache that the entries can rebuild.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Who.
    pub user_id: UserId,
    /// The user's own paid money that is free to spend.
    pub available: Amount,
    /// Money taken by operations that are not settled.
    pub held: Amount,
    /// Free operations taken by operations that are not settled.
    pub held_operations: i64,
    /// May they be charged?
    pub standing: Standing,
    /// Rises by one with each command that writes this user.
    pub version: i64,
    /// The sequence number of the last entry; 0 before the first.
    pub last_entry: i64,
    /// The sequence number of the last event; likewise.
    pub last_event: i64,
    /// How many payments were ever credited.
    pub topups: i64,
    /// When the first write named them.
    pub create_time: Timestamp,
}

impl User {
    /// A user as the first write makes them.
    pub(super) fn new(user_id: UserId, now: Timestamp) -> Self {
        Self {
            user_id,
            available: Amount::ZERO,
            held: Amount::ZERO,
            held_operations: 0,
            standing: Standing::Good,
            version: 0,
            last_entry: 0,
            last_event: 0,
            topups: 0,
            create_time: now,
        }
    }

    /// Who owes is in debt, and who does not is not; a blocked user stays blocked.
    pub(super) fn settle_standing(&mut self) {
        self.standing = match self.standing {
            Standing::Blocked => Standing::Blocked,
            Standing::Good | Standing::InDebt if self.available.is_negative() => Standing::InDebt,
            Standing::Good | Standing::InDebt => Standing::Good,
        };
    }
}

/// The sign-up grant of a user who is created now; none where the policy gives nothing.
pub fn signup_grant(user_id: &UserId, policy: &Policy, now: Timestamp) -> Option<Grant> {
    (policy.free_operations > 0).then(|| Grant {
        grant_id: GrantId::signup(user_id),
        user_id: user_id.clone(),
        kind: GrantKind::Signup,
        unit: Unit::Operation,
        given: policy.free_operations,
        remaining: policy.free_operations,
        priority: 0,
        create_time: now,
        expire_time: None,
        announced: false,
    })
}

/// What a user has, as callers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserView {
    /// Who.
    pub user_id: UserId,
    /// Spendable: own and promotional money.
    pub balance: Amount,
    /// Own money.
    pub paid_balance: Amount,
    /// Held money.
    pub held: Amount,
    /// What remains in grants of operations that have not expired.
    pub free_operations_left: i64,
    /// What was given in grants of operations that have not expired.
    pub free_operations_total: i64,
    /// May they be charged?
    pub standing: Standing,
    /// See [`User::version`]; 0 for a user who was never written.
    pub version: i64,
    /// `None` for a user who was never written.
    pub create_time: Option<Timestamp>,
}

impl UserView {
    /// A user who exists.
    pub fn of<'a>(user: &User, grants: impl Iterator<Item = &'a Grant>, now: Timestamp) -> Self {
        let mut view = Self {
            user_id: user.user_id.clone(),
            balance: user.available,
            paid_balance: user.available,
            held: user.held,
            free_operations_left: 0,
            free_operations_total: 0,
            standing: user.standing,
            version: user.version,
            create_time: Some(user.create_time),
        };
        for grant in grants.filter(|grant| grant.is_live(now)) {
            match grant.unit {
                Unit::Money => view.balance = view.balance + Amount::from_micros(grant.remaining),
                Unit::Operation => {
                    view.free_operations_left += grant.remaining;
                    view.free_operations_total += grant.given;
                }
            }
        }
        view
    }

    /// What a new user would have.
    pub fn of_unknown(user_id: UserId, policy: &Policy) -> Self {
        Self {
            user_id,
            balance: Amount::ZERO,
            paid_balance: Amount::ZERO,
            held: Amount::ZERO,
            free_operations_left: policy.free_operations,
            free_operations_total: policy.free_operations,
            standing: Standing::Good,
            version: 0,
            create_time: None,
        }
    }
}
