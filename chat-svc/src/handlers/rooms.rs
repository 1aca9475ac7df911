//! Creating, changing and archiving rooms.

use std::collections::BTreeSet;

use decider::{Answer, Committed, Fact, Failure, ReadFrom, Reads, UserCall, accepted};
use schemas::commands::{Accepted, ArchiveRoom, ChangeRoom, CreateRoom, OpenDirect, RoomOutcome};
use schemas::events::RoomState;
use schemas::values::RoomKind;
use schemas::{Code, Lane, Position, Rejection, RoomId, UserId};

use super::reach::Way;
use crate::call::{context, direct_room_id, room_id};
use crate::chat::Chat;
use crate::domain::access::Denied;
use crate::domain::retention::keeps_within;
use crate::domain::room::{
    MAX_DIRECT_OTHERS, MAX_FIRST_MEMBERS, Name, NameChange, NewRoom, RoomRejection, archiving,
    change, create, evolve, evolve_name, open_direct,
};

pub(super) type Outcome = Accepted<RoomOutcome>;

impl Chat {
    pub(crate) async fn create_room(
        &self,
        call: &UserCall,
        cmd: CreateRoom,
    ) -> Answer<RoomOutcome> {
        let id = room_id(call);
        if cmd.members.len() > MAX_FIRST_MEMBERS {
            return Err(RoomRejection::TooManyMembers.into());
        }
        self.retry(ReadFrom::Log, |from| self.try_create(call, &cmd, &id, from)).await
    }

    async fn try_create(
        &self,
        call: &UserCall,
        cmd: &CreateRoom,
        id: &RoomId,
        from: ReadFrom,
    ) -> Result<Outcome, Failure> {
        let (person, before) =
            tokio::try_join!(self.lanes.person(&call.user, from), self.lanes.room(id, from))?;
        if let Some(room) = &before.state {
            // The same call has created it before: its id follows from the idempotency key.
            let position = self.log.epoch().at(before.at);
            return Ok(made(Some(position), room.clone(), true));
        }
        let others = self.resolve(&cmd.members, "/members").await?;
        self.all_active(&others, "/members").await?;
        let mut reads = Reads::default();
        let holder = match cmd.kind {
            RoomKind::Channel => {
                self.name(self.names.room_name(cmd.name.as_str()), &mut reads).await?
            }
            RoomKind::Group | RoomKind::Direct => None,
        };
        if holder.as_deref() == Some(id.as_str()) {
            // The same call has created it between the two reads.
            return Err(Failure::Conflict);
        }
        let cx = context(call);
        let new = NewRoom { id, names: &self.names };
        let facts = create(new, cmd, person.state.as_ref(), &holder, &others, &cx)?;
        self.reaches_all(call, &others, Way::Room, "/members", true).await?;
        self.finish(call, None, facts, &reads).await
    }

    pub(crate) async fn open_direct(
        &self,
        call: &UserCall,
        cmd: OpenDirect,
    ) -> Answer<RoomOutcome> {
        if cmd.members.len() > MAX_DIRECT_OTHERS + 1 {
            return Err(RoomRejection::DirectSize.into());
        }
        self.retry(ReadFrom::Log, |from| self.try_open_direct(call, &cmd, from)).await
    }

    async fn try_open_direct(
        &self,
        call: &UserCall,
        cmd: &OpenDirect,
        from: ReadFrom,
    ) -> Result<Outcome, Failure> {
        let person = self.lanes.person(&call.user, from).await?;
        let others = self.resolve(&cmd.members, "/members").await?;
        let members: BTreeSet<&UserId> = others.iter().chain([&call.user]).collect();
        let id = direct_room_id(members.iter().copied());
        let mut reads = Reads::default();
        let holder = self.name(self.names.direct(members.iter().copied()), &mut reads).await?;
        let facts = open_direct(&id, person.state.as_ref(), &others, &context(call), &self.names)?;
        let Some(owner) = holder else {
            self.reaches_all(call, &others, Way::Direct, "/members", true).await?;
            if let [one, two] = members.into_iter().collect::<Vec<_>>().as_slice() {
                self.unblocked(&id, [*one, *two], &others, call, &mut reads).await?;
            }
            return self.finish(call, None, facts, &reads).await;
        };
        let internal = || Rejection::new(Code::Internal, "the direct room cannot be found");
        let id = RoomId::parse(&owner).map_err(|_| internal())?;
        let room = self.lanes.room(&id, from).await?;
        let shown = self.show(call, &id).await?;
        Ok(made(shown, room.state.clone().ok_or_else(internal)?, false))
    }

