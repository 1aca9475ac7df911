//! What stands in the place of erased events: the shapes that the log keeps of them, made into events again.
//!
//! Owns where they are looked up. A reader of the log that passes a hole asks here; what it is handed goes to the views
//! as if it had been read, so that a replay counts and numbers as the first projection did.

use std::collections::BTreeMap;
use std::sync::Arc;

use eventlog::{EventLog, LogError};
use schemas::event::Actor;
use schemas::events::{
    Blank, BlankEvent, BlankMessage, ErasureEvent, Gone, MediaBlank, MediaPurged, MediaRemoved,
    MediaRequested, MediaStored, MessageEdited, MessagePosted, MessageState, RetentionEvent,
    UserRegistered, UserState,
};
use schemas::media::MediaStatus;
use schemas::values::{Body, ClientId, Format};
use schemas::{Event, EventData, EventId, Sequence, Timestamp, UserId};

use crate::views::{Logged, Traces};

/// Lists kept at hand: a reader that goes on needs the same few again and again.
const KEPT: usize = 16;

/// What stands in the place of erased events.
#[derive(Debug, Default)]
pub(crate) struct Instead {
    /// Events of which the log keeps a shape, in order.
    pub(crate) events: Vec<Logged>,
    /// By what the audit trail finds the others, in order.
    pub(crate) traces: Vec<Traces>,
}

impl Instead {
    /// Whether there is nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.traces.is_empty()
    }
}

/// What an event lists of others that are gone.
#[derive(Debug)]
struct List {
    id: EventId,
    gone: Vec<Gone>,
    /// Each with the person whose event it was.
    blanks: Vec<(UserId, Blank)>,
    /// Those of files.
    media: Vec<MediaBlank>,
}

impl List {
    /// None of an event that lists nothing.
    fn of(event: Event) -> Option<Self> {
        let id = event.id;
        match event.data {
            EventData::Erasure(ErasureEvent::Listed(listed)) => {
                let user = listed.user_id;
                let blanks = listed.blanks.into_iter().map(|blank| (user, blank));
                Some(Self { id, gone: listed.gone, blanks: blanks.collect(), media: Vec::new() })
            }
            EventData::Retention(RetentionEvent::TextsRemoved(removed)) => {
                let blanks = removed.blanks.into_iter().map(|one| (one.sender_id, one.blank));
                Some(Self {
                    id,
                    gone: removed.gone,
                    blanks: blanks.collect(),
                    media: removed.media,
                })
            }
            EventData::Erasure(ErasureEvent::Begun(_) | ErasureEvent::Completed(_))
            | EventData::Retention(RetentionEvent::Applied(_) | RetentionEvent::Purged(_))
            | EventData::Message(_)
            | EventData::Reaction(_)
            | EventData::Pin(_)
            | EventData::Receipt(_)
            | EventData::Notification(_)
            | EventData::User(_)
            | EventData::Session(_)
            | EventData::Challenge(_)
            | EventData::Identity(_)
            | EventData::Name(_)
            | EventData::Room(_)
            | EventData::Member(_)
            | EventData::Thread(_)
            | EventData::Report(_)
            | EventData::Block(_)
            | EventData::Prefs(_)
            | EventData::Invite(_)
            | EventData::Audit(_)
            | EventData::Hold(_)
            | EventData::Export(_)
            | EventData::Media(_) => None,
        }
    }
}

/// The shapes of erased events.
pub(crate) struct Blanks {
    log: EventLog,
    lists: BTreeMap<Sequence, Arc<List>>,
}

impl Blanks {
    pub(crate) fn new(log: &EventLog) -> Self {
        Self { log: log.clone(), lists: BTreeMap::new() }
    }

