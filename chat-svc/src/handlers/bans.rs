//! Bans.

use std::time::Duration;

use decider::{Answer, Call, Failure, ReadFrom, Reads, UserCall, accepted};
use schemas::commands::{Accepted, BanMember, CallContext, LiftBan};
use schemas::{Lane, RoomId, Timestamp, UserId};
use telemetry::Shutdown;

use crate::call::context;
use crate::chat::Chat;
use crate::domain::member::{Target, ban, lapse, lift};

/// How often bans that have run out are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Bans ended at a time.
const AT_ONCE: usize = 100;

impl Chat {
    pub(crate) async fn ban_member(&self, call: &UserCall, cmd: BanMember) -> Answer<()> {
        self.retry(ReadFrom::Log, |from| self.try_ban(call, &cmd, from)).await
    }

    async fn try_ban(
        &self,
        call: &UserCall,
        cmd: &BanMember,
        from: ReadFrom,
    ) -> Result<Accepted<()>, Failure> {
        let seen = self.see(call, &cmd.room_id, from).await?;
        let standing = seen.standing()?;
        standing.role()?;
        let person = self.lanes.person(&cmd.user_id, from).await?;
        let (member, reads) = self.see_target(&seen, &cmd.room_id, &cmd.user_id, from).await?;
        let target = Target::of(person.state.as_ref(), member.state.as_ref())?;
        let facts = ban(&standing, &target, cmd, &context(call))?;
        let committed = self.commit(call, facts, &reads).await?;
        Ok(accepted(committed.position(), ()))
    }

    pub(crate) async fn lift_ban(&self, call: &UserCall, cmd: LiftBan) -> Answer<()> {
        self.retry(ReadFrom::Log, |from| self.try_lift(call, &cmd, from)).await
    }

    async fn try_lift(
        &self,
        call: &UserCall,
        cmd: &LiftBan,
        from: ReadFrom,
    ) -> Result<Accepted<()>, Failure> {
        let seen = self.see(call, &cmd.room_id, from).await?;
        let standing = seen.standing()?;
        let (member, reads) = self.see_target(&seen, &cmd.room_id, &cmd.user_id, from).await?;
        let facts = lift(&standing, &cmd.user_id, member.state.as_ref(), &context(call))?;
        let committed = self.commit(call, facts, &reads).await?;
        Ok(accepted(committed.position(), ()))
    }

    /// Brings users back into the room of everybody when their bans have run out, until asked to stop: there is no
    /// joining it.
    pub(crate) async fn end_bans(&self, general: RoomId, stop: Shutdown) {
        loop {
            tokio::select! {
                () = stop.wait() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            // A read model that does not answer is asked again.
            let found = self.index.lapsed_bans(&general, Timestamp::now(), AT_ONCE).await;
            for user in found.unwrap_or_default() {
                if let Err(error) = self.end_ban(&general, &user).await {
                    tracing::warn!(room.id = %general, %error, "a ban that has run out is not ended");
                }
            }
        }
    }

    async fn end_ban(&self, general: &RoomId, user: &UserId) -> Result<(), schemas::Rejection> {
        let call = Call::new("end_ban", CallContext::default());
        let call = &call;
        self.retry(ReadFrom::Log, |from| async move {
            let room = self.lanes.room(general, from).await?;
            let member = self.lanes.member(general, user, from).await?;
            let (Some(room), Some(state)) = (&room.state, &member.state) else { return Ok(()) };
            let mut reads = Reads::default();
            reads.note(Lane::Member(*general, *user), member.at);
            self.commit(call, lapse(room, state, Timestamp::now()), &reads).await?;
            Ok(())
        })
        .await
    }
}
