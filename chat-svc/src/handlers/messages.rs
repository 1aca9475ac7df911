//! Editing and deleting, and what they have in common with posting.

use std::time::Duration;

use schemas::commands::{
    Accepted, CallContext, Command, DeleteMessage, EditMessage, MessageOutcome,
};
use schemas::events::{MessageEvent, MessageState};
use schemas::{EventData, Rejection, Sequence, Timestamp};

use crate::call::Call;
use crate::chat::Chat;
use crate::decision::{Failure, accepted, settle, unavailable};
use crate::domain::message::{self, MessageRejection};
use crate::lanes::Freshness;

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
        ctx: CallContext,
        cmd: EditMessage,
    ) -> Result<Outcome, Rejection> {
        let call = Call::of(&ctx)?;
        settle(&self.metrics, Freshness::Cached, |how| self.try_edit(&call, &cmd, how)).await
    }

    async fn try_edit(
        &self,
        call: &Call,
        cmd: &EditMessage,
        how: Freshness,
    ) -> Result<Outcome, Failure> {
        let found = self.message(&cmd.message_id).await?;
        let before = found.ok_or(MessageRejection::NoSuchMessage)?;
        let seen = self.see(call, &before.state.room_id, how).await?;
        let standing = seen.standing()?;
        standing.role()?;
        let named = self.named(&standing, &cmd.body, before.state.format).await?;
        let fact = message::edit(&standing, &before, &cmd.body, named, &call.context())?;
        let data = fact.data.clone();
        let appended = self.commit_fenced(call, EditMessage::NAME, fact, &seen).await?;
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

    pub(crate) async fn delete_message(
        &self,
        ctx: CallContext,
        cmd: DeleteMessage,
    ) -> Result<Accepted<()>, Rejection> {
        let call = Call::of(&ctx)?;
        settle(&self.metrics, Freshness::Cached, |how| self.try_delete(&call, &cmd, how)).await
    }

    async fn try_delete(
        &self,
        call: &Call,
        cmd: &DeleteMessage,
        how: Freshness,
    ) -> Result<Accepted<()>, Failure> {
        let found = self.message(&cmd.message_id).await?;
        let before = found.ok_or(MessageRejection::NoSuchMessage)?;
        let seen = self.see(call, &before.state.room_id, how).await?;
        let facts = message::delete(&seen.standing()?, &before, &call.context())?;
        let Some(fact) = facts else { return Ok(accepted(None, ())) };
        let appended = self.commit_fenced(call, DeleteMessage::NAME, fact, &seen).await?;
        let at = appended.position.sequence;
        self.recent.deleted(&cmd.message_id, &before.state.room_id, before.posted, at);
        Ok(accepted(Some(appended.position), ()))
    }
}
