//! What Kopilka's three services share and is no contract of theirs.
//!
//! Nothing here knows a service, a message or a table of theirs, except the one shape of a queue's table
//! (`migrations::queue_table`). Each module is one thing a service needs to live: [`telemetry`], the [`http`] side and
//! [`health`], [`shutdown`], who connects ([`tls`]) and calls ([`auth`]), files that change ([`reload`]), the [`grpc`] server
//! around its own services, the database ([`db`]) and the leased [`queue`]; and what a [`picture`]'s bytes say it is.

pub mod auth;
pub mod db;
pub mod grpc;
pub mod health;
pub mod http;
pub mod picture;
pub mod queue;
pub mod reload;
pub mod shutdown;
pub mod telemetry;
pub mod time;
pub mod tls;
