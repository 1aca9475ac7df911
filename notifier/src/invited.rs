//! Entries about being added to a room by another user.
//!
//! One entry for each time; none for direct rooms, where the first message has one, and none for the room of everybody.
//! Pure; `invitations` makes them.

use schemas::events::{MemberAdded, NotificationCreated, RoomState};
use schemas::ids::{NotificationId, RoomId, UserId};
use schemas::values::{NotificationKind, RoomKind};
use schemas::{Actor, Event, Sequence, Timestamp};

use crate::entry_ids::derived;

/// A user was added to a room by another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invited {
    /// Whom.
    pub user_id: UserId,
    /// By whom.
    pub actor_id: UserId,
    /// Where to.
    pub room_id: RoomId,
    /// Where the event is.
    pub caused: Sequence,
    /// When that happened.
    pub created_at: Timestamp,
    /// What the entry is called.
    pub notification_id: NotificationId,
}

/// Whom an event tells of a room that they were added to.
pub(crate) fn invited(
    event: &Event,
    added: &MemberAdded,
    at: Sequence,
    room: Option<&RoomState>,
) -> Option<Invited> {
    let MemberAdded { member } = added;
    let Actor::User(actor) = &event.actor else { return None };
    let named = |room: &&RoomState| room.kind != RoomKind::Direct && !room.everyone;
    if *actor == member.user_id || !member.present || room.filter(named).is_none() {
        return None;
    }
    let id = &["invited", event.id.as_str(), member.user_id.as_str()];
    Some(Invited {
        user_id: member.user_id.clone(),
        actor_id: actor.clone(),
        room_id: member.room_id.clone(),
        caused: at,
        created_at: event.time,
        notification_id: NotificationId::from_uuid(derived(event.time, id)),
    })
}

impl Invited {
    /// The entry.
    #[must_use]
    pub fn entry(&self) -> NotificationCreated {
        NotificationCreated {
            notification_id: self.notification_id.clone(),
            user_id: self.user_id.clone(),
            kind: NotificationKind::Invite,
            title: None,
            body: None,
            room_id: Some(self.room_id.clone()),
            message_id: None,
            created_at: self.created_at,
            actor_id: Some(self.actor_id.clone()),
            thread_root_id: None,
            posted: 0,
            caused: self.caused,
            login: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use schemas::EventData;
    use schemas::events::{MemberEvent, MemberState};
    use schemas::ids::EventId;
    use uuid::Uuid;

    use super::*;

    const AT: Sequence = 7;

    fn user(number: u128) -> UserId {
        UserId::from_uuid(Uuid::from_u128(number))
    }

    fn room(kind: RoomKind) -> RoomState {
        let id = RoomId::from_uuid(Uuid::from_u128(100));
        RoomState::begun(id, kind, Timestamp::from_millis(0))
    }

    fn added(whom: u128, by: Actor) -> Event {
        let lane = testbed::every_event().into_iter().find_map(|data| match data {
            EventData::Member(MemberEvent::Added(added)) => Some(added.member),
            _ => None,
        });
        let member = MemberState { user_id: user(whom), present: true, ..lane.unwrap() };
        Event {
            id: EventId::from_uuid(Uuid::from_u128(8)),
            time: Timestamp::from_millis(1_795_255_200_000),
            actor: by,
            causation: None,
            traceparent: None,
            data: MemberAdded { member }.into(),
        }
    }

    fn told(event: &Event, room: Option<&RoomState>) -> Option<Invited> {
        let EventData::Member(MemberEvent::Added(added)) = &event.data else { return None };
        invited(event, added, AT, room)
    }

    #[test]
    fn who_is_added_by_another_is_told_once() {
        let event = added(2, Actor::User(user(1)));
        for kind in [RoomKind::Group, RoomKind::Channel] {
            let entry = told(&event, Some(&room(kind))).unwrap().entry();
            assert_eq!((&entry.user_id, &entry.actor_id), (&user(2), &Some(user(1))));
            assert_eq!((entry.kind, entry.caused), (NotificationKind::Invite, AT));
            let again = told(&event, Some(&room(kind))).unwrap().entry();
            assert_eq!(entry.notification_id, again.notification_id);
        }
    }

    #[test]
    fn direct_rooms_the_room_of_everybody_and_the_system_invite_no_user() {
        let by_user = added(2, Actor::User(user(1)));
        assert_eq!(told(&by_user, Some(&room(RoomKind::Direct))), None);
        let everybody = RoomState { everyone: true, ..room(RoomKind::Channel) };
        assert_eq!(told(&by_user, Some(&everybody)), None);
        assert_eq!(told(&by_user, None), None);
        let group = room(RoomKind::Group);
        assert_eq!(told(&added(2, Actor::System), Some(&group)), None);
        assert_eq!(told(&added(2, Actor::User(user(2))), Some(&group)), None);
    }
}
