//! Read markers.

use decider::{Answer, Failure, ReadFrom, UserCall, accepted};
use schemas::commands::{Accepted, MarkRead, MarkThreadRead, ReadOutcome};
use schemas::{MessageId, Position, Sequence};

use crate::call::context;
use crate::chat::Chat;
use crate::domain::message::{Message, MessageRejection, UpTo, mark_read};
use crate::index::Marked;
use crate::recent::{Marker, MessageLocation};

impl Chat {
    pub(crate) async fn mark_read(&self, call: &UserCall, cmd: MarkRead) -> Answer<ReadOutcome> {
        self.retry(ReadFrom::Cache, |from| self.try_mark_read(call, &cmd, from)).await
    }

    /// The same for a thread of the room.
    async fn try_mark_thread(
        &self,
        call: &UserCall,
        cmd: &MarkRead,
        root: &MessageId,
        from: ReadFrom,
    ) -> Result<Accepted<ReadOutcome>, Failure> {
        let found = self.message(root).await?;
        found
            .filter(|found| found.state.room_id == cmd.room_id)
            .ok_or(MessageRejection::NoSuchMessage)?;
        let (thread_root_id, message_id) = (*root, cmd.message_id);
        self.try_mark_thread_read(call, &MarkThreadRead { thread_root_id, message_id }, from).await
    }

    async fn try_mark_read(
        &self,
        call: &UserCall,
        cmd: &MarkRead,
        from: ReadFrom,
    ) -> Result<Accepted<ReadOutcome>, Failure> {
        if let Some(root) = &cmd.thread_root_id {
            return self.try_mark_thread(call, cmd, root, from).await;
        }
        let seen = self.see(call, &cmd.room_id, from).await?;
        let standing = seen.standing()?;
        standing.role()?;
        let posted = self.posted_in(cmd).await?;
        let reached = self.marker(call, cmd).await;
        let up_to = UpTo { message_id: &cmd.message_id, room_id: &cmd.room_id, posted };
        // Where a stay began nothing was read yet: marking that message is news.
        let taken = |at: &Marked| if at.moved { at.posted } else { at.posted.saturating_sub(1) };
        let before = reached.as_ref().map_or(0, taken);
        let wanted = Marker { message: cmd.message_id, posted };
        let Some(fact) = mark_read(&standing, &up_to, before, &context(call))? else {
            let reached = reached.map(|at| Marker { message: at.message, posted: at.posted });
            return Ok(read_up_to(None, reached.unwrap_or(wanted)));
        };
        let appended = self.commit_fenced(call, fact, &seen).await?;
        self.recent.read(&cmd.room_id, &call.user, &wanted);
        Ok(read_up_to(Some(appended.position), wanted))
    }

    /// Where a message of the room was posted.
    async fn posted_in(&self, cmd: &MarkRead) -> Result<Sequence, Failure> {
        let unknown = MessageRejection::NoSuchMessage;
        if let Some(known) = self.recent.message(&cmd.message_id) {
            // Memory of what came out of the log: as good as the log.
            return if known.room == cmd.room_id { Ok(known.posted) } else { Err(unknown.into()) };
        }
        let found = self.message(&cmd.message_id).await?;
        let found = found.filter(|found| found.state.room_id == cmd.room_id).ok_or(unknown)?;
        let Message { posted, deleted, archived, purged, .. } = found;
        let room = cmd.room_id;
        let location = MessageLocation { room, posted, deleted, archived, purged, ours: false };
        self.recent.found(&cmd.message_id, location);
        Ok(posted)
    }

    /// How far the caller has read: what this process remembers, or the read model where it knows of more (a
    /// post of the caller's, which moves the marker too). A read model that does not answer costs an event that
    /// changes nothing: the projection keeps the highest marker.
    async fn marker(&self, call: &UserCall, cmd: &MarkRead) -> Option<Marked> {
        let known = self.recent.marker(&cmd.room_id, &call.user);
        let known = known.map(|Marker { message, posted }| Marked { message, posted, moved: true });
        match self.index.marker(&cmd.room_id, &call.user).await {
            Ok(found) => {
                let further =
                    |found: &Marked| known.as_ref().is_none_or(|known| found.posted > known.posted);
                found.filter(further).or(known)
            }
            Err(error) => {
                tracing::warn!(error = %telemetry::error_chain(&error), "a read marker is not known");
                known
            }
        }
    }
}

pub(super) fn read_up_to(position: Option<Position>, marker: Marker) -> Accepted<ReadOutcome> {
    let Marker { message, posted } = marker;
    accepted(position, ReadOutcome { message_id: message, posted })
}
