//! The gateway as its neighbours meet it: Telegram (a stand-in), the worker (over gRPC), and a database of its own.
//!
//! The pictures come from a small image service in this process ([`images`]), the one stand-in of a service of ours:
//! what only the whole system can show is shown in `sandbox/tests`.

mod delivery;
mod harness;
mod images;
mod intake;
mod requests;
mod webhook;
