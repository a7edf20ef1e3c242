//! What every call passes before an RPC's own code: the whole stack is [`wrap`].

mod explain;
mod limit;
mod panics;

use std::sync::Arc;

use axum::middleware::{from_fn, from_fn_with_state};
use prost::DecodeError;
use service_kit::auth::{AuthLayer, Callers};
use service_kit::grpc::{MetricsLayer, TraceLayer};
use tokio::sync::Semaphore;
use tonic::service::Routes;
use tower::{Layer, ServiceBuilder};

use crate::grpc::{descriptors, roles, status};

/// Calls under way at once, of all connections together. With messages of 4 MB at most this bounds memory too.
const MAX_CALLS: usize = 4096;

/// The stack, outermost first.
///
/// # Errors
/// The descriptors of our own services can't be read: a defect of the build.
pub fn wrap(routes: Routes, callers: Callers) -> Result<Routes, DecodeError> {
    let authenticated = AuthLayer::new(callers, roles::may, status::DOMAIN).layer(routes);
    let stack = ServiceBuilder::new()
        // First, so that whatever the others log stands in the call's span and trace.
        .layer(TraceLayer::new(descriptors())?)
        // Sees every answer, also those that the layers below give themselves.
        .layer(MetricsLayer::new(descriptors())?)
        // Below the metrics, so that a panic is counted as the INTERNAL that the caller gets.
        .layer(from_fn(panics::catch))
        // Puts what tonic says about messages that it can't read into our words.
        .layer(from_fn(explain::unreadable_messages))
        // Before authentication, so that strangers can't keep us busy without end either.
        .layer(from_fn_with_state(Arc::new(Semaphore::new(MAX_CALLS)), limit::calls));
    // Innermost: who calls, and may they? From here on each call has its Caller.
    Ok(axum::Router::new().fallback_service(authenticated).layer(stack).into())
}
