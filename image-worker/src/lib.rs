//! image-worker: takes image jobs over gRPC, keeps them durably, runs them on fal.ai, settles the operation.
//!
//! * `grpc` takes calls and answers; `jobs` keeps what was taken; `blobs` keeps pictures.
//! * `run` carries each job through its phases; what it decides is the pure [`run::machine`].
//! * `fal`, `settle` and `deliver` are the three outside whom a job needs: provider, billing, gateway.

pub mod blobs;
pub mod clock;
pub mod config;
pub mod deliver;
pub mod fal;
pub mod jobs;
pub mod metrics;
pub mod run;
pub mod settle;

mod grpc;
mod server;

pub use config::Config;
pub use server::{Listeners, run};