    /// What stands in inclusive ranges of sequences without events, in order.
    ///
    /// # Errors
    /// The log cannot be read, or does not hold a list that its ledger names.
    pub(crate) async fn within(
        &mut self,
        gaps: &[(Sequence, Sequence)],
    ) -> Result<Instead, LogError> {
        let (mut found, mut traces) = (BTreeMap::new(), BTreeMap::new());
        for (from, to) in gaps {
            for at in self.log.lists_within(*from, *to).await? {
                let list = self.list(at).await?;
                for gone in &list.gone {
                    if (*from..=*to).contains(&gone.sequence) {
                        traces.insert(gone.sequence, Traces::of_erased(gone));
                    }
                }
                for (user, blank) in &list.blanks {
                    if (*from..=*to).contains(&blank.sequence) {
                        found.insert(blank.sequence, logged(&list, user, blank));
                    }
                }
                for blank in &list.media {
                    if (*from..=*to).contains(&blank.sequence) {
                        found.insert(blank.sequence, logged_media(&list, blank));
                    }
                }
            }
        }
        // An event in its place leaves its own traces.
        traces.retain(|sequence, _| !found.contains_key(sequence));
        let (events, traces) = (found.into_values().collect(), traces.into_values().collect());
        Ok(Instead { events, traces })
    }

    async fn list(&mut self, at: Sequence) -> Result<Arc<List>, LogError> {
        if let Some(list) = self.lists.get(&at) {
            return Ok(Arc::clone(list));
        }
        let missing = || LogError::Damaged(format!("the list of erased events at {at} is missing"));
        let stored = self.log.get(at).await?.ok_or_else(missing)?;
        let event = stored.event().map_err(|error| LogError::BadAnswer(error.into()))?;
        let list = Arc::new(List::of(event).ok_or_else(missing)?);
        if self.lists.len() >= KEPT {
            self.lists.pop_first();
        }
        self.lists.insert(at, Arc::clone(&list));
        Ok(list)
    }
}

/// A blank as an event in its place. It has the id of the list.
fn logged(list: &List, user: &UserId, blank: &Blank) -> Logged {
    let data: EventData = match blank.was.clone() {
        BlankEvent::Registered { created_at } => {
            UserRegistered { user: UserState::erased(*user, created_at) }.into()
        }
        BlankEvent::Posted(message) => {
            let private = message.private;
            MessagePosted { message: state(user, message), private }.into()
        }
        BlankEvent::Edited { message, posted, edited_at } => {
            MessageEdited { message: state(user, message), posted, edited_at }.into()
        }
    };
    in_place(list, (blank.sequence, blank.stored_at), data)
}

/// What a file's event was follows from how the file was after it.
fn logged_media(list: &List, blank: &MediaBlank) -> Logged {
    let media = blank.media.clone();
    let data: EventData = match media.status {
        MediaStatus::Requested => MediaRequested { media }.into(),
        MediaStatus::Stored => MediaStored { media }.into(),
        MediaStatus::Removed => MediaRemoved { media }.into(),
        MediaStatus::Purged => MediaPurged { media }.into(),
    };
    in_place(list, (blank.sequence, blank.stored_at), data)
}

/// What the list keeps of an event that is gone, as an event.
fn in_place(list: &List, (sequence, stored_at): (Sequence, Timestamp), data: EventData) -> Logged {
    let gone = list.gone.iter().find(|gone| gone.sequence == sequence);
    let event = Event {
        id: list.id,
        time: gone.map_or(stored_at, |gone| gone.time),
        actor: gone.map_or(Actor::System, |gone| gone.actor),
        causation: None,
        traceparent: None,
        data,
    };
    Logged { sequence, stored_at, event }
}

fn state(user: &UserId, message: BlankMessage) -> MessageState {
    MessageState {
        id: message.id,
        room_id: message.room_id,
        sender_id: *user,
        client_id: message.client_id.and_then(|hash| ClientId::parse(hash.as_str()).ok()),
        body: Body::erased(),
        format: Format::default(),
        attachments: Vec::new(),
        files: Vec::new(),
        mentions: message.mentions,
        mentions_room: message.mentions_room,
        thread_root_id: message.thread_root_id,
        created_at: message.created_at,
    }
}
