//! Jobs: what they are, and where they are kept.
//!
//! A job is one row of the leased queue: [`Job`] is the row's payload and holds all that is known of the job, so
//! that whoever leases the row can go on where the last one stopped. [`Jobs`] owns every statement on those rows.

mod job;
mod kind;
mod store;
mod waiting;

pub use job::{Attempt, FailReason, FalRequest, Job, Phase, Picture, Prompt, ReplyTo, Spec};
pub use kind::Kind;
pub use store::{Held, JobRow, Jobs, Load, StoreError, Submitted};
