//! Reactions.

use decider::{Answer, Failure, ReadFrom, UserCall, accepted};
use schemas::commands::{Accepted, AddReaction, RemoveReaction};
use schemas::events::MAX_KINDS;

use crate::addition::Addition;
use crate::call::context;
use crate::chat::Chat;
use crate::domain::message::MessageRejection;
use crate::domain::reaction;

impl Chat {
    pub(crate) async fn add_reaction(&self, call: &UserCall, cmd: AddReaction) -> Answer<()> {
        let _turn = self.turns.of(&(&call.user, &cmd.message_id)).await;
        self.retry(ReadFrom::Cache, |from| self.try_add_reaction(call, &cmd, from)).await
    }

    async fn try_add_reaction(
        &self,
        call: &UserCall,
        cmd: &AddReaction,
        from: ReadFrom,
    ) -> Result<Accepted<()>, Failure> {
        let (message, seen) = self.message_in_room(call, &cmd.message_id, from).await?;
        let cx = context(call);
        reaction::may_react(&seen.standing()?, &message, &cx)?;
        let addition = Addition::reaction(&cmd.message_id, &call.user, &cmd.emoji);
        let before = self.became(&addition).await?;
        if before.there {
            return Ok(accepted(Some(self.known_at(before)), ()));
        }
        // A kind that is new waits until it is known how many there are.
        let kinds = self.index.addition(&addition).await?.counted;
        let new = !kinds.contains(&addition.counted().1);
        let turn = if new { self.kinds.of(&cmd.message_id).await } else { None };
        let room = self.room_for(&addition, MAX_KINDS).await?;
        let (others, near) = (room.others, room.near_limit);
        let fact = reaction::add(&seen.standing()?, &message, &cmd.emoji, others, near, &cx)?;
        let appended = self.commit_addition(call, (&addition, before), fact, &seen).await?;
        self.additions.added(&addition, appended.position.sequence, near);
        drop(turn);
        if near {
            let full = MessageRejection::TooManyKinds;
            self.must_have_fit(&addition, appended.position.sequence, full).await?;
        }
        Ok(accepted(Some(appended.position), ()))
    }

    pub(crate) async fn remove_reaction(&self, call: &UserCall, cmd: RemoveReaction) -> Answer<()> {
        let _turn = self.turns.of(&(&call.user, &cmd.message_id)).await;
        self.retry(ReadFrom::Cache, |from| self.try_remove_reaction(call, &cmd, from)).await
    }

    async fn try_remove_reaction(
        &self,
        call: &UserCall,
        cmd: &RemoveReaction,
        from: ReadFrom,
    ) -> Result<Accepted<()>, Failure> {
        let (message, seen) = self.message_in_room(call, &cmd.message_id, from).await?;
        let fact = reaction::remove(&seen.standing()?, &message, &cmd.emoji, &context(call))?;
        let addition = Addition::reaction(&cmd.message_id, &call.user, &cmd.emoji);
        let before = self.became(&addition).await?;
        if !before.there {
            return Ok(accepted(Some(self.known_at(before)), ()));
        }
        let appended = self.commit_addition(call, (&addition, before), fact, &seen).await?;
        self.additions.removed(&addition, appended.position.sequence);
        Ok(accepted(Some(appended.position), ()))
    }
}
