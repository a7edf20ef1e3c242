//! A panic is one call's INTERNAL and no more: without this it would take all calls of the connection along.

use std::panic::AssertUnwindSafe;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use futures::FutureExt;

use crate::grpc::status;

/// The panic's text is in the log (the panic hook wrote it), and never in the answer.
pub async fn catch(request: Request, next: Next) -> Response {
    // Nothing that an RPC shares with others is changed in place by it: the committer's tasks do all writing.
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => status::panicked().into_http::<Body>(),
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::middleware::from_fn;
    use tonic::{Code, Status};
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_panic_answers_internal_and_tells_nothing() {
        async fn handler() -> Response {
            panic!("secret")
        }
        let router = Router::new().fallback(handler).layer(from_fn(catch));
        let response = router.oneshot(Request::new(Body::empty())).await.unwrap();
        let status = Status::from_header_map(response.headers()).unwrap();
        assert_eq!(status.code(), Code::Internal);
        assert!(!status.message().contains("secret"));
    }
}
