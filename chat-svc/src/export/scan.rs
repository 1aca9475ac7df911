//! The log, read once: the person's messages and reactions as they are now, and what happened to what is theirs alone.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use decider::Failure;
use eventlog::Record;
use readmodel::{MessageDoc, ReadModel};
use schemas::events::ReactionAdded;
use schemas::exported::{ExportedEvent, ExportedMessage, ExportedReaction, ExportedText};
use schemas::{Event, MessageId, ReactionId, Sequence, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::book::List;
use super::draft::Step;
use super::making::Making;
use super::picked::{Picked, picked, told};
use crate::index::IndexError;

/// Events read at once, and how long they are waited for.
const BATCH: usize = 1024;
const WAIT: Duration = Duration::from_secs(1);
/// Documents asked for at once.
const AT_ONCE: usize = 200;

/// What was found and is still to be looked up.
#[derive(Debug, Default)]
struct Found {
    messages: Vec<MessageId>,
    reactions: Vec<Reacted>,
}

/// A reaction that was added.
#[derive(Debug)]
struct Reacted {
    added: ReactionAdded,
    at: Sequence,
    time: Timestamp,
}

/// The data of an event as it was written.
#[derive(Deserialize)]
struct Written {
    data: Value,
}

impl Making<'_> {
    /// Goes through the log after a place, as far as the export tells.
    pub(super) async fn read_log(&mut self, through: Sequence) -> Result<(), Failure> {
        let mut found = Found::default();
        let mut reader = self.chat.log.read_from(through).await?;
        while reader.through() < self.progress.head {
            let batch = reader.next(BATCH, WAIT).await?;
            for record in &batch.records {
                self.look_at(record, &mut found).await?;
            }
            self.go_on().await?;
            if self.is_to_be_kept() {
                self.look_up(&mut found).await?;
                self.reach(Step::Log { through: reader.through() }).await?;
            }
        }
        self.look_up(&mut found).await
    }

    /// Writes what was found.
    async fn look_up(&mut self, found: &mut Found) -> Result<(), Failure> {
        self.messages(std::mem::take(&mut found.messages)).await?;
        self.reactions(std::mem::take(&mut found.reactions)).await
    }

    async fn look_at(&mut self, record: &Record, found: &mut Found) -> Result<(), Failure> {
        // Every event of a person names them: what does not is passed by without being read.
        let text = std::str::from_utf8(&record.payload).unwrap_or_default();
        let user = &self.export.user_id;
        if !text.contains(user.as_str()) {
            return Ok(());
        }
        let Some(event) = read(record) else {
            self.progress.unreadable += 1;
            return Ok(());
        };
        match picked(user, &event.data) {
            None => Ok(()),
            Some(Picked::Message(id)) => {
                found.messages.push(id);
                if found.messages.len() < AT_ONCE {
                    return Ok(());
                }
                self.messages(std::mem::take(&mut found.messages)).await
            }
            Some(Picked::Reaction(added)) => {
                let (at, time) = (record.sequence, event.time);
                found.reactions.push(Reacted { added: *added, at, time });
                if found.reactions.len() < AT_ONCE {
                    return Ok(());
                }
                self.reactions(std::mem::take(&mut found.reactions)).await
            }
            Some(Picked::Event) => self.event(record, &event).await,
        }
    }

    async fn event(&mut self, record: &Record, event: &Event) -> Result<(), Failure> {
        // It was read a moment ago.
        let written: Result<Written, _> = serde_json::from_slice(&record.payload);
        let data = written.map(|written| written.data).unwrap_or_default();
        let exported = ExportedEvent {
            position: record.sequence,
            time: event.time,
            kind: event.data.type_name().to_owned(),
            data: told(&event.data, data),
        };
        self.book.put(List::History, &exported).await
    }

    /// Messages as they are now. What was deleted is deleted.
    async fn messages(&mut self, ids: Vec<MessageId>) -> Result<(), Failure> {
        if ids.is_empty() {
            return Ok(());
        }
        let found = self.model.current().messages(&ids).await.map_err(IndexError::from)?;
        let mut found: HashMap<MessageId, MessageDoc> =
            found.into_iter().map(|doc| (doc.id, doc)).collect();
        for id in &ids {
            let doc = found.remove(id).filter(|doc| doc.deleted_at.is_none() && doc.purged == 0);
            if let Some(doc) = doc {
                let message = exported(self.model, doc).await?;
                self.book.put(List::Messages, &message).await?;
            }
        }
        self.go_on().await
    }

    /// Reactions that stand, each found where it was added.
    async fn reactions(&mut self, reacted: Vec<Reacted>) -> Result<(), Failure> {
        if reacted.is_empty() {
            return Ok(());
        }
        let key = |one: &ReactionAdded| (one.message_id, ReactionId::of(&one.user_id, &one.emoji));
        let keys: Vec<(MessageId, ReactionId)> =
            reacted.iter().map(|one| key(&one.added)).collect();
        let there = self.model.current().reactions(&keys).await.map_err(IndexError::from)?;
        let there: HashSet<Sequence> = there.into_iter().map(|doc| doc.at).collect();
        for Reacted { added, at, time } in reacted {
            // One that was taken back and added again stands by its last event.
            if there.contains(&at) {
                let ReactionAdded { message_id, room_id, emoji, .. } = added;
                let reaction = ExportedReaction { message_id, room_id, emoji, reacted_at: time };
                self.book.put(List::Reactions, &reaction).await?;
            }
        }
        self.go_on().await
    }
}

/// A message with the texts it had before.
async fn exported(model: &ReadModel, doc: MessageDoc) -> Result<ExportedMessage, Failure> {
    let history = match doc.edited_at {
        None => None,
        Some(_) => model.current().history(&doc.id).await.map_err(IndexError::from)?,
    };
    let texts = history.map(|history| history.texts).unwrap_or_default();
    let former = texts.into_iter().map(|text| ExportedText { body: text.body, since: text.since });
    Ok(ExportedMessage {
        former: former.collect(),
        id: doc.id,
        room_id: doc.room_id,
        thread_root_id: doc.thread_root_id,
        body: doc.body,
        format: doc.format,
        attachments: doc.attachments,
        mentions: doc.mentions,
        mentions_room: doc.mentions_room,
        created_at: doc.created_at,
        edited_at: doc.edited_at,
    })
}

/// An event; none for one that cannot be read, of which the index of the export says that it was there.
fn read(record: &Record) -> Option<Event> {
    match record.event() {
        Ok(event) => Some(event),
        Err(error) => {
            tracing::warn!(event.seq = record.sequence, %error, "an event is left out of an export");
            None
        }
    }
}
