//! Posting, editing and deleting.

use eventlog::LaneWrite;
use futures_util::future::try_join_all;
use schemas::commands::{
    Accepted, CallContext, Command, DeleteMessage, EditMessage, MessageOutcome, PostMessage,
};
use schemas::events::{MessageState, RoomState};
use schemas::ids::{MessageId, UserId};
use schemas::values::{Body, ClientId};
use schemas::{Code, Digest, EventData, Rejection, Sequence, Timestamp};

use super::Seen;
use crate::call::{self, Call};
use crate::chat::Chat;
use crate::decision::{Failure, accepted, settle, unavailable};
use crate::domain::access::{Standing, belongs};
use crate::domain::message::{self, Mentions, MessageRejection, Named, NewMessage};
use crate::lanes::Freshness;
use crate::repeats::{Claim, Unknowable};

type Outcome = Accepted<MessageOutcome>;

impl Chat {
    pub(crate) async fn post_message(
        &self,
        ctx: CallContext,
        cmd: PostMessage,
    ) -> Result<Outcome, Rejection> {
        let call = Call::of(&ctx)?;
        let claim = claim(&call, &cmd)?;
        let id = call::message_id();
        let first = Freshness::Cached;
        settle(&self.metrics, first, |how| self.try_post(&call, &cmd, claim.as_ref(), &id, how))
            .await
    }

    async fn try_post(
        &self,
        call: &Call,
        cmd: &PostMessage,
        claim: Option<&Claim>,
        id: &MessageId,
        how: Freshness,
    ) -> Result<Outcome, Failure> {
        let seen = self.see(call, &cmd.room_id, how).await?;
        let standing = seen.standing()?;
        let cx = call.context();
        standing.may_write(cx.now)?;
        if let Some(claim) = claim
            && let Some(outcome) = self.earlier(claim).await?
        {
            return Ok(outcome);
        }
        self.check_thread(&standing, cmd).await?;
        let (mentions, mentions_room) = self.named(standing.room, &cmd.body).await?;
        let client_id = claim.map(|claim| &claim.client_id);
        let new = NewMessage { id, command: cmd, client_id, mentions, mentions_room };
        let state = message::post(&standing, new, &cx)?;
        self.write_post(call, claim, state, &seen).await
    }

    /// Appends a message behind the fence; if the log had it already, answers with the first.
    async fn write_post(
        &self,
        call: &Call,
        claim: Option<&Claim>,
        state: MessageState,
        seen: &Seen,
    ) -> Result<Outcome, Failure> {
        let fact = message::posted(state.clone());
        let write = LaneWrite::new(fact.lane, call.event(fact.data), seen.fence());
        let write = match claim {
            None => write,
            Some(claim) => write.dedup(claim.dedup()),
        };
        let appended = self.log.append(vec![write]).await?;
        let posted = appended.position.sequence;
        if let Some(claim) = claim {
            self.repeats.note(claim);
            if appended.duplicate {
                let earlier = self.repeat_at(claim, posted).await?;
                return earlier.ok_or_else(|| unavailable("the message id was in use").into());
            }
        }
        self.metrics.posted();
        self.recent.wrote(&state.id, &state.room_id, posted);
        Ok(self.outcome(posted, state, None, false))
    }

    /// The outcome of an earlier post of the same claim, if there was one.
    async fn earlier(&self, claim: &Claim) -> Result<Option<Outcome>, Failure> {
        match self.repeats.first(claim).await {
            Ok(None) => Ok(None),
            Ok(Some(sequence)) => self.repeat_at(claim, sequence).await,
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

    /// The first post of a claim, as it stands in the log. None when that is not what stands there.
    async fn repeat_at(
        &self,
        claim: &Claim,
        sequence: Sequence,
    ) -> Result<Option<Outcome>, Failure> {
        let ours = |state: &MessageState| {
            state.room_id == claim.room
                && state.sender_id == claim.sender
                && state.client_id.as_ref() == Some(&claim.client_id)
        };
        let Some(stored) = self.log.get(sequence).await? else {
            let detail = "the client_id belongs to a message that was erased";
            return Err(Rejection::new(Code::Conflict, detail).into());
        };
        let EventData::MessagePosted(first) = stored.event()?.data else { return Ok(None) };
        if !ours(&first.message) {
            tracing::error!(event.seq = sequence, "an index led to another message");
            return Ok(None);
        }
        self.metrics.repeated();
        self.repeats.note_repeat(claim, sequence);
        Ok(Some(self.outcome(sequence, first.message, None, true)))
    }

    async fn check_thread(
        &self,
        standing: &Standing<'_>,
        cmd: &PostMessage,
    ) -> Result<(), Failure> {
        let Some(root) = &cmd.thread_root_id else { return Ok(()) };
        let root = self.message(root).await?;
        Ok(message::thread_root(standing, root.as_ref())?)
    }

    /// The members of the room a text names, each once, and whether it names the whole room.
    async fn named(&self, room: &RoomState, body: &Body) -> Result<(Vec<UserId>, bool), Failure> {
        let mentions = Mentions::of(body.as_str());
        let looked_up = mentions.names.iter().map(|named| self.member_named(room, named));
        let mut users: Vec<UserId> = Vec::new();
        for user in try_join_all(looked_up).await?.into_iter().flatten() {
            if !users.contains(&user) {
                users.push(user);
            }
        }
        Ok((users, mentions.room))
    }

    async fn member_named(
        &self,
        room: &RoomState,
        named: &Named,
    ) -> Result<Option<UserId>, Failure> {
        for reading in &named.readings {
            let holder = self.lanes.holder(reading.as_str(), Freshness::Cached).await?;
            let Some(user) = holder else { continue };
            let member = self.lanes.member(&room.id, &user, Freshness::Cached).await?;
            if belongs(room, member.state.as_ref()) {
                return Ok(Some(user));
            }
        }
        Ok(None)
    }

    fn outcome(
        &self,
        posted: Sequence,
        message: MessageState,
        edited_at: Option<Timestamp>,
        repeat: bool,
    ) -> Outcome {
        let posted = self.log.epoch().at(posted);
        let position = Some(posted.clone());
        accepted(position, MessageOutcome { message, posted, edited_at, repeat })
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
        let named = self.named(standing.room, &cmd.body).await?;
        let fact = message::edit(&standing, &before, &cmd.body, named, &call.context())?;
        let data = fact.data.clone();
        let appended = self.commit_fenced(call, EditMessage::NAME, fact, &seen).await?;
        let data = match appended.duplicate {
            false => data,
            true => self.event_at(appended.position.sequence).await?.unwrap_or(data),
        };
        let EventData::MessageEdited(edited) = data else {
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
        self.recent.deleted(&cmd.message_id, &before.state.room_id, before.posted);
        Ok(accepted(Some(appended.position), ()))
    }
}

/// What makes a post unrepeatable: the client's id for it, else the request's idempotency key, which is
/// then recorded in the event in a form that no client id of the same text can meet.
fn claim(call: &Call, cmd: &PostMessage) -> Result<Option<Claim>, Rejection> {
    let client_id = match (&cmd.client_id, &call.key) {
        (Some(client_id), _) => client_id.clone(),
        (None, None) => return Ok(None),
        (None, Some(key)) => {
            let name = Digest::of(["idempotency_key", call.actor.as_str(), key.as_str()]);
            let invalid = |_| Rejection::new(Code::Internal, "the key cannot be recorded");
            ClientId::parse(&format!("key:{name}")).map_err(invalid)?
        }
    };
    Ok(Some(Claim::new(cmd.room_id.clone(), call.actor.clone(), client_id)))
}
