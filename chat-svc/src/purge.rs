//! Purging: messages that are older than their room keeps messages leave it for good.
//!
//! Each is deleted as by a moderator (clients, inboxes, counts and files follow that as they follow any deletion), what its
//! files were called leaves the log (`file_names.rs`), then its texts do (`deleted_texts.rs`), and then an event says that it
//! is gone. A purge that dies in between is begun again: what was done is found done. Names go before the post, which says
//! whose they are.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use decider::{Call, Committed, Fact, Failure, Reads, unavailable};
use schemas::commands::CallContext;
use schemas::events::{MessageDeleted, RoomState};
use schemas::{Lane, MediaId, MessageId, Sequence, Timestamp};

use crate::chat::Chat;
use crate::deleted_texts::{DeletedTexts, Deletion};
use crate::domain::message::Message;
use crate::domain::retention::Aged;
use crate::holds::unheld;

/// Removes messages.
pub(crate) struct Purger {
    chat: Arc<Chat>,
    texts: DeletedTexts,
}

impl Purger {
    pub(crate) fn new(chat: &Arc<Chat>) -> Self {
        Self { chat: Arc::clone(chat), texts: DeletedTexts::new(chat) }
    }

    /// Deletes messages of a room and removes their texts; those of which nothing is left now. What an open report keeps
    /// stays, and so does a message while a hold keeps one of its files, or the store of files does not answer.
    pub(crate) async fn purge(
        &self,
        room: &RoomState,
        aged: &[&Aged],
        before: Timestamp,
    ) -> Result<Vec<MessageId>, Failure> {
        let now = Timestamp::now();
        let mut deletions: HashMap<&MessageId, Deletion> = HashMap::new();
        let mut files: HashMap<&MessageId, Vec<MediaId>> = HashMap::new();
        for message in aged {
            if self.chat.index.open_reports_of(&message.id).await? > 0 {
                continue;
            }
            let found = self.chat.message(&message.id).await?;
            let Some(found) = found.filter(|found| found.state.room_id == room.id) else {
                continue;
            };
            let event = deleted(&found, message.deleted.map_or(now, |(_, at)| at));
            let deletion = match message.deleted {
                Some((sequence, stored_at)) => Deletion { sequence, stored_at, event },
                None => match self.delete(&found, event.clone()).await? {
                    Some(sequence) => Deletion { sequence, stored_at: now, event },
                    None => continue,
                },
            };
            deletions.insert(&message.id, deletion);
            files.insert(&message.id, found.state.attachments);
        }
        let named: BTreeSet<MediaId> = files.values().flatten().cloned().collect();
        let kept = self.chat.remove_names(named, before).await?;
        files.retain(|_, files| files.iter().any(|id| kept.contains(id)));
        deletions.retain(|id, _| !files.contains_key(id));
        let piece: Vec<Deletion> = deletions.values().cloned().collect();
        if self.texts.remove(&piece, before).await?.is_some() {
            // A hold came in between: the next pass sees which.
            return Ok(Vec::new());
        }
        let gone = aged.iter().filter(|message| deletions.contains_key(&message.id));
        Ok(gone.map(|message| message.id).collect())
    }

    /// Writes the deletion of a message with what it does to its files; where. None when a legal hold has come in between.
    async fn delete(
        &self,
        found: &Message,
        event: MessageDeleted,
    ) -> Result<Option<Sequence>, Failure> {
        let call = Call::new("purge", CallContext::default());
        let mut facts = self.chat.detachments(&found.state).await?;
        let (log, names) = (&self.chat.log, &self.chat.names);
        let unheld = unheld(log, names, &event.room_id, &event.sender_id).await?;
        let Some(fence) = unheld else { return Ok(None) };
        facts.push(Fact::expecting(fence, Lane::Timeline(event.room_id), event));
        match self.chat.commit(&call, facts, &Reads::default()).await? {
            Committed::Now(position, _) => {
                self.chat.purge_removed(&found.state.attachments);
                Ok(Some(position.sequence))
            }
            Committed::Before(_) | Committed::Nothing(_) => {
                Err(unavailable("it is not known where this was written").into())
            }
        }
    }
}

fn deleted(found: &Message, deleted_at: Timestamp) -> MessageDeleted {
    let state = &found.state;
    MessageDeleted {
        message_id: state.id,
        room_id: state.room_id,
        sender_id: state.sender_id,
        posted: found.posted,
        thread_root_id: state.thread_root_id,
        created_at: state.created_at,
        deleted_at,
        reason: None,
    }
}
