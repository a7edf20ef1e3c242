//! Prepaid billing over gRPC. The folders are the layers; ARCHITECTURE.md draws them.

pub mod ledger;
