//! Each service's schema goes up, down and up again, and the wrong schema is refused, on both databases.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod binary;
mod expand;
mod history;
mod killed;
mod place;
mod prepare;
mod rows;
mod rows_of_queues;
mod tls;
mod together;
mod tool;
