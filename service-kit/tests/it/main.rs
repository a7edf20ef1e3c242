//! What services rely on, on SQLite and on a real PostgreSQL.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod alone;
mod auth;
mod certificates;
mod connections;
mod db;
mod grpc;
mod guarded;
mod health;
mod http;
mod place;
mod queue;
mod shutdown;
mod tls;
