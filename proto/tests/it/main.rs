//! The typed clients against servers that misbehave, over loopback.

mod errors;
mod pictures;
mod retries;
mod server;
mod vanished;
