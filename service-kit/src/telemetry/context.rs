//! The place in a trace, as W3C writes it: carried to other processes and kept with work for later.

use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator},
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
/// What W3C wants to be handed on at least; a longer one is left out.
const MAX_TRACESTATE: usize = 512;

/// Where in a trace we are, to be stored with work that is done later: `traceparent`, and after a space `tracestate` where
/// there is one. None outside of a trace.
pub fn trace_context() -> Option<String> {
    let mut written = Written::default();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut written);
    let mut stored = written.traceparent?;
    if let Some(state) = written.tracestate {
        stored.push(' ');
        stored.push_str(&state);
    }
    Some(stored)
}

/// Puts `span`, which was not entered yet, into the trace where that work was stored. What is absent or malformed leaves the
/// span what it is.
pub fn adopt(span: &Span, stored: Option<&str>) {
    let Some(stored) = stored else { return };
    let (traceparent, tracestate) = match stored.split_once(' ') {
        Some((parent, state)) => (parent, Some(state)),
        None => (stored, None),
    };
    adopt_from(span, &Read { traceparent: Some(traceparent), tracestate });
}

/// The same, from the headers of a request.
pub(crate) fn adopt_headers(span: &Span, headers: &http::HeaderMap) {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    adopt_from(span, &Read { traceparent: text(TRACEPARENT), tracestate: text(TRACESTATE) });
}

fn adopt_from(span: &Span, carrier: &Read<'_>) {
    if carrier.traceparent.is_none() {
        return;
    }
    let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), carrier);
    if opentelemetry::trace::TraceContextExt::has_active_span(&parent)
        && let Err(error) = span.set_parent(parent)
    {
        // Where nobody collects traces, as in most tests.
        tracing::trace!(%error, "no trace to go on with");
    }
}

#[derive(Default)]
struct Written {
    traceparent: Option<String>,
    tracestate: Option<String>,
}

impl Injector for Written {
    fn set(&mut self, key: &str, value: String) {
        match key {
            TRACEPARENT => self.traceparent = Some(value),
            TRACESTATE if !value.is_empty() => self.tracestate = Some(value),
            _ => {}
        }
    }
}

struct Read<'a> {
    traceparent: Option<&'a str>,
    tracestate: Option<&'a str>,
}

impl Extractor for Read<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            TRACEPARENT => self.traceparent,
            TRACESTATE => self.tracestate.filter(|state| state.len() <= MAX_TRACESTATE),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT, TRACESTATE]
    }
}
