//! What services rely on, on SQLite and on a real PostgreSQL.

mod auth;
mod db;
mod grpc;
mod http;
mod place;
mod queue;
mod shutdown;
