//! Proves the invariants on a live database.

use sea_orm::DatabaseConnection;

use crate::store::StoreError;

/// What was counted and what is wrong. `Display` prints it for people and machines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Empty: all invariants hold.
    pub violations: Vec<String>,
}

impl Report {
    /// Do all invariants hold?
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, _f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        todo!()
    }
}

/// Checks everything, from one consistent snapshot, while the service goes on.
pub async fn run(_connection: &DatabaseConnection) -> Result<Report, StoreError> {
    todo!()
}
