//! Facts about the stand-ins' protocols that the services rely on.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't go on stops here"
)]

mod bank;
mod fal;
mod notifications;
mod shop;
mod stars;
mod telegram;
mod teloxide_client;
mod webhook;
mod yookassa;
mod yookassa_money;
