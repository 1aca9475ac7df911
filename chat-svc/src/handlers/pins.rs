//! Pins.

use decider::{Answer, Failure, ReadFrom, UserCall, accepted};
use schemas::commands::{Accepted, PinMessage, UnpinMessage};
use schemas::events::MAX_PINS;

use crate::addition::Addition;
use crate::call::context;
use crate::chat::Chat;
use crate::domain::message::MessageRejection;
use crate::domain::pin;

impl Chat {
    pub(crate) async fn pin_message(&self, call: &UserCall, cmd: PinMessage) -> Answer<()> {
        self.retry(ReadFrom::Cache, |from| self.try_pin(call, &cmd, from)).await
    }

    async fn try_pin(
        &self,
        call: &UserCall,
        cmd: &PinMessage,
        from: ReadFrom,
    ) -> Result<Accepted<()>, Failure> {
        let (message, seen) = self.message_in_room(call, &cmd.message_id, from).await?;
        let cx = context(call);
        pin::may_pin(&seen.standing()?, &message, &cx)?;
        let addition = Addition::pin(&message.state.room_id, &cmd.message_id);
        let turn = self.turns.of(&message.state.room_id).await;
        let before = self.became(&addition).await?;
        if before.there {
            return Ok(accepted(Some(self.known_at(before)), ()));
        }
        let room = self.room_for(&addition, MAX_PINS).await?;
        let fact = pin::pin(&seen.standing()?, &message, room.others, room.near_limit, &cx)?;
        let appended = self.commit_addition(call, (&addition, before), fact, &seen).await?;
        self.additions.added(&addition, appended.position.sequence, room.near_limit);
        drop(turn);
        if room.near_limit {
            let full = MessageRejection::TooManyPins;
            self.must_have_fit(&addition, appended.position.sequence, full).await?;
        }
        Ok(accepted(Some(appended.position), ()))
    }

    pub(crate) async fn unpin_message(&self, call: &UserCall, cmd: UnpinMessage) -> Answer<()> {
        self.retry(ReadFrom::Cache, |from| self.try_unpin(call, &cmd, from)).await
    }

    async fn try_unpin(
        &self,
        call: &UserCall,
        cmd: &UnpinMessage,
        from: ReadFrom,
    ) -> Result<Accepted<()>, Failure> {
        let (message, seen) = self.message_in_room(call, &cmd.message_id, from).await?;
        let fact = pin::unpin(&seen.standing()?, &message, &context(call))?;
        let addition = Addition::pin(&message.state.room_id, &cmd.message_id);
        let _turn = self.turns.of(&message.state.room_id).await;
        let before = self.became(&addition).await?;
        if !before.there {
            return Ok(accepted(Some(self.known_at(before)), ()));
        }
        let appended = self.commit_addition(call, (&addition, before), fact, &seen).await?;
        self.additions.removed(&addition, appended.position.sequence);
        Ok(accepted(Some(appended.position), ()))
    }
}
