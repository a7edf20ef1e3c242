//! How many calls may be under way at once.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use service_kit::auth::Caller;
use tokio::sync::Semaphore;

use crate::grpc::status;
use crate::metrics;

/// A call too many is refused at once: it would only wait until its caller has given up. A stream counts until it begins to
/// answer.
///
/// Health and reflection have no caller and are not counted: a stranger who begins such calls and never ends their messages
/// would keep everybody else out, and a server is not ill because it has much to do.
pub async fn calls(State(free): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    if request.extensions().get::<Caller>().is_none() {
        return next.run(request).await;
    }
    let Ok(_permit) = free.try_acquire() else {
        metrics::limit_exceeded("calls");
        return status::overloaded().into_http::<Body>();
    };
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::middleware::from_fn_with_state;
    use service_kit::auth::Role;
    use tonic::{Code, Status};
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_call_too_many_is_told_to_come_back() {
        let free = Arc::new(Semaphore::new(1));
        let router = Router::new()
            .fallback(|| async { Status::new(Code::Ok, "").into_http::<Body>() })
            .layer(from_fn_with_state(free.clone(), calls));
        let call = || {
            let mut request = Request::new(Body::empty());
            request.extensions_mut().insert(Caller { name: "bot".to_owned(), role: Role::Gateway });
            router.clone().oneshot(request)
        };
        let code = |response: Response| Status::from_header_map(response.headers()).unwrap().code();

        let busy = free.acquire().await.unwrap();
        assert_eq!(code(call().await.unwrap()), Code::Unavailable);
        let health = router.clone().oneshot(Request::new(Body::empty()));
        assert_eq!(code(health.await.unwrap()), Code::Ok, "whoever asks how we are is told");
        drop(busy);
        assert_eq!(code(call().await.unwrap()), Code::Ok);
    }
}
