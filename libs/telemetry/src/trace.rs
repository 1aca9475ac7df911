//! One trace through every process: W3C `traceparent` in and out of tracing spans.

use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use schemas::TraceParent;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Makes a span part of the trace a caller began and returns it, so that it can be wrapped round
/// the macro: `let span = continue_trace(info_span!("append"), event.traceparent.as_ref());`.
/// Must be done before the span is entered. Without a parent the span stays where it is.
#[must_use]
pub fn continue_trace(span: Span, parent: Option<&TraceParent>) -> Span {
    if let Some(parent) = parent.and_then(span_context) {
        let context = opentelemetry::Context::new().with_remote_span_context(parent);
        // It fails when no subscriber is installed or the span is filtered out: nothing to link then.
        let _ = span.set_parent(context);
    }
    span
}

/// The current span as a `traceparent` to hand on; none outside of every span.
#[must_use]
pub fn current_traceparent() -> Option<TraceParent> {
    traceparent_of(&Span::current())
}

/// A span as a `traceparent` to hand on; none when it is filtered out or no subscriber is there.
#[must_use]
pub fn traceparent_of(span: &Span) -> Option<TraceParent> {
    let context = span.context();
    let span = context.span();
    let ids = span.span_context();
    if !ids.is_valid() {
        return None;
    }
    written(ids.trace_id(), ids.span_id(), ids.trace_flags())
}

/// The current span's `traceparent`, or one with fresh ids: a request always has a trace id that its
/// answer can name.
#[must_use]
pub fn current_or_new_traceparent() -> TraceParent {
    current_traceparent().unwrap_or_else(new_traceparent)
}

/// A `traceparent` with fresh ids, not sampled.
#[must_use]
pub fn new_traceparent() -> TraceParent {
    loop {
        let trace = TraceId::from(rand::random::<u128>());
        let span = SpanId::from(rand::random::<u64>());
        // All zeros is no id; it is drawn once in an age of the universe, and then we draw again.
        if let Some(parent) = written(trace, span, TraceFlags::default()) {
            return parent;
        }
    }
}

fn written(trace: TraceId, span: SpanId, flags: TraceFlags) -> Option<TraceParent> {
    TraceParent::parse(&format!("00-{trace}-{span}-{:02x}", flags.to_u8())).ok()
}

fn span_context(parent: &TraceParent) -> Option<SpanContext> {
    let mut parts = parent.as_str().split('-').skip(1);
    let trace = TraceId::from_hex(parts.next()?).ok()?;
    let span = SpanId::from_hex(parts.next()?).ok()?;
    let flags = u8::from_str_radix(parts.next()?, 16).ok()?;
    Some(SpanContext::new(trace, span, TraceFlags::new(flags), true, TraceState::default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::TracerProvider;
    use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
    use tracing_subscriber::layer::SubscriberExt;

    fn in_a_subscriber(test: impl FnOnce()) {
        let provider = SdkTracerProvider::builder().with_sampler(Sampler::AlwaysOff).build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), test);
    }

    #[test]
    fn a_span_continues_the_trace_it_was_given_and_hands_it_on() {
        in_a_subscriber(|| {
            let parent = new_traceparent();
            let span = continue_trace(tracing::info_span!("child"), Some(&parent));
            let handed_on = span.in_scope(current_traceparent).unwrap();
            assert_eq!(handed_on.trace_id(), parent.trace_id());
            assert_ne!(handed_on, parent);
        });
    }

    #[test]
    fn a_root_span_has_a_trace_id_without_any_exporter() {
        in_a_subscriber(|| {
            let span = tracing::info_span!("root");
            assert!(traceparent_of(&span).is_some());
        });
        assert_eq!(current_traceparent(), None);
        assert_ne!(current_or_new_traceparent(), current_or_new_traceparent());
    }
}
