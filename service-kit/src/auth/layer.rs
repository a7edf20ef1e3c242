//! The tower layer that stands before a gRPC server's services.

use std::{
    future::{Ready, ready},
    task::{Context, Poll},
};

use futures::future::Either;
use http::{HeaderMap, Request, Response, header::AUTHORIZATION};
use tonic::{Code, body::Body};
use tower::{Layer, Service};

use super::{Callers, Role, callers::Token};
use crate::{grpc::Refusal, tls::Peer};

/// Services that everyone may call: what a load balancer and `grpcurl` ask.
const OPEN: [&str; 3] = [
    "/grpc.health.v1.Health/",
    "/grpc.reflection.v1.ServerReflection/",
    "/grpc.reflection.v1alpha.ServerReflection/",
];

/// The same for all strangers: what exactly is wrong stands in the log, and helps nobody who found half of what is needed.
const WHO_ARE_YOU: &str = "the call needs the header `authorization: Bearer <token>` with a known token, the client \
     certificate of a known caller, or both, as the server's auth file lists this caller";

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
        let peer = request.extensions().get::<Peer>();
        let names = peer.map_or(&[][..], |peer| &peer.names);
        let caller = self.callers.find(bearer_token(request.headers()), names).map_err(|why| {
            tracing::info!(rpc = shown(path), ?names, %why, "refused: unknown caller");
            self.refusal(Code::Unauthenticated, "UNAUTHENTICATED", WHO_ARE_YOU.to_owned())
        })?;
        if !(self.allowed)(caller.role, path) {
            let rpc = shown(path);
            tracing::info!(rpc, caller = caller.name, role = ?caller.role, "refused: not allowed");
            let message = format!("the role of {:?} may not call {rpc}", caller.name);
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

/// As much of a path as an RPC's can be long: strangers don't get to fill the log.
fn shown(path: &str) -> &str {
    const LONGEST: usize = 128;
    path.char_indices().nth(LONGEST).map_or(path, |(end, _)| &path[..end])
}

fn bearer_token(headers: &HeaderMap) -> Token<'_> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (Some(header), None) = (all.next(), all.next()) else {
        return if headers.contains_key(AUTHORIZATION) { Token::Unreadable } else { Token::Absent };
    };
    let parts = header.to_str().ok().and_then(|text| text.split_once(' '));
    match parts {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Token::Sent(token.trim()),
        Some(_) | None => Token::Unreadable,
    }
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
