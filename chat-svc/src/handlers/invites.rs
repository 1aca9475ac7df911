//! Invitations.

use std::time::Duration;

use decider::{Answer, Call, Failure, ReadFrom, Reads, UserCall, accepted, fresh_id, unavailable};
use schemas::commands::{
    AcceptInvite, Accepted, AdmitRegistered, CreateInvite, InviteOutcome, JudgeInvite, ListInvites,
    RevokeInvite, RoomOutcome,
};
use schemas::events::{InviteState, RoomState};
use schemas::ids::InviteId;
use schemas::{Lane, Rejection, RoomId, Timestamp};

use crate::call::context;
use crate::chat::Chat;
use crate::domain::invite::{
    InviteRejection, Inviting, MAX_OPEN, Making, accept, create, evolve, is_listed, judge, revoke,
};
use crate::lately::Counted;

/// How long the read model is waited for to count what is open.
const COUNTED_WITHIN: Duration = Duration::from_secs(2);

/// An invitation and everything that decides whether it holds.
struct Found {
    invite: InviteState,
    room: Option<RoomState>,
    inviter: Option<crate::domain::person::Person>,
    member: Option<schemas::events::MemberState>,
}

impl Found {
    const fn inviting(&self, unverified: bool) -> Inviting<'_> {
        Inviting {
            invite: &self.invite,
            room: self.room.as_ref(),
            inviter: self.inviter.as_ref(),
            member: self.member.as_ref(),
            unverified,
        }
    }
}

impl Chat {
    pub(crate) async fn create_invite(
        &self,
        call: &UserCall,
        cmd: CreateInvite,
    ) -> Answer<InviteOutcome> {
        // One after the other, so that what is open is counted with those that have just been made.
        let _turn = self.turns.of(&cmd.room_id).await;
        let id = InviteId::from_uuid(fresh_id());
        self.retry(ReadFrom::Log, |from| self.invite_alone(call, &cmd, &id, from)).await
    }

    /// The same among all copies of this service.
    async fn invite_alone(
        &self,
        call: &UserCall,
        cmd: &CreateInvite,
        id: &InviteId,
        from: ReadFrom,
    ) -> Result<Accepted<InviteOutcome>, Failure> {
        // Who may not invite takes no turn, nor does who comes to a room that is full of them.
        let seen = self.see(call, &cmd.room_id, from).await?;
        let making = |open| Making { id, open, unverified: self.unverified_invite };
        create(&seen.standing()?, making(0), cmd, &context(call))?;
        let open = self.open_invites(&cmd.room_id).await?;
        create(&seen.standing()?, making(open), cmd, &context(call))?;
        let alone = self.shared_turns.alone(&cmd.room_id).await?;
        let made = self.try_create_invite(call, cmd, id, from).await;
        self.shared_turns.done(alone).await;
        made
    }

    async fn try_create_invite(
        &self,
        call: &UserCall,
        cmd: &CreateInvite,
        id: &InviteId,
        from: ReadFrom,
    ) -> Result<Accepted<InviteOutcome>, Failure> {
        let seen = self.see(call, &cmd.room_id, from).await?;
        let standing = seen.standing()?;
        let open = self.open_invites(&cmd.room_id).await?;
        let making = Making { id, open, unverified: self.unverified_invite };
        let (fact, invite) = create(&standing, making, cmd, &context(call))?;
        // The right to invite is that of the membership.
        let (lane, data) = (fact.lane, fact.data.clone());
        let appended = self.commit_fenced(call, fact, &seen).await?;
        let invite = match appended.duplicate {
            false => {
                self.learn(&lane, appended.position.sequence, &data);
                invite
            }
            true => self.invite_at(appended.position.sequence).await?,
        };
        let code = self.names.invite_code(&invite.id);
        Ok(accepted(Some(appended.position), InviteOutcome { code, invite }))
    }

    /// What a repeat finds.
    async fn invite_at(&self, at: schemas::Sequence) -> Result<InviteState, Failure> {
        let mut invite = None;
        if let Some(event) = self.event_at(at).await? {
            evolve(&mut invite, &event);
        }
        invite.ok_or_else(|| unavailable("the invitation cannot be found").into())
    }

    /// How many open invitations a room has, those that have just been made included. What a read model that is behind
    /// has not counted is taken from the log: this is asked by one after the other.
    async fn open_invites(&self, room: &RoomId) -> Result<usize, Failure> {
        let head = self.log.head().await?;
        let projected = self.index.checkpoint(&self.log.epoch()).await?;
        let open = async || self.index.open_invites(room, Timestamp::now(), MAX_OPEN + 1).await;
        let ids = open().await?.into_iter().map(|invite| invite.id.to_string()).collect();
        let of = Counted::Invites(*room);
        if let Some(ids) = self.up_to(head, &of, (ids, projected), MAX_OPEN).await {
            return Ok(ids.len());
        }
        if !self.index.wait_for(head, COUNTED_WITHIN).await {
            return Err(unavailable("the read model is too far behind to count").into());
        }
        Ok(open().await?.len())
    }

    pub(crate) async fn list_invites(
        &self,
        call: &UserCall,
        cmd: ListInvites,
    ) -> Answer<Vec<InviteOutcome>> {
        self.retry(ReadFrom::Log, |from| self.try_list(call, &cmd, from)).await
    }

    async fn try_list(
        &self,
        call: &UserCall,
        cmd: &ListInvites,
        from: ReadFrom,
    ) -> Result<Accepted<Vec<InviteOutcome>>, Failure> {
        let seen = self.see(call, &cmd.room_id, from).await?;
        let standing = seen.standing()?;
        standing.role()?;
        standing.not_direct()?;
        let found = self.index.open_invites(&cmd.room_id, Timestamp::now(), MAX_OPEN * 2).await?;
        let mut listed = Vec::with_capacity(found.len());
        for invite in found {
            if is_listed(&standing, &invite)? {
                let code = self.names.invite_code(&invite.id);
                listed.push(InviteOutcome { code, invite });
            }
        }
        Ok(accepted(None, listed))
    }

