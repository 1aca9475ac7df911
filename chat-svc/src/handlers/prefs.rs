//! What members set about their own membership.

use decider::{Answer, Failure, ReadFrom, Reads, UserCall, accepted};
use schemas::commands::{Accepted, ChangePrefs, RoomOutcome};
use schemas::events::PrefsState;
use schemas::{Lane, RoomId, Sequence, UserId};

use super::InRoom;
use crate::chat::Chat;
use crate::domain::prefs::{change, evolve, hide, show};

impl Chat {
    pub(crate) async fn change_prefs(
        &self,
        call: &UserCall,
        cmd: ChangePrefs,
    ) -> Answer<RoomOutcome> {
        self.retry(ReadFrom::Log, |from| self.try_change_prefs(call, &cmd, from)).await
    }

    async fn try_change_prefs(
        &self,
        call: &UserCall,
        cmd: &ChangePrefs,
        from: ReadFrom,
    ) -> Result<Accepted<RoomOutcome>, Failure> {
        let seen = self.see(call, &cmd.room_id, from).await?;
        let standing = seen.standing()?;
        let mut reads = Reads::default();
        let (before, _) = self.prefs(&cmd.room_id, &call.user, &mut reads).await?;
        let facts = change(&standing, before.as_ref(), cmd)?;
        let room = standing.room.clone();
        let committed = self.commit(call, facts, &reads).await?;
        Ok(accepted(committed.position(), RoomOutcome { room, created: false }))
    }

    /// Leaving a direct room, whose members are fixed: it is off the caller's list until the next message.
    pub(super) async fn hide(
        &self,
        call: &UserCall,
        seen: &InRoom,
    ) -> Result<Accepted<()>, Failure> {
        let standing = seen.standing()?;
        let room = &standing.room.id;
        let mut reads = Reads::default();
        let (before, at) = self.prefs(room, &call.user, &mut reads).await?;
        let since = match before.as_ref().is_some_and(|prefs| prefs.hidden) {
            true => self.has_news(room, at).await?,
            false => true,
        };
        let facts = hide(&standing, before.as_ref(), since)?;
        let committed = self.commit(call, facts, &reads).await?;
        Ok(accepted(committed.position(), ()))
    }

    /// A room that the caller opens is on their list again.
    pub(super) async fn show(
        &self,
        call: &UserCall,
        room: &RoomId,
    ) -> Result<Option<schemas::Position>, Failure> {
        let mut reads = Reads::default();
        let (before, _) = self.prefs(room, &call.user, &mut reads).await?;
        let facts = show(before);
        if facts.is_empty() {
            return Ok(None);
        }
        Ok(self.commit(call, facts, &reads).await?.position())
    }

    /// Whether anything happened on a room's timeline after a place.
    async fn has_news(&self, room: &RoomId, after: Sequence) -> Result<bool, Failure> {
        let last = self.log.last(&Lane::Timeline(*room)).await?;
        Ok(last.is_some_and(|last| last.sequence > after))
    }

    /// A member's settings and where they were set last; takes note of where their lane is.
    async fn prefs(
        &self,
        room: &RoomId,
        user: &UserId,
        reads: &mut Reads,
    ) -> Result<(Option<PrefsState>, Sequence), Failure> {
        let lane = Lane::Prefs(*room, *user);
        let stored = self.log.last(&lane).await?;
        let mut prefs = None;
        if let Some(stored) = &stored {
            evolve(&mut prefs, &stored.event()?.data);
        }
        let at = stored.map_or(0, |stored| stored.sequence);
        reads.note(lane, at);
        Ok((prefs, at))
    }
}
