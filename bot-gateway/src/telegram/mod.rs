//! Everything that leaves for Telegram, and photos that come from there. Errors never hold the token.

mod files;
pub mod send;

pub use files::{Files, FilesError, Photo};
