//! How often one caller may call.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use service_kit::auth::Caller;

use crate::grpc::{Rate, status};

/// The limit's name in `ErrorInfo.metadata`.
const LIMIT: &str = "caller_rate";

/// A call too many is refused before its message is read. Health and reflection have no caller and are not counted: what
/// watches over us is never refused because of others.
pub async fn calls_of_one(
    State(rate): State<Rate<String>>,
    request: Request,
    next: Next,
) -> Response {
    if let Some(caller) = request.extensions().get::<Caller>()
        && let Err(wait) = rate.take(&caller.name)
    {
        tracing::debug!(caller = caller.name, ?wait, "refused: too many calls of this caller");
        return status::too_often(LIMIT, wait).into_http::<Body>();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use axum::Router;
    use axum::middleware::from_fn_with_state;
    use service_kit::auth::Role;
    use tonic::{Code, Status};
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_caller_who_calls_too_often_is_refused_and_who_is_none_is_not() {
        let rate = Rate::new(NonZeroU32::new(2));
        let router = Router::new()
            .fallback(|| async { Status::new(Code::Ok, "").into_http::<Body>() })
            .layer(from_fn_with_state(rate, calls_of_one));
        let call = async |name: Option<&str>| {
            let mut request = Request::new(Body::empty());
            if let Some(name) = name {
                let caller = Caller { name: name.to_owned(), role: Role::Gateway };
                request.extensions_mut().insert(caller);
            }
            let response = router.clone().oneshot(request).await.unwrap();
            Status::from_header_map(response.headers()).unwrap().code()
        };
        assert_eq!(call(Some("bot")).await, Code::Ok);
        assert_eq!(call(Some("bot")).await, Code::Ok);
        let mut refused = false;
        for _ in 0..1000 {
            refused |= call(Some("bot")).await == Code::ResourceExhausted;
            assert_eq!(call(None).await, Code::Ok);
        }
        assert!(refused);
        assert_eq!(call(Some("worker")).await, Code::Ok);
    }
}
