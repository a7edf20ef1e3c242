//! The whole product: real programs as processes, real gRPC between them, real databases, against stand-ins of
//! Telegram, fal.ai and YooKassa. Each test ends with `billing-svc verify`.
#![allow(clippy::expect_used, reason = "a test's helper fails by panicking")]
#![allow(clippy::inconsistent_digit_grouping, reason = "kopecks read as rubles_kopecks")]

mod bank;
mod chaos;
mod chaos_payments;
mod collector;
mod conversation;
mod crashes;
mod duplicates;
mod money;
mod paybacks;
mod payer;
mod payment_crashes;
mod person;
mod pictures;
mod postgres;
mod rolling;
mod topups;
mod traces;
mod wallet;
