//! `images.v1.ImageService` on the wire. Thin: checks a message, calls `jobs` or `blobs`, forms the answer.
//!
//! [`validate`] knows every field's limits, [`status`] alone makes a `tonic::Status`.

mod download;
mod reply;
mod service;
mod status;
mod upload;
mod validate;
mod watch;

pub use service::Images;
pub use status::DOMAIN;
