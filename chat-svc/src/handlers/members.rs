//! Joining, leaving, and what members may do.

use std::sync::Arc;

use decider::{Answer, Fact, Failure, ReadFrom, Reads, Seen, UserCall, accepted};
use schemas::commands::{
    Accepted, AddMember, AppointOwner, ChangeMember, JoinRoom, LeaveRoom, RemoveMember, RoomOutcome,
};
use schemas::events::MemberState;
use schemas::values::RoomKind;
use schemas::{Lane, Rejection, RoomId, UserId};

use super::InRoom;
use super::reach::Way;
use crate::call::context;
use crate::chat::Chat;
use crate::domain::member::{Target, add, appoint, change, evolve, join, leave, remove};

impl Chat {
    pub(crate) async fn join_room(&self, call: &UserCall, cmd: JoinRoom) -> Answer<RoomOutcome> {
        self.retry(ReadFrom::Log, |from| self.try_join(call, &cmd.room_id, from)).await
    }

    async fn try_join(
        &self,
        call: &UserCall,
        room: &RoomId,
        from: ReadFrom,
    ) -> Result<Accepted<RoomOutcome>, Failure> {
        let seen = self.see(call, room, from).await?;
        let standing = seen.standing()?;
        let facts = join(&standing, &context(call))?;
        let reads = seen.reads(room);
        self.finish(call, Some(standing.room), facts, &reads).await
    }

    pub(crate) async fn leave_room(&self, call: &UserCall, cmd: LeaveRoom) -> Answer<()> {
        self.retry(ReadFrom::Log, |from| self.try_leave(call, &cmd.room_id, from)).await
    }

    async fn try_leave(
        &self,
        call: &UserCall,
        room: &RoomId,
        from: ReadFrom,
    ) -> Result<Accepted<()>, Failure> {
        let seen = self.see(call, room, from).await?;
        if seen.standing()?.room.kind == RoomKind::Direct {
            return self.hide(call, &seen).await;
        }
        let facts = leave(&seen.standing()?, &context(call))?;
        let reads = seen.reads(room);
        let committed = self.commit(call, facts, &reads).await?;
        Ok(accepted(committed.position(), ()))
    }

    pub(crate) async fn add_member(&self, call: &UserCall, cmd: AddMember) -> Answer<MemberState> {
        self.retry(ReadFrom::Log, |from| self.try_add(call, &cmd, from)).await
    }

    async fn try_add(
        &self,
        call: &UserCall,
        cmd: &AddMember,
        from: ReadFrom,
    ) -> Result<Accepted<MemberState>, Failure> {
        let seen = self.see(call, &cmd.room_id, from).await?;
        let standing = seen.standing()?;
        standing.role()?;
        let user = self.resolve_one(&cmd.user, "/user").await?;
        let person = self.lanes.person(&user, from).await?;
        let (member, reads) = self.see_target(&seen, &cmd.room_id, &user, from).await?;
        let target = Target::of(person.state.as_ref(), member.state.as_ref())?;
        let facts = add(&standing, &target, cmd.role, &context(call))?;
        if !facts.is_empty() {
            let one = std::slice::from_ref(&user);
            self.reaches_all(call, one, Way::Room, "/user", false).await?;
        }
        let after = after(member.state.as_ref(), &facts)?;
        let committed = self.commit(call, facts, &reads).await?;
        Ok(accepted(committed.position(), after))
    }

    pub(crate) async fn remove_member(&self, call: &UserCall, cmd: RemoveMember) -> Answer<()> {
        self.retry(ReadFrom::Log, |from| self.try_remove(call, &cmd, from)).await
    }

    async fn try_remove(
        &self,
        call: &UserCall,
        cmd: &RemoveMember,
        from: ReadFrom,
    ) -> Result<Accepted<()>, Failure> {
        if cmd.user_id == call.user {
            return self.try_leave(call, &cmd.room_id, from).await;
        }
        let seen = self.see(call, &cmd.room_id, from).await?;
        let standing = seen.standing()?;
        let (member, reads) = self.see_target(&seen, &cmd.room_id, &cmd.user_id, from).await?;
        let facts = remove(&standing, &cmd.user_id, member.state.as_ref(), &context(call))?;
        let committed = self.commit(call, facts, &reads).await?;
        Ok(accepted(committed.position(), ()))
    }

    pub(crate) async fn change_member(
        &self,
        call: &UserCall,
        cmd: ChangeMember,
    ) -> Answer<MemberState> {
        self.retry(ReadFrom::Log, |from| self.try_change_member(call, &cmd, from)).await
    }

    async fn try_change_member(
        &self,
        call: &UserCall,
        cmd: &ChangeMember,
        from: ReadFrom,
    ) -> Result<Accepted<MemberState>, Failure> {
        let seen = self.see(call, &cmd.room_id, from).await?;
        let standing = seen.standing()?;
        standing.role()?;
        let person = self.lanes.person(&cmd.user_id, from).await?;
        let (member, reads) = self.see_target(&seen, &cmd.room_id, &cmd.user_id, from).await?;
        let target = Target::of(person.state.as_ref(), member.state.as_ref())?;
        let (facts, after) = change(&standing, &target, cmd, &context(call))?;
        let committed = self.commit(call, facts, &reads).await?;
        Ok(accepted(committed.position(), after))
    }

    pub(crate) async fn appoint_owner(
        &self,
        call: &UserCall,
        cmd: AppointOwner,
    ) -> Answer<MemberState> {
        self.retry(ReadFrom::Log, |from| self.try_appoint(call, &cmd, from)).await
    }

    async fn try_appoint(
        &self,
        call: &UserCall,
        cmd: &AppointOwner,
        from: ReadFrom,
    ) -> Result<Accepted<MemberState>, Failure> {
        let seen = self.see(call, &cmd.room_id, from).await?;
        let person = self.lanes.person(&cmd.user_id, from).await?;
        let (member, reads) = self.see_target(&seen, &cmd.room_id, &cmd.user_id, from).await?;
        let target = Target::of(person.state.as_ref(), member.state.as_ref())?;
        let (admin, room) = (seen.person.state.as_ref(), seen.room.state.as_ref());
        let (facts, after) = appoint(admin, room, &target)?;
        let committed = self.commit(call, facts, &reads).await?;
        Ok(accepted(committed.position(), after))
    }

    /// Loads another user's membership, beside what was read already.
    pub(super) async fn see_target(
        &self,
        seen: &InRoom,
        room: &RoomId,
        user: &UserId,
        from: ReadFrom,
    ) -> Result<(Arc<Seen<Option<MemberState>>>, Reads), Failure> {
        let member = self.lanes.member(room, user, from).await?;
        let mut reads = seen.reads(room);
        reads.note(Lane::Member(*room, *user), member.at);
        Ok((member, reads))
    }
}

/// A membership after a decision.
fn after(before: Option<&MemberState>, facts: &[Fact]) -> Result<MemberState, Rejection> {
    let mut member = before.cloned();
    for fact in facts {
        evolve(&mut member, &fact.data);
    }
    member.ok_or_else(Rejection::not_found)
}
