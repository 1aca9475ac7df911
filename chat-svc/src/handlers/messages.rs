//! Editing and deleting, and what they have in common with posting.

use std::time::Duration;

use decider::{Answer, Failure, ReadFrom, UserCall, accepted, unavailable};
use schemas::commands::{Accepted, DeleteMessage, EditMessage, MessageOutcome};
use schemas::events::{MessageEvent, MessageState};
use schemas::{EventData, Sequence, Timestamp};

use crate::call::context;
use crate::chat::Chat;
use crate::domain::message::{self, MessageRejection};

/// How long an edit waits to hear whether its message was deleted meanwhile.
const FOLLOWS_WITHIN: Duration = Duration::from_millis(500);

pub(super) type Outcome = Accepted<MessageOutcome>;

impl Chat {
    pub(super) fn outcome(
        &self,
        posted: Sequence,
        message: MessageState,
        edited_at: Option<Timestamp>,
        repeat: bool,
    ) -> Outcome {
        let posted = self.log.epoch().at(posted);
        let position = Some(posted.clone());
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
        let found = self.message(&cmd.message_id).await?;
        let before = found.ok_or(MessageRejection::NoSuchMessage)?;
        let seen = self.see(call, &before.state.room_id, from).await?;
        let standing = seen.standing()?;
        standing.role()?;
        let named = self.named(&standing, &cmd.body, before.state.format).await?;
        let fact = message::edit(&standing, &before, &cmd.body, named, &context(call))?;
        let data = fact.data.clone();
        let appended = self.commit_fenced(call, fact, &seen).await?;
        // Edits are fenced by the membership, not by the message: it may have been deleted while this was decided.
        // The log's order settles that, and once the feed has brought the edit it is known here.
        let at = appended.position.sequence;
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

    pub(crate) async fn delete_message(&self, call: &UserCall, cmd: DeleteMessage) -> Answer<()> {
        self.retry(ReadFrom::Cache, |from| self.try_delete(call, &cmd, from)).await
    }

    async fn try_delete(
        &self,
        call: &UserCall,
        cmd: &DeleteMessage,
        from: ReadFrom,
    ) -> Result<Accepted<()>, Failure> {
        let found = self.message(&cmd.message_id).await?;
        let before = found.ok_or(MessageRejection::NoSuchMessage)?;
        let seen = self.see(call, &before.state.room_id, from).await?;
        let facts = message::delete(&seen.standing()?, &before, &context(call))?;
        let Some(fact) = facts else { return Ok(accepted(None, ())) };
        let appended = self.commit_fenced(call, fact, &seen).await?;
        let at = appended.position.sequence;
        self.recent.deleted(&cmd.message_id, &before.state.room_id, before.posted, at);
        Ok(accepted(Some(appended.position), ()))
    }
}
