//! Blocking and unblocking users.

use decider::{Answer, Failure, ReadFrom, Reads, UserCall, accepted};
use schemas::commands::{Accepted, BlockUser, UnblockUser};
use schemas::{Lane, UserId};

use crate::call::{context, direct_room_id};
use crate::chat::Chat;
use crate::domain::block::{Two, set_block};

impl Chat {
    pub(crate) async fn block_user(&self, call: &UserCall, cmd: BlockUser) -> Answer<()> {
        self.retry(ReadFrom::Log, |from| self.try_set_block(call, &cmd.user_id, true, from)).await
    }

    pub(crate) async fn unblock_user(&self, call: &UserCall, cmd: UnblockUser) -> Answer<()> {
        self.retry(ReadFrom::Log, |from| self.try_set_block(call, &cmd.user_id, false, from)).await
    }

    async fn try_set_block(
        &self,
        call: &UserCall,
        other: &UserId,
        block: bool,
        from: ReadFrom,
    ) -> Result<Accepted<()>, Failure> {
        let room = direct_room_id([&call.user, other]);
        let (person, known, blocks, own, others) = tokio::try_join!(
            self.lanes.person(&call.user, from),
            self.lanes.person(other, from),
            self.lanes.blocks(&call.user, from),
            self.lanes.member(&room, &call.user, from),
            self.lanes.member(&room, other, from),
        )?;
        let mut reads = Reads::default();
        reads.note(Lane::Blocks(call.user.clone()), blocks.at);
        reads.note(Lane::Member(room.clone(), call.user.clone()), own.at);
        reads.note(Lane::Member(room.clone(), other.clone()), others.at);
        let two = Two { room: &room, own: own.state.as_ref(), other: others.state.as_ref() };
        let facts = set_block(
            (person.state.as_ref(), blocks.state.as_ref()),
            (other, known.state.as_ref()),
            &two,
            block,
            &context(call),
        )?;
        let committed = self.commit(call, facts, &reads).await?;
        Ok(accepted(committed.position(), ()))
    }
}
