//! Coming, going, and what members may do.

use std::sync::Arc;

use schemas::commands::{
    Accepted, AddMember, AppointOwner, CallContext, ChangeMember, Command, JoinRoom, LeaveRoom,
    RemoveMember, RoomOutcome,
};
use schemas::events::MemberState;
use schemas::{Lane, Rejection, RoomId, UserId};

use super::Seen;
use crate::call::Call;
use crate::chat::Chat;
use crate::decision::{Failure, ReadAt, accepted, settle};
use crate::domain::Fact;
use crate::domain::member::{Target, add, appoint, change, evolve, join, leave, remove};
use crate::lanes::{Freshness, Snapshot};

impl Chat {
    pub(crate) async fn join_room(
        &self,
        ctx: CallContext,
        cmd: JoinRoom,
    ) -> Result<Accepted<RoomOutcome>, Rejection> {
        let call = Call::of(&ctx)?;
        settle(&self.metrics, Freshness::Fresh, |how| self.try_join(&call, &cmd.room_id, how)).await
    }

    async fn try_join(
        &self,
        call: &Call,
        room: &RoomId,
        how: Freshness,
    ) -> Result<Accepted<RoomOutcome>, Failure> {
        let seen = self.see(call, room, how).await?;
        let standing = seen.standing()?;
        let facts = join(&standing, &call.context())?;
        let read = seen.read_at(room);
        self.finish(call, JoinRoom::NAME, Some(standing.room), facts, &read).await
    }

    pub(crate) async fn leave_room(
        &self,
        ctx: CallContext,
        cmd: LeaveRoom,
    ) -> Result<Accepted<()>, Rejection> {
        let call = Call::of(&ctx)?;
        settle(&self.metrics, Freshness::Fresh, |how| self.try_leave(&call, &cmd.room_id, how))
            .await
    }

    async fn try_leave(
        &self,
        call: &Call,
        room: &RoomId,
        how: Freshness,
    ) -> Result<Accepted<()>, Failure> {
        let seen = self.see(call, room, how).await?;
        let facts = leave(&seen.standing()?, &call.context())?;
        let read = seen.read_at(room);
        let committed = self.commit(call, LeaveRoom::NAME, facts, &read).await?;
        Ok(accepted(committed.position(), ()))
    }

    pub(crate) async fn add_member(
        &self,
        ctx: CallContext,
        cmd: AddMember,
    ) -> Result<Accepted<MemberState>, Rejection> {
        let call = Call::of(&ctx)?;
        settle(&self.metrics, Freshness::Fresh, |how| self.try_add(&call, &cmd, how)).await
    }

    async fn try_add(
        &self,
        call: &Call,
        cmd: &AddMember,
        how: Freshness,
    ) -> Result<Accepted<MemberState>, Failure> {
        let seen = self.see(call, &cmd.room_id, how).await?;
        let standing = seen.standing()?;
        standing.role()?;
        let user = self.resolve_one(&cmd.user, "/user").await?;
        let person = self.lanes.person(&user, how).await?;
        let (member, read) = self.see_target(&seen, &cmd.room_id, &user, how).await?;
        let target = Target::of(person.state.as_ref(), member.state.as_ref())?;
        let facts = add(&standing, &target, cmd.role, &call.context())?;
        let after = after(member.state.as_ref(), &facts)?;
        let committed = self.commit(call, AddMember::NAME, facts, &read).await?;
        Ok(accepted(committed.position(), after))
    }

    pub(crate) async fn remove_member(
        &self,
        ctx: CallContext,
        cmd: RemoveMember,
    ) -> Result<Accepted<()>, Rejection> {
        let call = Call::of(&ctx)?;
        settle(&self.metrics, Freshness::Fresh, |how| self.try_remove(&call, &cmd, how)).await
    }

    async fn try_remove(
        &self,
        call: &Call,
        cmd: &RemoveMember,
        how: Freshness,
    ) -> Result<Accepted<()>, Failure> {
        let seen = self.see(call, &cmd.room_id, how).await?;
        let standing = seen.standing()?;
        let (member, read) = self.see_target(&seen, &cmd.room_id, &cmd.user_id, how).await?;
        let facts = remove(&standing, &cmd.user_id, member.state.as_ref(), &call.context())?;
        let committed = self.commit(call, RemoveMember::NAME, facts, &read).await?;
        Ok(accepted(committed.position(), ()))
    }

    pub(crate) async fn change_member(
        &self,
        ctx: CallContext,
        cmd: ChangeMember,
    ) -> Result<Accepted<MemberState>, Rejection> {
        let call = Call::of(&ctx)?;
        settle(&self.metrics, Freshness::Fresh, |how| self.try_change_member(&call, &cmd, how))
            .await
    }

    async fn try_change_member(
        &self,
        call: &Call,
        cmd: &ChangeMember,
        how: Freshness,
    ) -> Result<Accepted<MemberState>, Failure> {
        let seen = self.see(call, &cmd.room_id, how).await?;
        let standing = seen.standing()?;
        standing.role()?;
        let person = self.lanes.person(&cmd.user_id, how).await?;
        let (member, read) = self.see_target(&seen, &cmd.room_id, &cmd.user_id, how).await?;
        let target = Target::of(person.state.as_ref(), member.state.as_ref())?;
        let (facts, after) = change(&standing, &target, cmd, &call.context())?;
        let committed = self.commit(call, ChangeMember::NAME, facts, &read).await?;
        Ok(accepted(committed.position(), after))
    }

    pub(crate) async fn appoint_owner(
        &self,
        ctx: CallContext,
        cmd: AppointOwner,
    ) -> Result<Accepted<MemberState>, Rejection> {
        let call = Call::of(&ctx)?;
        settle(&self.metrics, Freshness::Fresh, |how| self.try_appoint(&call, &cmd, how)).await
    }

    async fn try_appoint(
        &self,
        call: &Call,
        cmd: &AppointOwner,
        how: Freshness,
    ) -> Result<Accepted<MemberState>, Failure> {
        let seen = self.see(call, &cmd.room_id, how).await?;
        let person = self.lanes.person(&cmd.user_id, how).await?;
        let (member, read) = self.see_target(&seen, &cmd.room_id, &cmd.user_id, how).await?;
        let target = Target::of(person.state.as_ref(), member.state.as_ref())?;
        let (admin, room) = (seen.person.state.as_ref(), seen.room.state.as_ref());
        let (facts, after) = appoint(admin, room, &target)?;
        let committed = self.commit(call, AppointOwner::NAME, facts, &read).await?;
        Ok(accepted(committed.position(), after))
    }

    /// Loads somebody else's membership, beside what was read already.
    async fn see_target(
        &self,
        seen: &Seen,
        room: &RoomId,
        user: &UserId,
        how: Freshness,
    ) -> Result<(Arc<Snapshot<MemberState>>, ReadAt), Failure> {
        let member = self.lanes.member(room, user, how).await?;
        let mut read = seen.read_at(room);
        read.note(Lane::Member(room.clone(), user.clone()), member.sequence);
        Ok((member, read))
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
