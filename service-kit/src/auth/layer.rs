//! The tower layer that stands before a gRPC server's services.

use std::{
    future::{Ready, ready},
    task::{Context, Poll},
};

use futures::future::Either;
use http::{HeaderMap, Request, Response, header::AUTHORIZATION};
use tonic::{Code, body::Body};
use tower::{Layer, Service};

use super::{Callers, Role};
use crate::grpc::Refusal;

/// Services that everyone may call: what a load balancer and `grpcurl` ask.
const OPEN: [&str; 3] = [
    "/grpc.health.v1.Health/",
    "/grpc.reflection.v1.ServerReflection/",
    "/grpc.reflection.v1alpha.ServerReflection/",
];

/// A service's rule: may this role call the RPC of this path (`/billing.v1.BillingService/Charge`)?
pub type Rule = fn(Role, &str) -> bool;

/// Lets only known callers pass, and only to what their role may call. Answers UNAUTHENTICATED or FORBIDDEN in the service's
/// domain otherwise.
#[derive(Debug, Clone)]
pub struct AuthLayer {
    callers: Callers,
    allowed: Rule,
    domain: &'static str,
}

impl AuthLayer {
    /// `domain` is the service's in ErrorInfo, for example `billing.kopilka`.
    pub fn new(callers: Callers, allowed: Rule, domain: &'static str) -> Self {
        Self { callers, allowed, domain }
    }

    /// Leaves the caller in the extensions, or refuses.
    fn admit<B>(&self, request: &mut Request<B>) -> Result<(), Refusal> {
        let path = request.uri().path();
        if OPEN.iter().any(|open| path.starts_with(open)) {
            return Ok(());
        }
        let Some(caller) = self.callers.find(bearer_token(request.headers())) else {
            let message =
                "the call needs the header `authorization: Bearer <token>` with a known token";
            tracing::debug!(path, "refused: unknown caller");
            return Err(self.refusal(Code::Unauthenticated, "UNAUTHENTICATED", message.to_owned()));
        };
        if !(self.allowed)(caller.role, path) {
            tracing::info!(path, caller = caller.name, role = ?caller.role, "refused: not allowed");
            let message = format!("the role of {:?} may not call {path}", caller.name);
            return Err(self.refusal(Code::PermissionDenied, "FORBIDDEN", message));
        }
        tracing::Span::current().record("caller", caller.name.as_str());
        request.extensions_mut().insert(caller);
        Ok(())
    }

    fn refusal(&self, code: Code, reason: &'static str, message: String) -> Refusal {
        Refusal::new(code, self.domain, reason, message)
    }
}

fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl<S> Layer<S> for AuthLayer {
    type Service = AuthService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AuthService { inner, layer: self.clone() }
    }
}

/// What [`AuthLayer`] makes of a service.
#[derive(Debug, Clone)]
pub struct AuthService<S> {
    inner: S,
    layer: AuthLayer,
}

impl<S, B> Service<Request<B>> for AuthService<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<Ready<Result<Response<Body>, S::Error>>, S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        match self.layer.admit(&mut request) {
            Ok(()) => Either::Right(self.inner.call(request)),
            Err(refusal) => Either::Left(ready(Ok(refusal.into_status().into_http()))),
        }
    }
}
