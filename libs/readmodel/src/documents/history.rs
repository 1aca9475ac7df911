//! What messages said before they were edited.

use async_trait::async_trait;
use schemas::ids::MessageId;
use schemas::position::Sequence;
use schemas::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::answers::Answer;

/// Most former texts of a message that are kept.
pub const MAX_TEXTS: usize = 100;
/// Most bytes they have together.
pub const MAX_TEXT_BYTES: usize = 128 * 1024;

/// The former texts of a message. Gone with the message: no store keeps the document of one that has none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryDoc {
    /// The message.
    pub message_id: MessageId,
    /// The texts, oldest first; the present one is not among them.
    pub texts: Vec<FormerText>,
    /// How many older ones were not kept.
    #[serde(default)]
    pub dropped: u64,
    /// The last event that changed anything here.
    pub updated: Sequence,
}

/// A text a message once had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerText {
    /// The text.
    pub body: String,
    /// When it came to be: when the message was posted, or edited so.
    pub since: Timestamp,
}

impl HistoryDoc {
    /// Adds the newest of the former texts; the oldest go where they are too many or too long.
    pub fn push(&mut self, text: FormerText) {
        self.texts.push(text);
        let mut bytes: usize = self.texts.iter().map(|text| text.body.len()).sum();
        let mut beyond = 0;
        for text in &self.texts {
            if self.texts.len() - beyond <= MAX_TEXTS && bytes <= MAX_TEXT_BYTES {
                break;
            }
            bytes -= text.body.len();
            beyond += 1;
        }
        self.texts.drain(..beyond);
        self.dropped += u64::try_from(beyond).unwrap_or(u64::MAX);
    }
}

/// What can be asked about former texts.
#[async_trait]
pub trait HistoryReads: Send + Sync {
    /// The former texts of a message; none when it was never edited.
    async fn history(&self, message: &MessageId) -> Answer<Option<HistoryDoc>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: &[usize]) -> HistoryDoc {
        let message_id = MessageId::from_uuid(uuid::Uuid::from_u128(1));
        let mut history = HistoryDoc { message_id, texts: Vec::new(), dropped: 0, updated: 1 };
        for bytes in texts {
            let text = FormerText { body: "x".repeat(*bytes), since: Timestamp::default() };
            history.push(text);
        }
        history
    }

    #[test]
    fn the_newest_texts_are_kept() {
        let many = of(&vec![1; MAX_TEXTS + 7]);
        assert_eq!((many.texts.len(), many.dropped), (MAX_TEXTS, 7));
        let long = of(&[MAX_TEXT_BYTES / 2, MAX_TEXT_BYTES / 2, 1]);
        assert_eq!((long.texts.len(), long.dropped), (2, 1));
    }
}
