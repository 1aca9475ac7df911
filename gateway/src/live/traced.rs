//! The span of what one gateway does with an event.

use schemas::{Event, EventData, Sequence, TraceParent};
use tracing::field::Empty;
use tracing::{Level, Span};

/// A span that links to the trace which the event is of: sockets hear of it after its request was answered, on other
/// gateways too. Of an event that is not sampled it is there for the log lines only, when those are wanted.
pub(super) fn delivery(event: &Event, sequence: Sequence) -> Option<Span> {
    let trace = event.traceparent.as_ref();
    if !trace.is_some_and(TraceParent::is_sampled) && !tracing::enabled!(Level::DEBUG) {
        return None;
    }
    let span = tracing::info_span!(
        "deliver",
        otel.kind = "consumer",
        trace.origin = Empty,
        event.id = %event.id,
        event.kind = event.data.type_name(),
        event.seq = sequence,
        sockets = Empty,
    );
    Some(telemetry::follow(span, trace))
}

/// Notes how many sockets were given it; the span ends with that.
pub(super) fn delivered(span: Option<Span>, event: &Event, sockets: usize) {
    let Some(span) = span else { return };
    // A collector takes numbers with a sign only.
    span.record("sockets", i64::try_from(sockets).unwrap_or(i64::MAX));
    if sockets > 0 {
        let kind = EventData::type_name(&event.data);
        span.in_scope(|| tracing::debug!(event.kind = kind, sockets, "delivered"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::fixture::posted;

    #[test]
    fn only_what_is_sampled_has_a_span() {
        let event = |flags: Option<&str>| {
            let text =
                |flags| format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}");
            let traceparent = flags.map(|flags| TraceParent::parse(&text(flags)).unwrap());
            Event { traceparent, ..posted(1, 2, 3) }
        };
        assert!(delivery(&event(Some("01")), 7).is_some());
        assert!(delivery(&event(Some("00")), 7).is_none());
        assert!(delivery(&event(None), 7).is_none());
    }
}
