//! Blocking and unblocking users.

use decider::{Answer, Call, Failure, ReadFrom, Reads, UserCall, accepted};
use schemas::commands::{Accepted, BlockUser, ForgetBlocks, UnblockUser};
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

    /// One after another: each is expected to find the list as the one before it left it.
    pub(crate) async fn forget_blocks(&self, call: &Call, cmd: ForgetBlocks) -> Answer<()> {
        // Each block is a write of its own, and no repeat of the one before it.
        let mut keyless = call.clone();
        keyless.key = None;
        let call = UserCall::acting_for(&keyless, cmd.user_id);
        let blocks = self.retry(ReadFrom::Log, |from| self.lanes.blocks(&call.user, from)).await?;
        let blocked = blocks.state.as_ref().map(|blocks| blocks.blocked.clone());
        let mut position = None;
        for other in blocked.unwrap_or_default() {
            let lifted =
                self.retry(ReadFrom::Log, |from| self.try_set_block(&call, &other, false, from));
            position = lifted.await?.position.or(position);
        }
        Ok(accepted(position, ()))
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
        reads.note(Lane::Blocks(call.user), blocks.at);
        reads.note(Lane::Member(room, call.user), own.at);
        reads.note(Lane::Member(room, *other), others.at);
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
