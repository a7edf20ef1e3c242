//! Log lines that say which trace they belong to.

use std::fmt;

use opentelemetry::{
    Context,
    trace::{SpanContext, TraceContextExt},
};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    field::{RecordFields, VisitOutput},
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{DefaultVisitor, Format, Full, Json, Writer},
    },
    registry::LookupSpan,
};

/// Text: the trace's id ends the line.
pub(super) struct TextLines(pub(super) Format<Full>);

/// JSON: `trace_id` and `span_id` beside the line's other members.
pub(super) struct JsonLines(pub(super) Format<Json>);

impl<S, N> FormatEvent<S, N> for TextLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Some(span) = current() else { return self.0.format_event(context, writer, event) };
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        writeln!(writer, "{} trace_id={}", line.trim_end_matches('\n'), span.trace_id())
    }
}

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Some(span) = current() else { return self.0.format_event(context, writer, event) };
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        let Some(members) = line.strip_prefix('{') else { return writer.write_str(&line) };
        let (trace_id, span_id) = (span.trace_id(), span.span_id());
        write!(writer, r#"{{"trace_id":"{trace_id}","span_id":"{span_id}",{members}"#)
    }
}

/// The span that is entered, where it belongs to a trace.
fn current() -> Option<SpanContext> {
    let span = Context::map_current(|context| context.span().span_context().clone());
    span.is_valid().then_some(span)
}

/// A span's fields, but for those that only say how a trace shows it.
pub(super) struct PlainFields;

impl<'writer> FormatFields<'writer> for PlainFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut shown = Shown(DefaultVisitor::new(writer, true));
        fields.record(&mut shown);
        shown.0.finish()
    }
}

struct Shown<'a>(DefaultVisitor<'a>);

impl Shown<'_> {
    fn shows(field: &Field) -> bool {
        !field.name().starts_with("otel.")
    }
}

impl Visit for Shown<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if Self::shows(field) {
            self.0.record_str(field, value);
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        if Self::shows(field) {
            self.0.record_error(field, value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if Self::shows(field) {
            self.0.record_debug(field, value);
        }
    }
}
