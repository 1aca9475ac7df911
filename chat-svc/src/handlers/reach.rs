//! Whether a user lets another reach them: blocks and preferences. Blocks in direct rooms of two are fenced by the
//! member lanes; everything here is judged by what is remembered of the log, at most a second late.

use std::time::Duration;

use decider::{Failure, ReadFrom, UserCall};
use futures_util::{StreamExt, TryStreamExt, stream};
use schemas::events::RoomState;
use schemas::preferences::Reach;
use schemas::values::RoomKind;
use schemas::{Code, Rejection, UserId};

use super::LOOKUPS;
use crate::chat::Chat;
use crate::domain::access::Denied;
use crate::domain::person::Person;

/// How long the index is waited for before a user is refused.
const PATIENCE: Duration = Duration::from_secs(1);

/// The way in which a user is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// By a direct room that is opened.
    Direct,
    /// By being brought into a group or channel.
    Room,
}

impl Way {
    /// Who may reach a user that way.
    fn asked_by(self, person: Option<&Person>) -> Reach {
        person.map_or(Reach::Everyone, |person| match self {
            Self::Direct => person.direct_messages,
            Self::Room => person.added_to_rooms,
        })
    }
}

/// The other member of a direct room of two.
fn other_of_two<'a>(room: &'a RoomState, user: &UserId) -> Option<&'a UserId> {
    match room.direct_members.as_slice() {
        [one, two] if room.kind == RoomKind::Direct => {
            [one, two].into_iter().find(|member| *member != user)
        }
        _ => None,
    }
}

impl Chat {
    /// In a direct room of two the caller must be one the other wants to be written to by.
    pub(super) async fn reaches_other(
        &self,
        call: &UserCall,
        room: &RoomState,
    ) -> Result<(), Failure> {
        let Some(other) = other_of_two(room, &call.user) else { return Ok(()) };
        let person = self.lanes.person(other, ReadFrom::Cache).await?;
        let reach = Way::Direct.asked_by(person.state.as_ref());
        if reach == Reach::Everyone || self.is_wanted(call, room, other, reach).await? {
            return Ok(());
        }
        self.caught_up().await?;
        match self.is_wanted(call, room, other, reach).await? {
            true => Ok(()),
            false => Err(Denied::Blocked.into()),
        }
    }

    /// Whether the other member of a direct room has written there, or wants to hear from the caller.
    async fn is_wanted(
        &self,
        call: &UserCall,
        room: &RoomState,
        other: &UserId,
        reach: Reach,
    ) -> Result<bool, Failure> {
        Ok(self.index.has_written(&room.id, other).await?
            || self.is_within(reach, &call.user, other).await?)
    }

    /// Gives the index a moment to learn what is in the log: a user who was written to, or with whom a room is shared,
    /// a moment ago is not refused.
    async fn caught_up(&self) -> Result<(), Failure> {
        let head = self.log.head().await?;
        if self.index.checkpoint(&self.log.epoch()).await? < head {
            self.index.wait_for(head, PATIENCE).await;
        }
        Ok(())
    }

    /// Each of these users must let the caller bring them into a room that way; `pointer` names the field they
    /// stand in, and their place in it is added where `listed`.
    pub(super) async fn reaches_all(
        &self,
        call: &UserCall,
        users: &[UserId],
        way: Way,
        pointer: &str,
        listed: bool,
    ) -> Result<(), Failure> {
        stream::iter(users.iter().cloned().enumerate())
            .map(|(index, user)| async move {
                if user == call.user || self.lets_in(call, &user, way).await? {
                    return Ok(());
                }
                let pointer =
                    if listed { format!("{pointer}/{index}") } else { pointer.to_owned() };
                let text = Denied::Blocked.to_string();
                Err(Rejection::field(Code::Blocked, &pointer, "blocked", text).into())
            })
            .buffered(LOOKUPS)
            .try_collect()
            .await
    }

    async fn lets_in(&self, call: &UserCall, user: &UserId, way: Way) -> Result<bool, Failure> {
        let (person, blocks) = tokio::try_join!(
            self.lanes.person(user, ReadFrom::Cache),
            self.lanes.blocks(user, ReadFrom::Cache),
        )?;
        if blocks.state.as_ref().is_some_and(|blocks| blocks.blocked.contains(&call.user)) {
            return Ok(false);
        }
        let reach = way.asked_by(person.state.as_ref());
        if reach == Reach::NoUser || self.is_within(reach, &call.user, user).await? {
            return Ok(reach != Reach::NoUser);
        }
        self.caught_up().await?;
        self.is_within(reach, &call.user, user).await
    }

    /// Whether `user` is among those who may reach `other`.
    async fn is_within(
        &self,
        reach: Reach,
        user: &UserId,
        other: &UserId,
    ) -> Result<bool, Failure> {
        Ok(match reach {
            Reach::Everyone => true,
            Reach::SharedRooms => self.index.share_room(user, other).await?,
            Reach::NoUser => false,
        })
    }
}
