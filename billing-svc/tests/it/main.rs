//! billing-svc as its callers meet it: over gRPC, on SQLite and on PostgreSQL.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, in its harness too"
)]

#[macro_use]
mod harness;
mod bank;
mod books;
mod calls;
// The same as service-kit's tests have.
#[path = "../../../service-kit/tests/it/certificates.rs"]
mod certificates;
mod memory;
mod payments_bot_api;
mod payments_shop;
mod payments_world;
mod program;
mod random;
mod random_money_in;
mod refusals;
mod rpcs;
mod service;
mod tls_program;
mod topups;
mod varied_load;
mod web_page;
mod wire;

mod admin;
mod archive;
mod archive_moves;
mod auth;
mod cli;
mod committer;
mod committer_failures;
mod committer_instances;
mod grpc_admin_grants;
mod grpc_admin_payments;
mod grpc_admin_prices;
mod grpc_admin_users;
mod grpc_charge;
mod grpc_events;
mod grpc_fields;
mod grpc_life;
mod grpc_limits;
mod grpc_overload;
mod grpc_pages;
mod grpc_payment_fields;
mod grpc_payments;
mod grpc_promotions;
mod grpc_referrals;
mod grpc_stars;
mod grpc_states;
mod grpc_web;
mod grpc_wire;
mod layer_table;
mod metrics;
mod payments_inbox;
mod payments_janitor;
mod payments_lists;
mod payments_reconcile;
mod payments_refunds;
mod payments_stars;
mod payments_yookassa;
mod probes;
mod reader;
mod runbook;
mod serializable;
mod shards;
mod statements;
mod store;
mod store_comparing;
mod store_events;
mod store_limits;
mod store_payments;
mod store_people;
mod store_races;
mod tls_refusals;
mod tls_roles;
mod verify;
mod verify_money_in;
