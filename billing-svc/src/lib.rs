//! Prepaid billing over gRPC. The folders are the layers; ARCHITECTURE.md draws them.

pub mod archiver;
pub mod auditor;
pub mod committer;
pub mod config;
pub mod gauges;
pub mod grpc;
pub mod layers;
pub mod ledger;
pub mod metrics;
pub mod payments;
pub mod prices;
pub mod reader;
pub mod reconcile;
pub mod server;
pub mod store;
pub mod sweeper;
pub mod verify;
