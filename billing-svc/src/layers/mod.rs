//! What every call passes before an RPC's own code: the whole stack is [`wrap`].

mod caller_rate;
mod explain;
mod limit;
mod panics;
mod web;

use std::sync::Arc;

use http::HeaderValue;
use prost::DecodeError;
use service_kit::auth::{AuthLayer, Callers};
use service_kit::grpc::{MetricsLayer, TraceLayer};
use tokio::sync::Semaphore;
use tonic::service::Routes;
use tonic_web::GrpcWebLayer;
use tower::ServiceBuilder;

use crate::grpc::{Limits, Rate, descriptors, roles, status};
use caller_rate::CallerRate;
use limit::CallLimit;
use panics::CatchPanics;
use web::KnownOrigins;

/// The stack, outermost first. Plain services, one in the other: what axum makes of a function copies all that is below it
/// for each call. Pages of `web_origins` may call by gRPC-Web; where there are none, nobody may.
///
/// # Errors
/// The descriptors of our own services can't be read: a defect of the build.
pub fn wrap(
    routes: Routes,
    callers: Callers,
    limits: &Limits,
    web_origins: &[HeaderValue],
) -> Result<Routes, DecodeError> {
    let max_message = limits.max_message_bytes;
    let web = !web_origins.is_empty();
    let stack = ServiceBuilder::new()
        // Browsers' own questions are answered here; what passes is plain gRPC to all that stands below.
        .option_layer(web.then(|| KnownOrigins::new(web_origins)))
        .option_layer(web.then(|| web::cors(web_origins)))
        .option_layer(web.then(GrpcWebLayer::new))
        // First of all calls, so that whatever the others log stands in the call's span and trace.
        .layer(TraceLayer::new(descriptors())?)
        // Sees every answer, also those that the layers below give themselves.
        .layer(MetricsLayer::new(descriptors())?)
        // Below the metrics, so that a panic is counted as the INTERNAL that the caller gets.
        .layer(CatchPanics)
        // Puts what tonic says about messages that it can't read into our words.
        .map_response(move |answer| explain::unreadable_messages(max_message, answer))
        // Around the services: who calls, and may they? From here on each call has its Caller.
        .layer(AuthLayer::new(callers, roles::may, status::DOMAIN))
        // Only here is the caller known, and only who may call is counted. A stranger is refused before, which holds nothing.
        .layer(CallLimit(Arc::new(Semaphore::new(limits.max_calls))))
        .layer(CallerRate(Rate::new(limits.caller_rate)))
        .service(routes);
    Ok(axum::Router::new().fallback_service(stack).into())
}
