//! The examples of `docs/integration.md`: a bot on teloxide that sells pictures, the worker that makes them, and a web app that
//! takes YooKassa's notifications. All three charge and settle over gRPC.

pub mod bot;
pub mod guard;
pub mod jobs;
pub mod web;
pub mod worker;