    pub(crate) async fn revoke_invite(&self, call: &UserCall, cmd: RevokeInvite) -> Answer<()> {
        self.retry(ReadFrom::Log, |from| self.try_revoke(call, &cmd, from)).await
    }

    async fn try_revoke(
        &self,
        call: &UserCall,
        cmd: &RevokeInvite,
        from: ReadFrom,
    ) -> Result<Accepted<()>, Failure> {
        let seen = self.see(call, &cmd.room_id, from).await?;
        let standing = seen.standing()?;
        let mut reads = seen.reads(&cmd.room_id);
        let invite = match self.names.invite_of(&cmd.code) {
            Some(id) => self.invite(&id, &mut reads).await?,
            None => None,
        };
        let facts = revoke(&standing, invite.as_ref())?;
        let committed = self.commit(call, facts, &reads).await?;
        Ok(accepted(committed.position(), ()))
    }

    pub(crate) async fn judge_invite(&self, _: &Call, cmd: JudgeInvite) -> Answer<InviteState> {
        self.retry(ReadFrom::Log, |from| self.try_judge(&cmd, from)).await
    }

    async fn try_judge(
        &self,
        cmd: &JudgeInvite,
        from: ReadFrom,
    ) -> Result<Accepted<InviteState>, Failure> {
        let found = self.found(&cmd.code, &mut Reads::default(), from).await?;
        judge(&found.inviting(self.unverified_invite), Timestamp::now())?;
        Ok(accepted(None, found.invite))
    }

    pub(crate) async fn accept_invite(
        &self,
        call: &UserCall,
        cmd: AcceptInvite,
    ) -> Answer<RoomOutcome> {
        let id = self.names.invite_of(&cmd.code);
        let id = id.ok_or_else(|| Rejection::from(InviteRejection::NoSuchInvite))?;
        let _turn = self.turns.of(&id).await;
        self.retry(ReadFrom::Log, |from| self.try_accept(call, &cmd, from)).await
    }

    /// Only who has a place kept comes in this way: the log says that they were registered with the invitation.
    pub(crate) async fn admit_registered(
        &self,
        call: &Call,
        cmd: AdmitRegistered,
    ) -> Answer<RoomOutcome> {
        let AdmitRegistered { code, user_id } = cmd;
        let call = UserCall::acting_for(call, user_id);
        let id = self.names.invite_of(&code);
        let id = id.ok_or_else(|| Rejection::from(InviteRejection::NoSuchInvite))?;
        let _turn = self.turns.of(&id).await;
        let accept = AcceptInvite { code };
        self.retry(ReadFrom::Log, |from| self.try_admit(&call, &accept, &id, from)).await
    }

    async fn try_admit(
        &self,
        call: &UserCall,
        cmd: &AcceptInvite,
        id: &InviteId,
        from: ReadFrom,
    ) -> Result<Accepted<RoomOutcome>, Failure> {
        let invite = self.invite(id, &mut Reads::default()).await?;
        if invite.is_none_or(|invite| !invite.reserved.contains(&call.user)) {
            return Err(InviteRejection::Over.into());
        }
        self.try_accept(call, cmd, from).await
    }

    async fn try_accept(
        &self,
        call: &UserCall,
        cmd: &AcceptInvite,
        from: ReadFrom,
    ) -> Result<Accepted<RoomOutcome>, Failure> {
        let mut reads = Reads::default();
        let found = self.found(&cmd.code, &mut reads, from).await?;
        let room_id = &found.invite.room_id;
        let (person, member) = tokio::try_join!(
            self.lanes.person(&call.user, from),
            self.lanes.member(room_id, &call.user, from),
        )?;
        reads.note(Lane::Member(*room_id, call.user), member.at);
        let inviting = found.inviting(self.unverified_invite);
        let facts =
            accept(&inviting, person.state.as_ref(), member.state.as_ref(), &context(call))?;
        let committed = self.commit(call, facts, &reads).await?;
        let room = found.room.ok_or_else(Rejection::not_found)?;
        Ok(accepted(committed.position(), RoomOutcome { room, created: false }))
    }

    /// An invitation by its code, with what decides whether it holds.
    async fn found(&self, code: &str, reads: &mut Reads, from: ReadFrom) -> Result<Found, Failure> {
        let unknown = InviteRejection::NoSuchInvite;
        let id = self.names.invite_of(code).ok_or(unknown)?;
        let invite = self.invite(&id, reads).await?.ok_or(unknown)?;
        let (room, inviter, member) = tokio::try_join!(
            self.lanes.room(&invite.room_id, from),
            self.lanes.person(&invite.created_by, from),
            self.lanes.member(&invite.room_id, &invite.created_by, from),
        )?;
        let (room, inviter) = (room.state.clone(), inviter.state.clone());
        Ok(Found { invite, room, inviter, member: member.state.clone() })
    }

    /// An invitation as its lane has it; takes note of where.
    async fn invite(
        &self,
        id: &InviteId,
        reads: &mut Reads,
    ) -> Result<Option<InviteState>, Failure> {
        let lane = Lane::Invite(*id);
        let stored = self.log.last(&lane).await?;
        let mut invite = None;
        if let Some(stored) = &stored {
            evolve(&mut invite, &stored.event()?.data);
        }
        reads.note(lane, stored.map_or(0, |stored| stored.sequence));
        Ok(invite)
    }
}
