//! Lines, spans and the places between them.

use std::sync::{Arc, MutexGuard};

use opentelemetry::trace::SpanKind;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Sampler, SpanData, SpanExporter},
};
use serde_json::Value;
use tracing::subscriber::DefaultGuard;

use super::*;

/// Stands in for the collector.
#[derive(Debug, Clone, Default)]
pub(crate) struct Taken(Arc<Mutex<Vec<SpanData>>>);

impl Taken {
    pub(crate) fn spans(&self) -> MutexGuard<'_, Vec<SpanData>> {
        self.0.lock().unwrap()
    }

    pub(crate) fn named(&self, name: &str) -> SpanData {
        let spans = self.spans();
        spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{spans:#?}")).clone()
    }
}

impl SpanExporter for Taken {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.spans().extend(batch);
        Ok(())
    }
}

#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// What `init` sets up, for this thread.
pub(crate) struct Bench {
    pub(crate) taken: Taken,
    pub(crate) lines: Lines,
    _provider: SdkTracerProvider,
    _guard: DefaultGuard,
}

/// Spans of `service_kit` are ours: those that this file makes.
pub(crate) fn bench(format: LogFormat, filter: &str) -> Bench {
    let (taken, lines) = (Taken::default(), Lines::default());
    let provider = SdkTracerProvider::builder()
        .with_sampler(export::OfWork(Box::new(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))))
        .with_simple_exporter(taken.clone())
        .build();
    let program = Program { name: "some-svc", version: "0" };
    let registry = tracing_subscriber::registry().with(spans(&provider, program));
    let filter = EnvFilter::new(filter);
    let guard = match format {
        LogFormat::Text => tracing::subscriber::set_default(
            registry.with(text(lines.clone(), false).with_filter(filter)),
        ),
        LogFormat::Json => {
            tracing::subscriber::set_default(registry.with(json(lines.clone()).with_filter(filter)))
        }
    };
    Bench { taken, lines, _provider: provider, _guard: guard }
}

#[test]
fn a_line_in_json_names_its_trace_and_span() {
    let bench = bench(LogFormat::Json, "info");
    tracing::info!("outside");
    tracing::info_span!("outer", rpc = "Charge").in_scope(|| {
        tracing::info_span!("inner").in_scope(|| tracing::warn!(answer = 42, "inside"));
        tracing::info!("again");
    });
    let lines = bench.lines.json();
    let (outer, inner) = (bench.taken.named("outer"), bench.taken.named("inner"));
    let trace_id = outer.span_context.trace_id().to_string();
    assert_eq!(inner.span_context.trace_id().to_string(), trace_id);
    assert_eq!(inner.parent_span_id, outer.span_context.span_id());
    assert_eq!(lines[0].get("trace_id"), None);
    for (line, span) in [(&lines[1], inner), (&lines[2], outer)] {
        assert_eq!(line["trace_id"], trace_id.as_str());
        assert_eq!(line["span_id"], span.span_context.span_id().to_string().as_str());
    }
    assert_eq!(lines[1]["message"], "inside");
    assert_eq!(lines[1]["answer"], 42);
    assert_eq!(lines[1]["level"], "WARN");
    assert_eq!(lines[1]["spans"][0]["rpc"], "Charge");
}

#[test]
fn a_line_of_text_ends_with_its_trace_and_hides_how_spans_are_shown() {
    let bench = bench(LogFormat::Text, "info");
    tracing::info!("outside");
    let span = tracing::info_span!(
        "call",
        otel.name = "billing.v1.BillingService/Charge",
        otel.kind = "server",
        rpc = "Charge",
        caller = tracing::field::Empty
    );
    span.in_scope(|| {
        span.record("caller", "gateway");
        tracing::info!(answer = 42, "inside");
    });
    drop(span);
    let text = bench.lines.text();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].ends_with("outside"), "{text}");
    let sent = bench.taken.named("billing.v1.BillingService/Charge");
    assert_eq!(sent.span_kind, SpanKind::Server);
    let trace_id = sent.span_context.trace_id();
    let end = format!(
        "call{{rpc=\"Charge\" caller=\"gateway\"}}: service_kit::telemetry::tests: inside answer=42 trace_id={trace_id}"
    );
    assert!(lines[1].ends_with(&end), "{text}");
    assert!(sent.events.is_empty(), "lines stay in the log");
}

