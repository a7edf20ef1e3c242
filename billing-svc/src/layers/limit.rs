//! How many calls may be under way at once.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use service_kit::auth::Caller;
use tokio::sync::Semaphore;
use tower::{Layer, Service};

use crate::grpc::status;
use crate::metrics;

/// A call too many is refused at once: it would only wait until its caller has given up. A stream counts until it begins to
/// answer.
///
/// Health and reflection have no caller and are not counted: a stranger who begins such calls and never ends their messages
/// would keep everybody else out, and a server is not ill because it has much to do.
#[derive(Debug, Clone)]
pub struct CallLimit(pub Arc<Semaphore>);

impl<S> Layer<S> for CallLimit {
    type Service = Limited<S>;

    fn layer(&self, inner: S) -> Limited<S> {
        Limited { inner, free: self.0.clone() }
    }
}

/// What [`CallLimit`] makes of a service.
#[derive(Debug, Clone)]
pub struct Limited<S> {
    inner: S,
    free: Arc<Semaphore>,
}

impl<S, B, R> Service<Request<B>> for Limited<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
    S::Error: Send,
    R: Default + Send,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if request.extensions().get::<Caller>().is_none() {
            return Box::pin(self.inner.call(request));
        }
        let Ok(permit) = self.free.clone().try_acquire_owned() else {
            metrics::limit_exceeded("calls");
            return Box::pin(async { Ok(status::overloaded().into_http()) });
        };
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await;
            drop(permit);
            answer
        })
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::response::Response;
    use service_kit::auth::Role;
    use tonic::{Code, Status};
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_call_too_many_is_told_to_come_back() {
        let free = Arc::new(Semaphore::new(1));
        let router = Router::new()
            .fallback(|| async { Status::new(Code::Ok, "").into_http::<Body>() })
            .layer(CallLimit(free.clone()));
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
