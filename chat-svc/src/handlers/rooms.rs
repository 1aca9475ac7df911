//! Making, changing and archiving rooms.

use std::collections::BTreeSet;

use schemas::commands::{
    Accepted, ArchiveRoom, CallContext, ChangeRoom, Command, CreateRoom, OpenDirect, RoomOutcome,
};
use schemas::events::RoomState;
use schemas::values::RoomKind;
use schemas::{Code, Lane, Position, Rejection, RoomId, UserId};

use crate::call::{Call, direct_room_id};
use crate::chat::Chat;
use crate::decision::{Committed, Failure, ReadAt, accepted, settle};
use crate::domain::Fact;
use crate::domain::room::{
    MAX_DIRECT_OTHERS, MAX_FIRST_MEMBERS, Name, NameChange, NewRoom, RoomRejection, archiving,
    change, create, evolve, evolve_name, open_direct,
};
use crate::lanes::Freshness;

type Outcome = Accepted<RoomOutcome>;

impl Chat {
    pub(crate) async fn create_room(
        &self,
        ctx: CallContext,
        cmd: CreateRoom,
    ) -> Result<Outcome, Rejection> {
        let call = Call::of(&ctx)?;
        let id = call.room_id();
        if cmd.members.len() > MAX_FIRST_MEMBERS {
            return Err(RoomRejection::TooManyMembers.into());
        }
        settle(&self.metrics, Freshness::Fresh, |how| self.try_create(&call, &cmd, &id, how)).await
    }

    async fn try_create(
        &self,
        call: &Call,
        cmd: &CreateRoom,
        id: &RoomId,
        how: Freshness,
    ) -> Result<Outcome, Failure> {
        let (person, before) =
            tokio::try_join!(self.lanes.person(&call.actor, how), self.lanes.room(id, how))?;
        if let Some(room) = &before.state {
            // The same call has made it before: its id follows from the idempotency key.
            let position = self.log.epoch().at(before.sequence);
            return Ok(made(Some(position), room.clone(), true));
        }
        let others = self.resolve(&cmd.members, "/members").await?;
        self.all_active(&others, "/members").await?;
        let mut read = ReadAt::default();
        let holder = match cmd.kind {
            RoomKind::Channel => {
                self.name(self.names.room_name(cmd.name.as_str()), &mut read).await?
            }
            RoomKind::Group | RoomKind::Direct => None,
        };
        if holder.as_deref() == Some(id.as_str()) {
            // The same call has made it between the two reads.
            return Err(Failure::Conflict);
        }
        let cx = call.context();
        let new = NewRoom { id, names: &self.names };
        let facts = create(new, cmd, person.state.as_ref(), &holder, &others, &cx)?;
        self.finish(call, CreateRoom::NAME, None, facts, &read).await
    }

    pub(crate) async fn open_direct(
        &self,
        ctx: CallContext,
        cmd: OpenDirect,
    ) -> Result<Outcome, Rejection> {
        let call = Call::of(&ctx)?;
        if cmd.members.len() > MAX_DIRECT_OTHERS + 1 {
            return Err(RoomRejection::DirectSize.into());
        }
        settle(&self.metrics, Freshness::Fresh, |how| self.try_open_direct(&call, &cmd, how)).await
    }

    async fn try_open_direct(
        &self,
        call: &Call,
        cmd: &OpenDirect,
        how: Freshness,
    ) -> Result<Outcome, Failure> {
        let person = self.lanes.person(&call.actor, how).await?;
        let others = self.resolve(&cmd.members, "/members").await?;
        let members: BTreeSet<&UserId> = others.iter().chain([&call.actor]).collect();
        let id = direct_room_id(members.iter().copied());
        let mut read = ReadAt::default();
        let holder = self.name(self.names.direct(members.iter().copied()), &mut read).await?;
        let facts = open_direct(&id, person.state.as_ref(), &others, &call.context(), &self.names)?;
        let Some(owner) = holder else {
            return self.finish(call, OpenDirect::NAME, None, facts, &read).await;
        };
        let internal = || Rejection::new(Code::Internal, "the direct room cannot be found");
        let id = RoomId::parse(&owner).map_err(|_| internal())?;
        let room = self.lanes.room(&id, how).await?;
        Ok(made(None, room.state.clone().ok_or_else(internal)?, false))
    }

    pub(crate) async fn change_room(
        &self,
        ctx: CallContext,
        cmd: ChangeRoom,
    ) -> Result<Outcome, Rejection> {
        let call = Call::of(&ctx)?;
        let name = ChangeRoom::NAME;
        settle(&self.metrics, Freshness::Fresh, |how| self.try_change_room(&call, name, &cmd, how))
            .await
    }

    async fn try_change_room(
        &self,
        call: &Call,
        command: &str,
        cmd: &ChangeRoom,
        how: Freshness,
    ) -> Result<Outcome, Failure> {
        let seen = self.see(call, &cmd.room_id, how).await?;
        let standing = seen.standing()?;
        let mut read = seen.read_at(&cmd.room_id);
        let NameChange { released, claimed } = NameChange::of(standing.room, cmd, &self.names);
        if let Some(name) = released {
            self.name(self.names.room_name(name.as_str()), &mut read).await?;
        }
        let holder = match claimed {
            Some(name) => self.name(self.names.room_name(name.as_str()), &mut read).await?,
            None => None,
        };
        let facts = change(&standing, cmd, &holder, &call.context(), &self.names)?;
        self.finish(call, command, Some(standing.room), facts, &read).await
    }

    pub(crate) async fn archive_room(
        &self,
        ctx: CallContext,
        cmd: ArchiveRoom,
    ) -> Result<Outcome, Rejection> {
        let call = Call::of(&ctx)?;
        let (name, cmd) = (ArchiveRoom::NAME, archiving(&cmd.room_id));
        settle(&self.metrics, Freshness::Fresh, |how| self.try_change_room(&call, name, &cmd, how))
            .await
    }

    /// Who holds a unique name, and takes note of where its lane is.
    async fn name(&self, lane: Lane, read: &mut ReadAt) -> Result<Name, Failure> {
        let mut name = None;
        let stored = self.log.last(&lane).await?;
        if let Some(stored) = &stored {
            evolve_name(&mut name, &stored.event()?.data);
        }
        read.note(lane, stored.map_or(0, |stored| stored.sequence));
        Ok(name)
    }

    /// Writes a decision about a room and answers with the room after it.
    pub(super) async fn finish(
        &self,
        call: &Call,
        command: &str,
        before: Option<&RoomState>,
        facts: Vec<Fact>,
        read: &ReadAt,
    ) -> Result<Outcome, Failure> {
        let mut after = before.cloned();
        for fact in &facts {
            evolve(&mut after, &fact.data);
        }
        let room = after.ok_or_else(Rejection::not_found)?;
        match self.commit(call, command, facts, read).await? {
            // Somebody else carried out this very command: his room, to the last detail, is the answer.
            Committed::Before(_) if before.is_none() => Err(Failure::Conflict),
            committed => Ok(made(committed.position(), room, before.is_none())),
        }
    }
}

fn made(position: Option<Position>, room: RoomState, created: bool) -> Outcome {
    accepted(position, RoomOutcome { room, created })
}
