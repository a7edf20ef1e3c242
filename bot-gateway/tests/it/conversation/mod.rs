//! The conversation, from what a user types and presses to what they see, what billing-svc took and what the worker got.

pub mod billing;
mod checking;
mod crashes;
mod dialogues;
mod gifts;
mod paying;
mod screens;
mod topup;
mod town;
mod worker;
