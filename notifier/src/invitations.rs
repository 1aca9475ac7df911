//! Makes entries about being added to a room.
//!
//! Such an entry is read by reading the room from then on, and by being out of it. Like entries about messages it is made
//! by what is true when it is made: who has read or left the room meanwhile gets none.

use readmodel::{Group, MembershipDoc, NotificationDoc, ReadStore};
use schemas::EventData;
use schemas::values::Notify;

use crate::channel::{Cause, Done, Failed};
use crate::inbox::Inbox;
use crate::notices::{ROUNDS, failed, read};
use crate::policy::Invited;
use crate::reader::Reader;

/// What an inbox lacks of what it should hold: `there` is the entry as it is, `waits` says whether it is still due.
fn lacks(invited: &Invited, there: Option<&NotificationDoc>, waits: bool) -> Option<EventData> {
    match there {
        None => waits.then(|| invited.entry().into()),
        Some(entry) if !entry.read && !waits => Some(read(&invited.user_id, entry.id.clone())),
        Some(_) => None,
    }
}

impl Inbox {
    /// Makes an entry about being added to a room, if it is due.
    pub(crate) async fn invite(&self, invited: &Invited, cause: &Cause) -> Result<Done, Failed> {
        let (user, mut done) = (&invited.user_id, Done::Before);
        for _ in 0..ROUNDS {
            let end = self.end_of(user).await?;
            if !self.caught_up(Group::Inbox, end).await {
                // As for entries about messages: people are told all the same, and an entry counts once.
                let again = Cause { repeated: false, ..cause.clone() };
                return self.put(&invited.entry(), &again).await;
            }
            self.caught_up(Group::Conversations, invited.caused.max(end)).await;
            let store = self.read_model.current();
            let there = store.notification(user, &invited.notification_id).await.map_err(failed)?;
            let waits = waits(store.as_ref(), invited).await?;
            let Some(event) = lacks(invited, there.as_ref(), waits) else { return Ok(done) };
            if self.write(user, end, vec![event], cause).await?.is_some() {
                done = Done::Now;
            }
        }
        Err(Failed::for_now("too much comes into an inbox at once"))
    }
}

/// Whether the user is still to be told: they are in the room, have not read it since, and want to hear of it.
async fn waits(store: &dyn ReadStore, invited: &Invited) -> Result<bool, Failed> {
    let Invited { user_id, room_id, caused, .. } = invited;
    let reader = Reader::load(store, user_id, room_id, &[]).await.map_err(failed)?;
    let told =
        |own: &MembershipDoc| own.marker_at <= *caused && own.notify != Notify::None && !own.banned;
    Ok(!reader.was_out_since(*caused) && reader.own.as_ref().is_none_or(told))
}

#[cfg(test)]
mod tests {
    use schemas::Timestamp;
    use schemas::ids::{NotificationId, RoomId, UserId};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_entry_is_made_while_it_is_due_and_read_when_it_is_not() {
        let invited = Invited {
            user_id: UserId::from_uuid(Uuid::from_u128(2)),
            actor_id: UserId::from_uuid(Uuid::from_u128(1)),
            room_id: RoomId::from_uuid(Uuid::from_u128(100)),
            caused: 7,
            created_at: Timestamp::from_millis(0),
            notification_id: NotificationId::from_uuid(Uuid::from_u128(8)),
        };
        let name = |there: Option<&NotificationDoc>, waits| {
            lacks(&invited, there, waits).map(|event| event.type_name())
        };
        assert_eq!(name(None, true), Some("notification.created.v1"));
        assert_eq!(name(None, false), None);
        let made = invited.entry();
        let mut entry = NotificationDoc {
            id: made.notification_id,
            user_id: made.user_id,
            kind: made.kind,
            title: None,
            body: None,
            actor_id: made.actor_id,
            login: false,
            room_id: made.room_id,
            message_id: None,
            thread_root_id: None,
            posted: 0,
            caused: 7,
            removed: false,
            read: false,
            created_at: made.created_at,
            created: 9,
            updated: 9,
        };
        assert_eq!(name(Some(&entry), true), None);
        assert_eq!(name(Some(&entry), false), Some("notification.read.v1"));
        entry.read = true;
        assert_eq!(name(Some(&entry), false), None);
    }
}
