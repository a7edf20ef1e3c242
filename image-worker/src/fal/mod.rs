//! fal.ai's queue API.
//!
//! * [`client`](FalClient) makes the calls; it never retries: when and how often is the business of `run`.
//! * [`error`](classify) sorts what can go wrong into what is to be done about it.
//! * [`models`](Models) says which app does which kind of work, and with what body.
//!
//! fal's words about a failure echo the user's prompt, so they go nowhere: logs have the status and the machine-
//! readable type.

mod call;
mod client;
mod error;
mod models;
mod wire;

pub use client::{Asked, FalClient, FalClientError, MAX_PICTURES, NotAccepted, NotYet};
pub use error::{Answer, Class, Failure, classify};
pub use models::{Model, Models, ModelsError};
