//! The conversation, from what a user types and presses to what they see, what billing-svc took and what the worker got.

mod billing;
mod crashes;
mod dialogues;
mod paying;
mod screens;
mod town;
mod worker;