    /// Two of whom one blocks the other open no room. Their member lanes say so before there is one, and are read so
    /// that no block comes in between.
    async fn unblocked(
        &self,
        id: &RoomId,
        both: [&UserId; 2],
        others: &[UserId],
        call: &UserCall,
        reads: &mut Reads,
    ) -> Result<(), Failure> {
        for user in both {
            let member = self.lanes.member(id, user, ReadFrom::Log).await?;
            reads.note(Lane::Member(*id, *user), member.at);
            if member.state.as_ref().is_some_and(|member| member.blocks || member.blocked) {
                let place = others.iter().position(|other| *other != call.user).unwrap_or_default();
                let text = Denied::Blocked.to_string();
                let pointer = format!("/members/{place}");
                return Err(Rejection::field(Code::Blocked, &pointer, "blocked", text).into());
            }
        }
        Ok(())
    }

    pub(crate) async fn change_room(
        &self,
        call: &UserCall,
        cmd: ChangeRoom,
    ) -> Answer<RoomOutcome> {
        self.retry(ReadFrom::Log, |from| self.try_change_room(call, &cmd, from)).await
    }

    async fn try_change_room(
        &self,
        call: &UserCall,
        cmd: &ChangeRoom,
        from: ReadFrom,
    ) -> Result<Outcome, Failure> {
        let seen = self.see(call, &cmd.room_id, from).await?;
        let standing = seen.standing()?;
        let mut reads = seen.reads(&cmd.room_id);
        let NameChange { released, claimed } = NameChange::of(standing.room, cmd, &self.names);
        if let Some(name) = released {
            self.name(self.names.room_name(name.as_str()), &mut reads).await?;
        }
        let holder = match claimed {
            Some(name) => self.name(self.names.room_name(name.as_str()), &mut reads).await?,
            None => None,
        };
        let facts = change(&standing, cmd, &holder, &context(call), &self.names)?;
        keeps_within(cmd, self.retention_days)?;
        self.finish(call, Some(standing.room), facts, &reads).await
    }

    pub(crate) async fn archive_room(
        &self,
        call: &UserCall,
        cmd: ArchiveRoom,
    ) -> Answer<RoomOutcome> {
        let change = archiving(&cmd.room_id);
        self.retry(ReadFrom::Log, |from| self.try_change_room(call, &change, from)).await
    }

    /// The holder of a unique name; takes note of where its lane is.
    pub(super) async fn name(&self, lane: Lane, reads: &mut Reads) -> Result<Name, Failure> {
        let mut name = None;
        let stored = self.log.last(&lane).await?;
        if let Some(stored) = &stored {
            evolve_name(&mut name, &stored.event()?.data);
        }
        reads.note(lane, stored.map_or(0, |stored| stored.sequence));
        Ok(name)
    }

    /// Writes a decision about a room and answers with the room after it.
    pub(super) async fn finish(
        &self,
        call: &UserCall,
        before: Option<&RoomState>,
        facts: Vec<Fact>,
        reads: &Reads,
    ) -> Result<Outcome, Failure> {
        let mut after = before.cloned();
        for fact in &facts {
            evolve(&mut after, &fact.data);
        }
        let room = after.ok_or_else(Rejection::not_found)?;
        match self.commit(call, facts, reads).await? {
            // Another try carried out this very command: its room, to the last detail, is the answer.
            Committed::Before(_) if before.is_none() => Err(Failure::Conflict),
            committed => Ok(made(committed.position(), room, before.is_none())),
        }
    }
}

fn made(position: Option<Position>, room: RoomState, created: bool) -> Outcome {
    accepted(position, RoomOutcome { room, created })
}
