//! One trace through every process: W3C `traceparent` in and out of tracing spans.

use opentelemetry::Context;
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
        let context = Context::new().with_remote_span_context(parent);
        // It fails when no subscriber is installed or the span is filtered out: nothing to link then.
        let _ = span.set_parent(context);
    }
    span
}

/// Most spans that one span links to: a transaction of the projector has thousands of events.
pub const MAX_LINKS: usize = 32;

/// Makes a span one of its own trace that links to what has led to it, because it happens later, elsewhere, or for
/// many at once: a projection, a delivery to sockets, a mail. Returns it as [`continue_trace`] does, and must be done
/// before the span is entered, too. Linked are the sampled causes, at most [`MAX_LINKS`]; when all of them are of
/// one trace the span's field `trace.origin`, if it declares one, names that, and log lines within it have it as their
/// `trace.id`. When none is sampled the span is not either: it continues the trace of the first, for the log lines.
#[must_use]
pub fn follow<'a>(span: Span, causes: impl IntoIterator<Item = &'a TraceParent>) -> Span {
    let (mut first, mut linked) = (None, Vec::new());
    for cause in causes {
        first = first.or(Some(cause));
        // What one command wrote comes together.
        let fresh = cause.is_sampled() && linked.last().is_none_or(|last| *last != cause);
        if fresh && linked.len() < MAX_LINKS {
            linked.push(cause);
        }
    }
    let Some(origin) = linked.first() else {
        let Some(first) = first else { return without_trace(span) };
        return continue_trace(span, Some(first));
    };
    // It fails when no subscriber is installed or the span is filtered out: nothing to link then.
    let _ = span.set_parent(Context::new());
    for context in linked.iter().filter_map(|cause| span_context(cause)) {
        span.add_link(context);
    }
    if linked.iter().all(|cause| cause.trace_id() == origin.trace_id()) {
        span.record("trace.origin", origin.trace_id());
    }
    span
}

/// Makes a span one that no collector is told of although it has no parent that says so.
fn without_trace(span: Span) -> Span {
    let ids = (TraceId::from(rand::random::<u128>()), SpanId::from(rand::random::<u64>()));
    let parent = SpanContext::new(ids.0, ids.1, TraceFlags::default(), true, TraceState::default());
    let _ = span.set_parent(Context::new().with_remote_span_context(parent));
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
    use std::sync::{Arc, Mutex};

    use opentelemetry::trace::TracerProvider;
    use opentelemetry_sdk::error::OTelSdkResult;
    use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanData, SpanExporter};
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

    /// Keeps what would go to a collector.
    #[derive(Debug, Clone, Default)]
    struct Kept(Arc<Mutex<Vec<SpanData>>>);

    impl SpanExporter for Kept {
        async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
            self.0.lock().unwrap().extend(batch);
            Ok(())
        }
    }

    /// The spans that a process exports which begins no traces of its own.
    fn exported(test: impl FnOnce()) -> Vec<SpanData> {
        let kept = Kept::default();
        let provider = SdkTracerProvider::builder()
            .with_sampler(crate::sampler::sampler(0.0))
            .with_simple_exporter(kept.clone())
            .build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), test);
        let mut spans = kept.0.lock().unwrap();
        std::mem::take(&mut *spans)
    }

    fn cause(trace: u128, span: u64, flags: u8) -> TraceParent {
        let written = written(TraceId::from(trace), SpanId::from(span), TraceFlags::new(flags));
        written.expect("ids that are not zero")
    }

    fn projection() -> Span {
        tracing::info_span!("project", trace.origin = tracing::field::Empty)
    }

    fn origin(span: &SpanData) -> Option<String> {
        let found = span.attributes.iter().find(|one| one.key.as_str() == "trace.origin");
        found.map(|one| one.value.to_string())
    }

    #[test]
    fn what_comes_later_links_to_what_was_sampled_and_is_a_trace_of_its_own() {
        let all = [cause(1, 10, 1), cause(2, 20, 0), cause(3, 30, 1), cause(3, 30, 1)];
        let spans = exported(|| drop(follow(projection(), &all)));
        let [span] = spans.as_slice() else { panic!("one span, not {}", spans.len()) };
        let linked: Vec<_> = span.links.iter().map(|link| link.span_context.span_id()).collect();
        assert_eq!(linked, [SpanId::from(10), SpanId::from(30)]);
        assert_eq!(span.parent_span_id, SpanId::INVALID);
        let traces = [1_u128, 2, 3].map(TraceId::from);
        assert!(!traces.contains(&span.span_context.trace_id()));
        assert_eq!(origin(span), None);
    }

    #[test]
    fn causes_of_one_trace_are_named_and_links_are_bounded() {
        let all: Vec<_> = (1..=100).map(|span| cause(7, span, 1)).collect();
        let spans = exported(|| {
            let span = follow(projection(), &all);
            // A span within it goes where it goes.
            span.in_scope(|| drop(tracing::info_span!("mail")));
        });
        let [inner, outer] = spans.as_slice() else { panic!("two spans, not {}", spans.len()) };
        assert_eq!(outer.links.len(), MAX_LINKS);
        assert_eq!(origin(outer), Some(TraceId::from(7).to_string()));
        assert_eq!(inner.parent_span_id, outer.span_context.span_id());
    }

    #[test]
    fn what_came_of_nothing_sampled_is_not_exported() {
        let spans = exported(|| {
            drop(follow(projection(), &[cause(1, 10, 0), cause(2, 20, 0)]));
            drop(follow(projection(), None));
        });
        assert!(spans.is_empty());
        in_a_subscriber(|| {
            let span = follow(projection(), &[cause(1, 10, 0)]);
            let trace = traceparent_of(&span).map(|trace| trace.trace_id().to_owned());
            assert_eq!(trace, Some(TraceId::from(1).to_string()));
        });
    }
}