#[test]
fn a_trace_is_whole_whatever_is_logged() {
    let bench = bench(LogFormat::Json, "error");
    tracing::info_span!("quiet").in_scope(|| {
        tracing::info!("not written");
        tracing::error!("written");
    });
    let trace_id = bench.taken.named("quiet").span_context.trace_id().to_string();
    let lines = bench.lines.json();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["trace_id"], trace_id.as_str());
}

#[test]
fn what_libraries_do_is_no_part_of_a_trace() {
    let bench = bench(LogFormat::Json, "trace");
    tracing::info_span!("ours").in_scope(|| {
        tracing::info_span!(target: "h2::client", "theirs").in_scope(|| {
            tracing::info_span!(target: "some_svc::run", "the program's").in_scope(|| ());
        });
        tracing::debug_span!("too fine").in_scope(|| ());
    });
    let names: Vec<_> = bench.taken.spans().iter().map(|span| span.name.to_string()).collect();
    assert_eq!(names, ["the program's", "ours"]);
    let ours = bench.taken.named("ours").span_context;
    assert_eq!(bench.taken.named("the program's").parent_span_id, ours.span_id());
}

#[test]
fn a_look_at_how_things_are_is_no_trace_and_its_lines_have_an_id() {
    let bench = bench(LogFormat::Json, "info");
    let asked = tracing::info_span!("asks", otel.kind = "client").in_scope(|| {
        tracing::info!("line");
        trace_context().unwrap()
    });
    assert!(asked.ends_with("-00"), "whoever is asked leaves it out as well: {asked}");
    assert_eq!(bench.lines.json()[0]["trace_id"], &asked[3..35]);
    tracing::info_span!("works").in_scope(|| {
        tracing::info_span!("asks in the course of it", otel.kind = "client").in_scope(|| ());
    });
    let names: Vec<_> = bench.taken.spans().iter().map(|span| span.name.to_string()).collect();
    assert_eq!(names, ["asks in the course of it", "works"]);
}

#[test]
fn work_that_was_stored_goes_on_in_its_trace() {
    let bench = bench(LogFormat::Json, "info");
    assert_eq!(trace_context(), None, "outside of a trace there is none");
    let stored = tracing::info_span!("stores").in_scope(trace_context).unwrap();
    let later = tracing::info_span!("works");
    adopt(&later, Some(&stored));
    // Not one that it happens to be run in.
    tracing::info_span!("elsewhere").in_scope(|| later.in_scope(|| tracing::info!("line")));
    drop(later);
    let (stores, works) = (bench.taken.named("stores"), bench.taken.named("works"));
    assert_eq!(works.span_context.trace_id(), stores.span_context.trace_id());
    assert_eq!(works.parent_span_id, stores.span_context.span_id());
    assert_eq!(stored, format!("00-{}-{}-01", works.span_context.trace_id(), works.parent_span_id));
    let trace_id = stores.span_context.trace_id().to_string();
    assert_eq!(bench.lines.json()[0]["trace_id"], trace_id.as_str());
}

#[test]
fn what_another_vendor_put_in_is_handed_on_and_bounded() {
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let bench = bench(LogFormat::Json, "info");
    for (state, handed_on) in
        [("a=1,b=2".to_owned(), true), (format!("a={}", "1".repeat(600)), false)]
    {
        let span = tracing::info_span!("works");
        adopt(&span, Some(&format!("{trace} {state}")));
        let stored = span.in_scope(trace_context).unwrap();
        assert_eq!(&stored[3..35], &trace[3..35]);
        assert_eq!(stored.ends_with(&state), handed_on, "{stored}");
    }
    drop(bench);
}

#[test]
fn a_stored_context_that_makes_no_sense_begins_a_new_trace() {
    let bench = bench(LogFormat::Json, "info");
    let nonsense = [
        "",
        " ",
        "x",
        "00",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-ж-ж-ж",
        "\u{0}\u{0}",
    ];
    for stored in nonsense.map(Some).into_iter().chain([None]) {
        let span = tracing::info_span!("works");
        adopt(&span, stored);
        span.in_scope(|| ());
        drop(span);
        let works = bench.taken.spans().pop().unwrap();
        assert!(works.span_context.is_valid(), "{stored:?}");
        assert_eq!(works.parent_span_id, opentelemetry::trace::SpanId::INVALID, "{stored:?}");
    }
}

#[test]
fn without_a_subscriber_nothing_happens() {
    let span = tracing::info_span!("nobody looks");
    adopt(&span, Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
    assert_eq!(span.in_scope(trace_context), None);
}
