//! Filled in by the ledger's tests.
