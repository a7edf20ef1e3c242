//! A span for each call, which every line logged on its behalf carries.

use std::time::Instant;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use tracing::{Instrument, field};

/// Opens the span. `caller` is filled in once the call is known to be somebody's.
pub async fn span(request: Request, next: Next) -> Response {
    let span = tracing::info_span!("call", rpc = request.uri().path(), caller = field::Empty);
    async {
        let started = Instant::now();
        let response = next.run(request).await;
        tracing::debug!(took = ?started.elapsed(), "answered");
        response
    }
    .instrument(span)
    .await
}
