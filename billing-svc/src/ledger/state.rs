//! What a batch reads and what it writes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{
    AdminRequest, Entry, Grant, GrantId, Operation, OperationId, PriceList, RequestId, User, UserId,
};

/// The deployment's own settings that rules depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What the sign-up grant gives; 0 for none.
    pub free_operations: i64,
    /// How long a charge is held where the caller does not say.
    pub hold: Duration,
}

/// What a batch must see. The store locks the users, in this order, before it reads anything else.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Needs {
    /// Users, each with their grants that are live or have something left.
    pub users: BTreeSet<UserId>,
    /// Operations by id, each with the grants that its slices came from.
    pub operations: BTreeSet<OperationId>,
    /// Operations by the request_id of their charge, whoever they belong to; likewise.
    pub charges: BTreeSet<RequestId>,
    /// Requests of administrators, whoever they belong to, each with the grant it gave.
    pub admin_requests: BTreeSet<RequestId>,
    /// Grants by id, on top of those above.
    pub grants: BTreeSet<(UserId, GrantId)>,
}

/// What a batch sees: exactly what [`Needs`] asks for, as far as it exists.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// Users.
    pub users: BTreeMap<UserId, User>,
    /// Grants.
    pub grants: BTreeMap<(UserId, GrantId), Grant>,
    /// Operations.
    pub operations: BTreeMap<OperationId, Operation>,
    /// Requests of administrators.
    pub admin_requests: BTreeMap<RequestId, AdminRequest>,
    /// The price list in force.
    pub prices: PriceList,
}

impl State {
    /// All grants of one user that were loaded.
    pub fn grants_of(&self, user_id: &UserId) -> impl Iterator<Item = &Grant> {
        let first = (user_id.clone(), GrantId(uuid::Uuid::nil()));
        let last = (user_id.clone(), GrantId(uuid::Uuid::max()));
        self.grants.range(first..=last).map(|(_, grant)| grant)
    }
}

/// What a batch writes: each row once, in its last form.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// Users that did not exist. Writing fails with a conflict where another instance was faster.
    pub new_users: Vec<User>,
    /// Users that did.
    pub users: Vec<User>,
    /// Grants that did not exist.
    pub new_grants: Vec<Grant>,
    /// Grants that did.
    pub grants: Vec<Grant>,
    /// Operations that did not exist; their request_id is unique.
    pub new_operations: Vec<Operation>,
    /// Operations that did.
    pub operations: Vec<Operation>,
    /// Entries, in order within each user.
    pub entries: Vec<Entry>,
    /// Requests of administrators that did not exist; their request_id is unique.
    pub new_admin_requests: Vec<AdminRequest>,
}

impl Changes {
    /// Nothing to write?
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
