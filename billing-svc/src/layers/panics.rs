//! A panic is one call's INTERNAL and no more: without this it would take all calls of the connection along.

use std::any::Any;
use std::future::{Ready, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::{CatchUnwind, Either, Map};
use http::{Request, Response};
use tower::{Layer, Service};

use crate::grpc::status;

/// The panic's text is in the log (the panic hook wrote it), and never in the answer.
#[derive(Debug, Clone, Copy)]
pub struct CatchPanics;

impl<S> Layer<S> for CatchPanics {
    type Service = Caught<S>;

    fn layer(&self, inner: S) -> Caught<S> {
        Caught { inner }
    }
}

/// What [`CatchPanics`] makes of a service.
#[derive(Debug, Clone)]
pub struct Caught<S> {
    inner: S,
}

type Panicked = Box<dyn Any + Send>;
type Answer<T> = fn(Result<T, Panicked>) -> T;

impl<S, B, R> Service<Request<B>> for Caught<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Default,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Either<
        Ready<Result<Response<R>, S::Error>>,
        Map<CatchUnwind<AssertUnwindSafe<S::Future>>, Answer<Result<Response<R>, S::Error>>>,
    >;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // Nothing that an RPC shares with others is changed in place by it: the committer's tasks do all writing.
        match catch_unwind(AssertUnwindSafe(|| self.inner.call(request))) {
            Ok(answer) => Either::Right(AssertUnwindSafe(answer).catch_unwind().map(answered)),
            Err(panicked) => Either::Left(ready(answered(Err(panicked)))),
        }
    }
}

fn answered<R: Default, E>(
    answer: Result<Result<Response<R>, E>, Panicked>,
) -> Result<Response<R>, E> {
    answer.unwrap_or_else(|_| Ok(status::panicked().into_http()))
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::response::Response;
    use tonic::{Code, Status};
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_panic_answers_internal_and_tells_nothing() {
        async fn handler() -> Response {
            panic!("secret")
        }
        let router = Router::new().fallback(handler).layer(CatchPanics);
        let response = router.oneshot(Request::new(Body::empty())).await.unwrap();
        let status = Status::from_header_map(response.headers()).unwrap();
        assert_eq!(status.code(), Code::Internal);
        assert!(!status.message().contains("secret"));
    }
}
