//! What is measured and what it is compared to, each a process of its own that ends with this one.

pub mod baseline;

mod billing;
mod child;
mod folder;
mod postgres;
pub mod processor;
mod standing;

pub use billing::{Billing, Callers, SETTINGS as BILLING_SETTINGS};
pub use folder::Folder;
pub use postgres::{Postgres, SETTINGS as POSTGRES_SETTINGS};
pub use standing::Standing;
