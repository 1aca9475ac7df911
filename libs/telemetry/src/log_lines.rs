//! Log lines on stderr. Each holds the event's own fields and those of the spans around it, so that it can be read
//! alone; how it is written is the business of `log_format`.

use std::fmt;
use std::io::Write;
use std::sync::OnceLock;

use opentelemetry::trace::TraceContextExt;
use serde_json::{Map, Value};
use tracing::dispatcher::WeakDispatch;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Subscriber};
use tracing_opentelemetry::get_otel_context;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::log_format::{Line, Style};

/// Writes every event it is given to stderr.
pub(crate) struct LogLines {
    service: String,
    style: Style,
    /// Needed to ask the tracing layer for ids; known only once everything is installed.
    dispatch: OnceLock<WeakDispatch>,
}

/// A span's fields, kept until its events need them.
struct SpanFields(Map<String, Value>);

impl LogLines {
    pub(crate) fn new(service: &str, style: Style) -> Self {
        Self { service: service.to_owned(), style, dispatch: OnceLock::new() }
    }

    fn trace_ids(&self, span: &Id) -> Option<(String, String)> {
        let dispatch = self.dispatch.get()?.upgrade()?;
        let context = get_otel_context(span, &dispatch)?;
        let span = context.span();
        let ids = span.span_context();
        ids.is_valid().then(|| (ids.trace_id().to_string(), ids.span_id().to_string()))
    }

    /// The event's own fields, those of the spans around it, and the ids of its trace.
    fn fields<S>(&self, event: &Event<'_>, ctx: &Context<'_, S>) -> Map<String, Value>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let mut fields = Map::new();
        if let Some(scope) = ctx.event_scope(event) {
            for span in scope.from_root() {
                if let Some(of_span) = span.extensions().get::<SpanFields>() {
                    fields.extend(of_span.0.clone());
                }
            }
        }
        event.record(&mut Fields(&mut fields));
        let ids = ctx.event_span(event).and_then(|span| self.trace_ids(&span.id()));
        let origin = fields.remove("trace.origin");
        if let Some((trace, span)) = ids {
            // What happens later is found by the trace it came of, as `Tidings-Trace` and problems name it.
            fields.insert("trace.id".into(), origin.unwrap_or_else(|| trace.into()));
            fields.insert("span.id".into(), span.into());
        }
        fields
    }
}

impl<S> Layer<S> for LogLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        // Only the first one counts: a process has one subscriber.
        let _ = self.dispatch.set(dispatch.downgrade());
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        if let Some(span) = ctx.span(id) {
            let mut fields = Map::new();
            attributes.record(&mut Fields(&mut fields));
            span.extensions_mut().insert(SpanFields(fields));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        if let Some(span) = ctx.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<SpanFields>()
        {
            values.record(&mut Fields(&mut fields.0));
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let mut fields = self.fields(event, &ctx);
        let metadata = event.metadata();
        let line = Line {
            time: schemas::Timestamp::now(),
            level: *metadata.level(),
            service: &self.service,
            target: metadata.target(),
            message: fields.remove("message"),
            fields,
        };
        let Some(mut text) = line.written(self.style) else { return };
        text.push('\n');
        // When stderr is closed there is nowhere to report it.
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }
}

/// Collects fields as JSON values.
struct Fields<'a>(&'a mut Map<String, Value>);

impl Fields<'_> {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        // Told to the exporter: what kind of span it is, and how it went.
        if field.name().starts_with("otel.") {
            return;
        }
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }
    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field, crate::errors::error_chain(value));
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}
