//! Each service's schema goes up, down and up again, and the wrong schema is refused, on both databases.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod binary;
mod history;
mod place;
mod prepare;
mod rows;
mod together;
mod tool;
