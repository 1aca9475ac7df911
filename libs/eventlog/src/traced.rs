//! The span of an append.

use schemas::TraceParent;
use tracing::Span;
use tracing::field::Empty;

use crate::error::AppendError;
use crate::write::{Appended, LaneWrite};

/// A span within the current one, when what is written belongs to a sampled trace; none otherwise, which is nearly
/// always, and then it costs a look at the events.
pub(crate) fn append(writes: &[LaneWrite]) -> Span {
    let sampled =
        |write: &&LaneWrite| write.event.traceparent.as_ref().is_some_and(TraceParent::is_sampled);
    let Some(LaneWrite { event, .. }) = writes.iter().find(sampled) else { return Span::none() };
    tracing::info_span!(
        "append",
        otel.kind = "producer",
        otel.status_code = Empty,
        event.id = %event.id,
        event.kind = event.data.type_name(),
        event.subject = %event.data.subject(),
        event.seq = Empty,
        events = writes.len(),
    )
}

/// Notes where it was written.
pub(crate) fn appended(span: &Span, outcome: Option<&Result<Appended, AppendError>>) {
    match outcome {
        Some(Ok(appended)) => {
            span.record("event.seq", appended.position.sequence);
        }
        // A conflict is decided anew, and refused or written then.
        Some(Err(AppendError::Conflict | AppendError::AlreadyCommitted)) | None => {}
        Some(Err(_)) => {
            span.record("otel.status_code", "error");
        }
    }
}
