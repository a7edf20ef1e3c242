//! What every call passes before an RPC's own code: the whole stack is [`wrap`].

mod caller_rate;
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

use crate::grpc::{Limits, Rate, descriptors, roles, status};

/// The stack, outermost first.
///
/// # Errors
/// The descriptors of our own services can't be read: a defect of the build.
pub fn wrap(routes: Routes, callers: Callers, limits: &Limits) -> Result<Routes, DecodeError> {
    // Innermost: only here is the caller known, and only who may call is counted. A stranger is refused before, which holds nothing.
    let rate = Rate::new(limits.caller_rate);
    let rated = from_fn_with_state(rate, caller_rate::calls_of_one);
    let free = Arc::new(Semaphore::new(limits.max_calls));
    let limited =
        routes.into_axum_router().layer(rated).layer(from_fn_with_state(free, limit::calls));
    let routes = Routes::from(limited);
    let authenticated = AuthLayer::new(callers, roles::may, status::DOMAIN).layer(routes);
    let stack = ServiceBuilder::new()
        // First, so that whatever the others log stands in the call's span and trace.
        .layer(TraceLayer::new(descriptors())?)
        // Sees every answer, also those that the layers below give themselves.
        .layer(MetricsLayer::new(descriptors())?)
        // Below the metrics, so that a panic is counted as the INTERNAL that the caller gets.
        .layer(from_fn(panics::catch))
        // Puts what tonic says about messages that it can't read into our words.
        .layer(from_fn_with_state(limits.max_message_bytes, explain::unreadable_messages));
    // Around the services: who calls, and may they? From here on each call has its Caller.
    Ok(axum::Router::new().fallback_service(authenticated).layer(stack).into())
}
