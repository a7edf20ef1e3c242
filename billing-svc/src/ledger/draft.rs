//! A batch under way: the state as it stands after the commands so far, and which rows were touched.

use std::collections::BTreeSet;

use super::accounts::signup_grant;
use super::grants::REFUND_GRACE;
use super::{
    Account, AdminRequest, Amount, Changes, Entry, Grant, GrantId, Operation, OperationId, Policy,
    PriceList, Reference, Rejection, RequestId, Standing, State, Timestamp, Unit, User, UserId,
    UserView,
};
use std::collections::BTreeMap;

/// Commands read and change rows through this alone, so that a row can't change without being written, and no money
/// can move without its entry.
pub(super) struct Draft<'a> {
    policy: &'a Policy,
    now: Timestamp,
    state: State,
    charges: BTreeMap<RequestId, OperationId>,
    new_users: BTreeSet<UserId>,
    touched_users: BTreeSet<UserId>,
    new_grants: BTreeSet<(UserId, GrantId)>,
    touched_grants: BTreeSet<(UserId, GrantId)>,
    new_operations: BTreeSet<OperationId>,
    touched_operations: BTreeSet<OperationId>,
    new_admin_requests: BTreeSet<RequestId>,
    entries: Vec<Entry>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(policy: &'a Policy, state: State, now: Timestamp) -> Self {
        let charges = state
            .operations
            .values()
            .map(|operation| (operation.request_id.clone(), operation.operation_id))
            .collect();
        Self {
            policy,
            now,
            state,
            charges,
            new_users: BTreeSet::new(),
            touched_users: BTreeSet::new(),
            new_grants: BTreeSet::new(),
            touched_grants: BTreeSet::new(),
            new_operations: BTreeSet::new(),
            touched_operations: BTreeSet::new(),
            new_admin_requests: BTreeSet::new(),
            entries: Vec::new(),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    pub(super) fn policy(&self) -> &Policy {
        self.policy
    }

    pub(super) fn prices(&self) -> &PriceList {
        &self.state.prices
    }

    pub(super) fn operation(&self, id: OperationId) -> Option<&Operation> {
        self.state.operations.get(&id)
    }

    pub(super) fn charge(&self, request_id: &RequestId) -> Option<&Operation> {
        self.operation(*self.charges.get(request_id)?)
    }

    pub(super) fn admin_request(&self, request_id: &RequestId) -> Option<&AdminRequest> {
        self.state.admin_requests.get(request_id)
    }

    pub(super) fn standing(&self, user_id: &UserId) -> Standing {
        self.state.users.get(user_id).map_or(Standing::Good, |user| user.standing)
    }

    pub(super) fn available(&self, user_id: &UserId) -> Amount {
        self.state.users.get(user_id).map_or(Amount::ZERO, |user| user.available)
    }

    pub(super) fn grants_of(&self, user_id: &UserId) -> impl Iterator<Item = &Grant> {
        self.state.grants_of(user_id)
    }

    /// A grant that must be there: the store loads what slices and requests refer to.
    pub(super) fn grant(&self, user_id: &UserId, id: GrantId) -> Result<&Grant, Rejection> {
        self.state
            .grants
            .get(&(user_id.clone(), id))
            .ok_or_else(|| Rejection::Corrupt { what: format!("grant {id} of {user_id}") })
    }

    /// All money of a user: own, held, promotional.
    pub(super) fn wealth(&self, user_id: &UserId) -> Amount {
        let own =
            self.state.users.get(user_id).map_or(Amount::ZERO, |user| user.available + user.held);
        let promotional: Amount = self
            .grants_of(user_id)
            .filter(|grant| grant.unit == Unit::Money)
            .map(|grant| Amount::from_micros(grant.remaining))
            .sum();
        own + promotional
    }

    pub(super) fn view(&self, user_id: &UserId) -> UserView {
        match self.state.users.get(user_id) {
            Some(user) => UserView::of(user, self.grants_of(user_id), self.now),
            None => UserView::of_unknown(user_id.clone(), self.policy),
        }
    }

    /// Begins a command that writes this user: creates them, with their sign-up grant, if they are new. Called once by
    /// each command that writes.
    pub(super) fn write_user(&mut self, user_id: &UserId) {
        if !self.state.users.contains_key(user_id) {
            self.new_users.insert(user_id.clone());
            let user = User::new(user_id.clone(), self.now);
            self.state.users.insert(user_id.clone(), user);
            if let Some(grant) = signup_grant(user_id, self.policy, self.now) {
                self.give(grant, Reference::Rule);
            }
        }
        if let Some(user) = self.state.users.get_mut(user_id) {
            user.version += 1;
            self.touched_users.insert(user_id.clone());
        }
    }

    /// Adds a grant and the entry that fills it. The user has been written to before.
    pub(super) fn give(&mut self, mut grant: Grant, reference: Reference) {
        let user_id = grant.user_id.clone();
        let key = (user_id.clone(), grant.grant_id);
        let (unit, amount) = (grant.unit, grant.given);
        grant.remaining = 0;
        self.state.grants.insert(key.clone(), grant);
        self.new_grants.insert(key.clone());
        self.transfer(&user_id, Account::Grants, Account::Grant(key.1), unit, amount, reference);
    }

    /// Keeps an expired grant open for a while, so that what was just put back into it can be spent.
    pub(super) fn grace(&mut self, user_id: &UserId, id: GrantId) {
        let key = (user_id.clone(), id);
        if let Some(grant) = self.state.grants.get_mut(&key)
            && !grant.is_live(self.now)
        {
            grant.expire_time = Some(self.now.plus(REFUND_GRACE));
            self.touched_grants.insert(key);
        }
    }

    /// Moves `amount` (above zero, or nothing happens) and writes the entry. The only way that a balance changes.
    pub(super) fn transfer(
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
        let Some(user) = self.state.users.get_mut(user_id) else {
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
            let key = (user_id.clone(), *id);
            let Some(grant) = self.state.grants.get_mut(&key) else {
                return 0; // each command looks the grant up before it moves anything
            };
            grant.remaining += by;
            let after = grant.remaining;
            self.touched_grants.insert(key);
            return after;
        }
        let Some(user) = self.state.users.get_mut(user_id) else {
            return 0; // as above
        };
        match (account, unit) {
            (Account::Available, Unit::Money) => {
                user.available = user.available + Amount::from_micros(by);
                if user.standing == Standing::InDebt && !user.available.is_negative() {
                    user.standing = Standing::Good;
                }
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

    pub(super) fn add_operation(&mut self, operation: Operation) {
        let id = operation.operation_id;
        self.charges.insert(operation.request_id.clone(), id);
        self.new_operations.insert(id);
        self.state.operations.insert(id, operation);
    }

    pub(super) fn update_operation(&mut self, operation: Operation) {
        let id = operation.operation_id;
        self.touched_operations.insert(id);
        self.state.operations.insert(id, operation);
    }

    pub(super) fn keep_admin_request(&mut self, request: AdminRequest) {
        self.new_admin_requests.insert(request.request_id.clone());
        self.state.admin_requests.insert(request.request_id.clone(), request);
    }

    /// What is to be written.
    pub(super) fn into_changes(self) -> Changes {
        let state = self.state;
        let mut changes = Changes { entries: self.entries, ..Changes::default() };
        for (id, user) in state.users {
            if self.new_users.contains(&id) {
                changes.new_users.push(user);
            } else if self.touched_users.contains(&id) {
                changes.users.push(user);
            }
        }
        for (key, grant) in state.grants {
            if self.new_grants.contains(&key) {
                changes.new_grants.push(grant);
            } else if self.touched_grants.contains(&key) {
                changes.grants.push(grant);
            }
        }
        for (id, operation) in state.operations {
            if self.new_operations.contains(&id) {
                changes.new_operations.push(operation);
            } else if self.touched_operations.contains(&id) {
                changes.operations.push(operation);
            }
        }
        for (id, request) in state.admin_requests {
            if self.new_admin_requests.contains(&id) {
                changes.new_admin_requests.push(request);
            }
        }
        changes
    }
}
