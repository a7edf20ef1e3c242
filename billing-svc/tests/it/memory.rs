//! The pure ledger over plain memory: what the store and the committer must agree with.

use std::collections::BTreeMap;

use billing_svc::ledger::*;
use billing_svc::store::Store;

use crate::books::POLICY;

/// All rows there are.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Memory {
    pub state: State,
    pub entries: BTreeMap<(UserId, i64), Entry>,
}

impl Memory {
    pub fn with(prices: PriceList) -> Self {
        Self { state: State { prices, ..State::default() }, entries: BTreeMap::new() }
    }

    /// Decides a batch and keeps what it changes.
    pub fn run(&mut self, batch: &[Command], now: Timestamp) -> Vec<Result<Outcome, Rejection>> {
        let Decision { outcomes, changes } = decide(&POLICY, self.state.clone(), batch, now);
        for user in changes.new_users.into_iter().chain(changes.users) {
            self.state.users.insert(user.user_id.clone(), user);
        }
        for grant in changes.new_grants.into_iter().chain(changes.grants) {
            self.state.grants.insert((grant.user_id.clone(), grant.grant_id), grant);
        }
        for operation in changes.new_operations.into_iter().chain(changes.operations) {
            self.state.operations.insert(operation.operation_id, operation);
        }
        for request in changes.new_admin_requests {
            self.state.admin_requests.insert(request.request_id.clone(), request);
        }
        for entry in changes.entries {
            self.entries.insert((entry.user_id.clone(), entry.sequence), entry);
        }
        outcomes
    }

    /// What the database holds; requests of administrators are left out, `verify`'s snapshot doesn't read them.
    pub async fn of_store(store: &Store) -> Self {
        const ALL: u64 = 1_000_000;
        let snapshot = store.snapshot().await.unwrap();
        let mut memory = Self::with(store.prices().await.unwrap());
        for (_, user) in snapshot.users(None, ALL).await.unwrap() {
            let user = user.unwrap();
            memory.state.users.insert(user.user_id.clone(), user);
        }
        for (_, grant) in snapshot.grants(None, ALL).await.unwrap() {
            let grant = grant.unwrap();
            memory.state.grants.insert((grant.user_id.clone(), grant.grant_id), grant);
        }
        for (_, operation) in snapshot.operations(None, ALL).await.unwrap() {
            let operation = operation.unwrap();
            memory.state.operations.insert(operation.operation_id, operation);
        }
        for (_, entry) in snapshot.entries(None, ALL).await.unwrap() {
            let entry = entry.unwrap();
            memory.entries.insert((entry.user_id.clone(), entry.sequence), entry);
        }
        snapshot.end().await.unwrap();
        memory
    }

    /// Without what [`Memory::of_store`] leaves out.
    pub fn comparable(mut self) -> Self {
        self.state.admin_requests.clear();
        self
    }
}
