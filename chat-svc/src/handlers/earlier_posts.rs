//! Posts that were written before: a repeat is answered with the first.

use std::time::Duration;

use decider::{Failure, UserCall, unavailable};
use schemas::commands::PostMessage;
use schemas::events::{MessageEvent, MessageState};
use schemas::values::ClientId;
use schemas::{Code, Digest, EventData, RefusalReason, Rejection, Sequence};

use super::messages::Outcome;
use crate::chat::Chat;
use crate::dedup::{Claim, Unknowable};
use crate::domain::message::{self, MessageRejection};

/// How long the live feed is waited for before a post in slow mode is judged.
const FOLLOWED_WITHIN: Duration = Duration::from_millis(500);

impl Chat {
    /// The outcome of an earlier post of the same claim, if there was one. Where that is not found here the log recognises
    /// a repeat by itself, unless the post is to take a turn before: then everything that is in the log by now counts.
    pub(super) async fn earlier(
        &self,
        claim: &Claim,
        command: &PostMessage,
        takes_turn: bool,
    ) -> Result<Option<Outcome>, Failure> {
        let found = if takes_turn {
            let head = self.log.head().await?;
            let followed = self.has_followed(head, FOLLOWED_WITHIN).await;
            self.dedup.first_up_to(claim, head, followed).await
        } else {
            self.dedup.first(claim).await
        };
        match found {
            Ok(None) => Ok(None),
            Ok(Some(sequence)) => self.repeat_at(claim, command, sequence).await,
            Err(error) => {
                tracing::warn!(error = %telemetry::error_chain(&error), "cannot tell a repeat");
                Err(match error {
                    Unknowable::Index(error) => error.into(),
                    Unknowable::Log(error) => error.into(),
                    Unknowable::Behind => unavailable("the read model is too far behind").into(),
                })
            }
        }
    }

    /// The first post of a claim, as it stands in the log, if the new one says the same. None when that is
    /// not what stands there.
    pub(super) async fn repeat_at(
        &self,
        claim: &Claim,
        command: &PostMessage,
        sequence: Sequence,
    ) -> Result<Option<Outcome>, Failure> {
        let ours = |state: &MessageState| {
            state.room_id == claim.room
                && state.sender_id == claim.sender
                && state.client_id.as_ref() == Some(&claim.client_id)
        };
        let Some(stored) = self.log.get(sequence).await? else {
            let detail = "the client_id belongs to a message that was erased";
            return Err(Rejection::because(RefusalReason::MessageErased, detail).into());
        };
        let EventData::Message(MessageEvent::Posted(first)) = stored.event()?.data else {
            return Ok(None);
        };
        if !ours(&first.message) {
            tracing::error!(event.seq = sequence, "an index led to another message");
            return Ok(None);
        }
        self.metrics.repeated();
        self.dedup.note_repeat(claim, sequence);
        if !message::is_repeat_of(&first.message, command) {
            return Err(MessageRejection::OtherBody.into());
        }
        // What became of it since is for the reader who shows it: everything up to here counts.
        let as_of = self.end().await?;
        let mut outcome = self.outcome(sequence, first.message, None, true);
        outcome.result.as_of = Some(as_of);
        Ok(Some(outcome))
    }
}

/// What makes a post unrepeatable: the client's id for it, else the request's idempotency key, which is
/// then recorded in the event in a form that no client id of the same text can meet.
pub(super) fn claim(call: &UserCall, cmd: &PostMessage) -> Result<Option<Claim>, Rejection> {
    let client_id = match (&cmd.client_id, &call.key) {
        (Some(client_id), _) => client_id.clone(),
        (None, None) => return Ok(None),
        (None, Some(key)) => {
            let name = Digest::of(["idempotency_key", call.user.as_str(), key.as_str()]);
            let invalid = |_| Rejection::new(Code::Internal, "the key cannot be recorded");
            ClientId::parse(&format!("key:{name}")).map_err(invalid)?
        }
    };
    Ok(Some(Claim::new(cmd.room_id, call.user, client_id)))
}
