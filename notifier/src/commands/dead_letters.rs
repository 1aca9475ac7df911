//! What the notifier gave up on, for admins.

use decider::{Answer, Failure, UserCall, accepted};
use eventlog::DeadLetter;
use schemas::Rejection;
use schemas::commands::{DeadLetters, ListDeadLetters, RedriveDeadLetter};
use schemas::event::Outline;
use schemas::views;

use super::NotifyCommands;

/// Letters in one answer.
const MAX_LETTERS: u32 = 200;

impl NotifyCommands {
    pub(super) async fn list_dead_letters(
        &self,
        call: &UserCall,
        command: ListDeadLetters,
    ) -> Answer<DeadLetters> {
        let found = self.retry(|| self.try_list(call, &command)).await?;
        Ok(accepted(None, found))
    }

    async fn try_list(
        &self,
        call: &UserCall,
        command: &ListDeadLetters,
    ) -> Result<DeadLetters, Failure> {
        self.must_be_admin(&call.user).await?;
        let limit = usize::try_from(command.limit.clamp(1, MAX_LETTERS)).unwrap_or(1);
        let letters = self.log.dead_letters().await?;
        let mut found = letters.list(command.after, limit + 1).await?;
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|letter| letter.id);
        let mut items = Vec::with_capacity(found.len());
        for letter in found {
            items.push(self.shown(letter).await?);
        }
        Ok(DeadLetters { items, next })
    }

    async fn shown(&self, letter: DeadLetter) -> Result<views::DeadLetter, Failure> {
        let DeadLetter { id, consumer, event, reason, attempts, at } = letter;
        let stored = self.log.get(event).await?;
        let outline = stored.and_then(|stored| Outline::read(&stored.payload));
        Ok(views::DeadLetter {
            id: id.to_string(),
            position: (event > 0).then(|| self.log.epoch().at(event)),
            event_type: outline.map(|outline| outline.kind),
            subscriber: consumer,
            reason,
            attempts,
            created_at: at,
        })
    }

    pub(super) async fn redrive_dead_letter(
        &self,
        call: &UserCall,
        command: RedriveDeadLetter,
    ) -> Answer<()> {
        self.retry(|| self.try_redrive(call, command.letter)).await?;
        Ok(accepted(None, ()))
    }

    async fn try_redrive(&self, call: &UserCall, letter: u64) -> Result<(), Failure> {
        self.must_be_admin(&call.user).await?;
        let letters = self.log.dead_letters().await?;
        if letters.redrive(letter).await? { Ok(()) } else { Err(Rejection::not_found().into()) }
    }
}
