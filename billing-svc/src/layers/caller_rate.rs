//! How often one caller may call.

use std::future::{Ready, ready};
use std::task::{Context, Poll};

use futures::future::Either;
use http::{Request, Response};
use service_kit::auth::Caller;
use tower::{Layer, Service};

use crate::grpc::{Rate, status};

/// The limit's name in `ErrorInfo.metadata`.
const LIMIT: &str = "caller_rate";

/// A call too many is refused before its message is read. Health and reflection have no caller and are not counted: what
/// watches over us is never refused because of others.
#[derive(Debug, Clone)]
pub struct CallerRate(pub Rate<String>);

impl<S> Layer<S> for CallerRate {
    type Service = Rated<S>;

    fn layer(&self, inner: S) -> Rated<S> {
        Rated { inner, rate: self.0.clone() }
    }
}

/// What [`CallerRate`] makes of a service.
#[derive(Debug, Clone)]
pub struct Rated<S> {
    inner: S,
    rate: Rate<String>,
}

impl<S, B, R> Service<Request<B>> for Rated<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Default,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Either<Ready<Result<Response<R>, S::Error>>, S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if let Some(caller) = request.extensions().get::<Caller>()
            && let Err(wait) = self.rate.take(&caller.name)
        {
            tracing::debug!(caller = caller.name, ?wait, "refused: too many calls of this caller");
            return Either::Left(ready(Ok(status::too_often(LIMIT, wait).into_http())));
        }
        Either::Right(self.inner.call(request))
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use axum::Router;
    use axum::body::Body;
    use service_kit::auth::Role;
    use tonic::{Code, Status};
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_caller_who_calls_too_often_is_refused_and_who_is_none_is_not() {
        let rate = Rate::new(NonZeroU32::new(2));
        let router = Router::new()
            .fallback(|| async { Status::new(Code::Ok, "").into_http::<Body>() })
            .layer(CallerRate(rate));
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
