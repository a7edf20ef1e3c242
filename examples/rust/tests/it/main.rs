//! The examples of the guide, run: a bot, a worker on a real Redis, a web app, and billing-svc.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod bot;
#[path = "../../../../proto/tests/live/billing.rs"]
mod live;
mod redis_server;
mod shop;
mod web;
mod worker;
