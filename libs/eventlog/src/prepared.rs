//! Writes on their way: as they go over the wire, while they wait for a group, and where they were written.

use async_nats::HeaderMap;
use async_nats::header::{
    NATS_BATCH_ID, NATS_BATCH_SEQUENCE, NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_MESSAGE_ID,
};
use bytes::Bytes;
use schemas::Sequence;
use tokio::sync::oneshot;

use crate::error::AppendError;

const EXPECTED_SUBJECT: &str = "Nats-Expected-Last-Subject-Sequence-Subject";

/// A write as it goes over the wire, except for what belongs to one try.
pub(crate) struct Prepared {
    pub(crate) subject: String,
    pub(crate) payload: Bytes,
    pub(crate) message_id: String,
    /// The id is the caller's: another call may have written under it.
    pub(crate) repeatable: bool,
    /// It was sent in a batch whose outcome is not known.
    pub(crate) doubtful: bool,
    /// The subject the expectation is about when it is not the write's own, and the sequence.
    pub(crate) expected: Option<(Option<String>, Sequence)>,
}

/// Where writes went: the last sequence, and whether a single was a duplicate.
pub(crate) struct Written {
    pub(crate) last: Sequence,
    pub(crate) duplicate: bool,
}

/// Where the outcomes of a queued run are waited for.
pub(crate) type Answer = oneshot::Sender<Vec<Result<Written, AppendError>>>;

/// A run of appends, most often of one, that waits for its turn.
pub(crate) struct Queued {
    pub(crate) run: Vec<Prepared>,
    pub(crate) answer: Answer,
}

impl Prepared {
    /// As a message that is written by itself: subject, headers, payload.
    pub(crate) fn message(&self) -> (String, HeaderMap, Bytes) {
        (self.subject.clone(), self.headers(), self.payload.clone())
    }

    /// Whether it may be in the log before it is sent: by another call with the same id, or in a batch.
    pub(crate) const fn may_be_stored(&self) -> bool {
        self.repeatable || self.doubtful
    }

    /// Whether it was sent in a batch whose outcome is not known.
    pub(crate) const fn is_doubtful(&self) -> bool {
        self.doubtful
    }

    /// A batch with it got no clear answer: a conflict from now on may be one with itself.
    pub(crate) const fn doubt(&mut self) {
        self.doubtful = true;
    }

    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(NATS_MESSAGE_ID, self.message_id.as_str());
        if let Some((subject, sequence)) = &self.expected {
            headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, sequence.to_string());
            if let Some(subject) = subject {
                headers.insert(EXPECTED_SUBJECT, subject.as_str());
            }
        }
        headers
    }

    pub(crate) fn batch_headers(&self, batch_id: &str, number: u64) -> HeaderMap {
        let mut headers = self.headers();
        headers.insert(NATS_BATCH_ID, batch_id);
        headers.insert(NATS_BATCH_SEQUENCE, number.to_string());
        headers
    }

    /// The id under which the server recognises a repeat.
    pub(crate) fn message_id(&self) -> &str {
        &self.message_id
    }

    /// Bytes of the event.
    pub(crate) fn size(&self) -> usize {
        self.payload.len()
    }

    /// The subject this write's expectation is about.
    pub(crate) fn expected_subject(&self) -> Option<&str> {
        self.expected.as_ref().map(|(subject, _)| subject.as_deref().unwrap_or(&self.subject))
    }
}

/// A count of events as a distance between sequences.
pub(crate) fn as_sequence(count: usize) -> Sequence {
    Sequence::try_from(count).unwrap_or(Sequence::MAX)
}
