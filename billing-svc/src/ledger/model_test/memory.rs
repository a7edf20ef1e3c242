//! A store in memory that loads exactly what is asked for and not a row more, so that a need which `needs()` forgot
//! shows as a wrong decision. It writes as strictly as a database with constraints would.

use std::collections::BTreeMap;

use crate::ledger::*;

/// The tables of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    pub policy: Policy,
    pub prices: PriceList,
    pub users: BTreeMap<UserId, User>,
    pub grants: BTreeMap<(UserId, GrantId), Grant>,
    pub operations: BTreeMap<OperationId, Operation>,
    pub admin_requests: BTreeMap<RequestId, AdminRequest>,
    /// In the order of writing.
    pub entries: Vec<Entry>,
}

impl Memory {
    pub fn new(policy: Policy, prices: PriceList) -> Self {
        Self {
            policy,
            prices,
            users: BTreeMap::new(),
            grants: BTreeMap::new(),
            operations: BTreeMap::new(),
            admin_requests: BTreeMap::new(),
            entries: Vec::new(),
        }
    }

    /// needs → load → decide → apply.
    pub fn run(&mut self, batch: &[Command], now: Timestamp) -> Decision {
        let state = self.load(&needs(batch), now);
        let decision = decide(&self.policy, state, batch, now);
        assert_eq!(decision.outcomes.len(), batch.len(), "an outcome for each command");
        self.apply(decision.changes.clone());
        decision
    }

    pub fn view(&self, user_id: &UserId, now: Timestamp) -> UserView {
        match self.users.get(user_id) {
            Some(user) => UserView::of(user, self.grants_of(user_id), now),
            None => UserView::of_unknown(user_id.clone(), &self.policy),
        }
    }

    pub fn grants_of<'a>(&'a self, user_id: &'a UserId) -> impl Iterator<Item = &'a Grant> {
        self.grants.values().filter(move |grant| grant.user_id == *user_id)
    }

    pub fn charged_as(&self, request_id: &RequestId) -> Option<&Operation> {
        self.operations.values().find(|operation| operation.request_id == *request_id)
    }

    fn load(&self, needs: &Needs, now: Timestamp) -> State {
        let mut state = State { prices: self.prices.clone(), ..State::default() };
        for id in &needs.users {
            state.users.extend(self.users.get(id).map(|user| (id.clone(), user.clone())));
            let grants =
                self.grants_of(id).filter(|grant| grant.is_live(now) || grant.remaining > 0);
            for grant in grants {
                state.grants.insert((id.clone(), grant.grant_id), grant.clone());
            }
        }
        let by_id = needs.operations.iter().filter_map(|id| self.operations.get(id));
        let by_request = needs.charges.iter().filter_map(|id| self.charged_as(id));
        for operation in by_id.chain(by_request) {
            state.operations.insert(operation.operation_id, operation.clone());
            for grant_id in operation.funding.iter().filter_map(|slice| slice.source.grant_id()) {
                self.load_grant(&mut state, &(operation.user_id.clone(), grant_id));
            }
        }
        for id in &needs.admin_requests {
            let Some(request) = self.admin_requests.get(id) else { continue };
            state.admin_requests.insert(id.clone(), request.clone());
            if let AdminAction::GrantCredits { grant_id, .. } = request.action {
                self.load_grant(&mut state, &(request.user_id.clone(), grant_id));
            }
        }
        for key in &needs.grants {
            self.load_grant(&mut state, key);
        }
        state
    }

    fn load_grant(&self, state: &mut State, key: &(UserId, GrantId)) {
        state.grants.extend(self.grants.get(key).map(|grant| (key.clone(), grant.clone())));
    }

    /// Refuses (panics at) what a constraint of the database would refuse: a new row that is there, an update of one
    /// that is not, a gap in the sequence of entries.
    fn apply(&mut self, changes: Changes) {
        let Changes {
            new_users,
            users,
            new_grants,
            grants,
            new_operations,
            operations,
            entries,
            new_admin_requests,
        } = changes;
        for user in new_users {
            let old = self.users.insert(user.user_id.clone(), user);
            assert_eq!(old, None, "a new user was there");
        }
        for user in users {
            let version = user.version;
            let old = self.users.insert(user.user_id.clone(), user).expect("a user to update");
            assert!(old.version < version, "the version rises with each write");
        }
        for grant in new_grants {
            let old = self.grants.insert((grant.user_id.clone(), grant.grant_id), grant);
            assert_eq!(old, None, "a new grant was there");
        }
        for grant in grants {
            let old = self.grants.insert((grant.user_id.clone(), grant.grant_id), grant);
            assert!(old.is_some(), "a grant to update");
        }
        for operation in new_operations {
            assert_eq!(self.charged_as(&operation.request_id), None, "the request_id is taken");
            let old = self.operations.insert(operation.operation_id, operation);
            assert_eq!(old, None, "a new operation was there");
        }
        for operation in operations {
            let old = self.operations.insert(operation.operation_id, operation);
            assert!(old.is_some(), "an operation to update");
        }
        for request in new_admin_requests {
            let old = self.admin_requests.insert(request.request_id.clone(), request);
            assert_eq!(old, None, "a new request was there");
        }
        for entry in entries {
            let last = self.entries.iter().rev().find(|last| last.user_id == entry.user_id);
            let last = last.map_or(0, |last| last.sequence);
            assert_eq!(entry.sequence, last + 1, "entries count 1, 2, 3… within {}", entry.user_id);
            self.entries.push(entry);
        }
    }
}
