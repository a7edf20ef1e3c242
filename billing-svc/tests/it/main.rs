//! billing-svc as its callers meet it: over gRPC, on SQLite and on PostgreSQL.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, in its harness too"
)]

#[macro_use]
mod harness;
mod books;
mod memory;
mod random;
mod random_money_in;
mod refusals;
mod service;
mod topups;
mod wire;

mod admin;
mod auth;
mod cli;
mod committer;
mod committer_failures;
mod committer_instances;
mod grpc_charge;
mod grpc_fields;
mod grpc_life;
mod grpc_pages;
mod grpc_states;
mod grpc_wire;
mod layer_table;
mod store;
mod store_events;
mod store_payments;
mod store_races;
mod verify;
mod verify_money_in;
