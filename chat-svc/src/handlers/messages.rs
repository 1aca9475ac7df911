//! Editing and deleting, and what they have in common with posting.

use std::time::Duration;

use decider::{Answer, Expect, Fact, Failure, ReadFrom, Reads, UserCall, accepted, unavailable};
use schemas::commands::{Accepted, DeleteMessage, EditMessage, MessageOutcome};
use schemas::events::{MessageEvent, MessageState};
use schemas::{EventData, MessageId, Position, Sequence, Timestamp};

use super::InRoom;
use crate::call::context;
use crate::chat::Chat;
use crate::domain::message::{self, Message, MessageRejection};

/// How long an edit waits to hear whether its message was deleted meanwhile.
const FOLLOWS_WITHIN: Duration = Duration::from_millis(500);

pub(super) type Outcome = Accepted<MessageOutcome>;

impl Chat {
    /// A message, and the caller's relation to its room. Who is not in a public room sees none of its messages: to do
    /// something to one is answered like reading it.
    pub(super) async fn message_in_room(
        &self,
        call: &UserCall,
        id: &MessageId,
        from: ReadFrom,
    ) -> Result<(Message, InRoom), Failure> {
        let message = self.message(id).await?.ok_or(MessageRejection::NoSuchMessage)?;
        let seen = self.see(call, &message.state.room_id, from).await?;
        seen.standing()?.sees_messages()?;
        Ok((message, seen))
    }

    pub(super) fn outcome(
        &self,
        posted: Sequence,
        message: MessageState,
        edited_at: Option<Timestamp>,
        repeat: bool,
    ) -> Outcome {
        let posted = self.log.epoch().at(posted);
        let position = Some(posted);
        accepted(position, MessageOutcome { message, posted, edited_at, repeat, as_of: None })
    }

    pub(crate) async fn edit_message(
        &self,
        call: &UserCall,
        cmd: EditMessage,
    ) -> Answer<MessageOutcome> {
        self.retry(ReadFrom::Cache, |from| self.try_edit(call, &cmd, from)).await
    }

    async fn try_edit(
        &self,
        call: &UserCall,
        cmd: &EditMessage,
        from: ReadFrom,
    ) -> Result<Outcome, Failure> {
        let (before, seen) = self.message_in_room(call, &cmd.message_id, from).await?;
        let standing = seen.standing()?;
        message::may_edit(&standing, &before, &context(call))?;
        self.reaches_other(call, standing.room).await?;
        // The log knows a repeat under the same key, and answers with the first.
        if call.key.is_none()
            && let Some(unchanged) = self.unchanged(&before, cmd).await?
        {
            return Ok(unchanged);
        }
        let named = self.named(&standing, &cmd.body, before.state.format).await?;
        let fact = message::edit(&standing, &before, &cmd.body, named, &context(call))?;
        let data = fact.data.clone();
        let appended = self.commit_fenced(call, fact, &seen).await?;
        // Edits are fenced by the membership, not by the message: it may have been deleted while this was decided.
        // The log's order settles that, and once the feed has brought the edit it is known here.
        let at = appended.position.sequence;
        self.recent.edited(&cmd.message_id, at);
        self.has_followed(at, FOLLOWS_WITHIN).await;
        if self.recent.deleted_before(&cmd.message_id, at) {
            return Err(MessageRejection::Deleted.into());
        }
        let data = match appended.duplicate {
            false => data,
            true => self.event_at(appended.position.sequence).await?.unwrap_or(data),
        };
        let EventData::Message(MessageEvent::Edited(edited)) = data else {
            return Err(unavailable("the edit cannot be found").into());
        };
        let mut outcome =
            self.outcome(edited.posted, edited.message, Some(edited.edited_at), false);
        outcome.position = Some(appended.position);
        Ok(outcome)
    }

    /// The message as it is, if it says already what an edit would have it say: then nothing is written.
    async fn unchanged(
        &self,
        before: &Message,
        cmd: &EditMessage,
    ) -> Result<Option<Outcome>, Failure> {
        let same = |body: &str| body == cmd.body.as_str();
        let last = match self.recent.last_edit(&cmd.message_id) {
            Some(at) => self.event_at(at).await?,
            None => None,
        };
        let edited_at = if let Some(EventData::Message(MessageEvent::Edited(edit))) = last {
            same(edit.message.body.as_str()).then_some(Some(edit.edited_at))
        } else {
            let says = async || {
                let text = self.index.text(&cmd.message_id).await?;
                Ok::<_, Failure>(text.filter(|text| same(&text.body)).map(|text| text.edited_at))
            };
            // What the read model says counts when it is not behind; an edit too many does no harm.
            let head = self.log.head().await?;
            let sure = says().await?.is_some() && self.index.wait_for(head, FOLLOWS_WITHIN).await;
            if sure { says().await? } else { None }
        };
        let Some(edited_at) = edited_at else { return Ok(None) };
        let state = MessageState { body: cmd.body.clone(), ..before.state.clone() };
        let mut outcome = self.outcome(before.posted, state, edited_at, true);
        outcome.position = None;
        outcome.result.as_of = Some(self.end().await?);
        Ok(Some(outcome))
    }

    pub(crate) async fn delete_message(&self, call: &UserCall, cmd: DeleteMessage) -> Answer<()> {
        self.retry(ReadFrom::Cache, |from| self.try_delete(call, &cmd, from)).await
    }

    async fn try_delete(
        &self,
        call: &UserCall,
        cmd: &DeleteMessage,
        from: ReadFrom,
    ) -> Result<Accepted<()>, Failure> {
        let (before, seen) = self.message_in_room(call, &cmd.message_id, from).await?;
        let facts = message::delete(&seen.standing()?, &before, &context(call))?;
        let Some(fact) = facts else { return Ok(accepted(Some(self.end().await?), ())) };
        let position = self.write_deletion(call, &before, fact, seen.fence()).await?;
        Ok(accepted(Some(position), ()))
    }

    /// Writes a deletion behind its fence, together with what it does to the files of the message.
    pub(super) async fn write_deletion(
        &self,
        call: &UserCall,
        message: &Message,
        fact: Fact,
        fence: Expect,
    ) -> Result<Position, Failure> {
        let state = &message.state;
        let mut facts = self.detachments(state).await?;
        let position = if facts.is_empty() {
            decider::commit_fenced(&self.log, call, fact, fence).await?.position
        } else {
            // It comes last: who reads as far as it sees everything.
            facts.push(Fact { expect: fence, ..fact });
            let committed = self.commit(call, facts, &Reads::default()).await?;
            self.purge_removed(&state.attachments);
            committed
                .position()
                .ok_or_else(|| unavailable("it is not known where this was written"))?
        };
        self.recent.deleted(&state.id, &state.room_id, message.posted, position.sequence);
        Ok(position)
    }
}
