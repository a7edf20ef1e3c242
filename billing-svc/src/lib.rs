//! Prepaid billing over gRPC. The folders are the layers; ARCHITECTURE.md draws them.

pub mod ledger;
pub mod committer;
pub mod metrics;
pub mod store;
pub mod sweeper;
pub mod verify;
