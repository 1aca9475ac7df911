//! Who came into and went out of which room since the read model's last word on it: pure.
//!
//! A person's rooms are what the read model says plus what is here, so a projection that is behind, or stands
//! before an event it cannot apply, keeps no user out and lets none hear a room they have left. While the
//! projection keeps up there is next to nothing in here.

use std::collections::{HashMap, HashSet, VecDeque};

use schemas::events::{RoomCreated, RoomEvent};
use schemas::{Event, EventData, Lane, RoomId, Sequence, UserId};

/// Changes that are kept at most, about 150 MB; an installation whose views have stood for longer than that lets
/// no new sockets in until they go on.
const MAX_CHANGES: usize = 1_000_000;

/// The newest change of each membership, and the rooms of everyone that were created.
#[derive(Debug, Default)]
pub(crate) struct Unprojected {
    people: HashMap<UserId, HashMap<RoomId, (Sequence, bool)>>,
    everyone: Vec<(Sequence, RoomId)>,
    /// In the order of the log, so that what has been projected is forgotten from the front.
    order: VecDeque<(Sequence, UserId, RoomId)>,
    /// What happened up to here is not (any more) in here.
    floor: Sequence,
}

impl Unprojected {
    /// Nothing yet, of what happens after a place.
    pub(crate) fn after(floor: Sequence) -> Self {
        Self { floor, ..Self::default() }
    }

    /// A read model that is less far than this cannot be made up for from here.
    pub(crate) const fn floor(&self) -> Sequence {
        self.floor
    }

    /// The rooms of everybody that the read model may not know.
    pub(crate) fn everyone(&self) -> impl Iterator<Item = &RoomId> {
        self.everyone.iter().map(|(_, room)| room)
    }

    /// Takes note of what an event does to who is in which room. One that cannot be read takes the person of its
    /// membership out: whether they may hear the room is not known.
    pub(crate) fn note(&mut self, sequence: Sequence, lane: &Lane, event: Option<&Event>) {
        let Some(event) = event else {
            if let Lane::Member(room, user) = lane {
                self.member(sequence, room, user, false);
            }
            return;
        };
        match &event.data {
            EventData::Room(event) => self.room(sequence, event),
            EventData::Member(event) => {
                let member = event.after();
                let present = member.present && !member.banned;
                self.member(sequence, &member.room_id, &member.user_id, present);
            }
            EventData::Message(_)
            | EventData::Reaction(_)
            | EventData::Pin(_)
            | EventData::Receipt(_)
            | EventData::Thread(_)
            | EventData::Media(_)
            | EventData::Report(_)
            | EventData::Notification(_)
            | EventData::User(_)
            | EventData::Session(_)
            | EventData::Challenge(_)
            | EventData::Identity(_)
            | EventData::Name(_)
            | EventData::Block(_)
            | EventData::Prefs(_)
            | EventData::Audit(_)
            | EventData::Invite(_)
            | EventData::Erasure(_)
            | EventData::Export(_)
            | EventData::Hold(_)
            | EventData::Retention(_) => {}
        }
    }

    fn room(&mut self, sequence: Sequence, event: &RoomEvent) {
        match event {
            RoomEvent::Created(RoomCreated { room }) => {
                for member in &room.direct_members {
                    self.member(sequence, &room.id, member, true);
                }
                if room.everyone {
                    self.everyone.push((sequence, room.id));
                }
            }
            RoomEvent::Changed(_) | RoomEvent::Archived(_) | RoomEvent::Restored(_) => {}
        }
    }

    fn member(&mut self, sequence: Sequence, room: &RoomId, user: &UserId, present: bool) {
        let rooms = self.people.entry(*user).or_default();
        rooms.insert(*room, (sequence, present));
        self.order.push_back((sequence, *user, *room));
        if self.order.len() > MAX_CHANGES
            && let Some((oldest, ..)) = self.order.front()
        {
            let oldest = *oldest;
            self.forget_through(oldest);
        }
    }

    /// The read model has everything up to here.
    pub(crate) fn forget_through(&mut self, sequence: Sequence) {
        self.floor = self.floor.max(sequence);
        while self.order.front().is_some_and(|(at, ..)| *at <= sequence) {
            let Some((at, user, room)) = self.order.pop_front() else { return };
            let Some(rooms) = self.people.get_mut(&user) else { continue };
            // A later change of the same membership has taken its place.
            if rooms.get(&room).is_some_and(|(newest, _)| *newest == at) {
                rooms.remove(&room);
            }
            if rooms.is_empty() {
                self.people.remove(&user);
            }
        }
        self.everyone.retain(|(at, _)| *at > sequence);
    }

    /// Makes what the read model said of a person's rooms, as of any place from [`Self::floor`] on, what the log says
    /// up to the newest event noted.
    pub(crate) fn apply(&self, user: &UserId, rooms: &mut HashSet<RoomId>) {
        rooms.extend(self.everyone.iter().map(|(_, room)| *room));
        for (room, (_, present)) in self.people.get(user).into_iter().flatten() {
            if *present {
                rooms.insert(*room);
            } else {
                rooms.remove(room);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use schemas::events::{MemberLeft, MemberState, RoomState};
    use schemas::values::RoomKind;

    use super::*;
    use crate::live::fixture::{added, event, lane_of, room, user};

    fn left(in_room: u64, who: u64) -> Event {
        let EventData::Member(schemas::events::MemberEvent::Added(added)) =
            added(in_room, who).data
        else {
            unreachable!()
        };
        event(MemberLeft { member: MemberState { present: false, ..added.member } })
    }

    fn created(id: u64, direct: &[u64], everyone: bool) -> Event {
        event(RoomCreated {
            room: RoomState {
                everyone,
                direct_members: direct.iter().map(|number| user(*number)).collect(),
                ..RoomState::begun(room(id), RoomKind::Direct, schemas::Timestamp::default())
            },
        })
    }

    /// Given these events from 11 on and what the read model says of user 1, then they are in these rooms.
    #[track_caller]
    fn are_in(events: &[Event], projected: Sequence, read: &[u64], expected: &[u64]) {
        let mut unprojected = Unprojected::after(10);
        for (sequence, event) in (11..).zip(events) {
            unprojected.note(sequence, &lane_of(event), Some(event));
        }
        unprojected.forget_through(projected);
        let mut rooms: HashSet<RoomId> = read.iter().map(|number| room(*number)).collect();
        unprojected.apply(&user(1), &mut rooms);
        assert_eq!(rooms, expected.iter().map(|number| room(*number)).collect::<HashSet<_>>());
    }

    #[test]
    fn what_happened_since_counts_and_the_last_of_it_decides() {
        let events = [added(1, 1), left(1, 1), added(2, 1), left(3, 1), added(4, 2)];
        are_in(&events, 10, &[3, 5], &[2, 5]);
        // The read model has some of it already: the same comes out.
        are_in(&events, 10, &[1, 3, 5], &[2, 5]);
        are_in(&events, 12, &[3, 5], &[2, 5]);
        are_in(&events, 15, &[3, 5], &[3, 5]);
    }

    #[test]
    fn rooms_made_for_them_or_for_everybody_count() {
        let events = [created(1, &[1, 2], false), created(2, &[], true), created(3, &[2], false)];
        are_in(&events, 10, &[], &[1, 2]);
        are_in(&events, 11, &[], &[2]);
    }

    #[test]
    fn a_membership_that_cannot_be_read_counts_for_none_until_one_can_again() {
        let mut unprojected = Unprojected::default();
        let mut rooms = HashSet::from([room(1)]);
        unprojected.note(1, &Lane::Member(room(1), user(1)), None);
        unprojected.note(2, &Lane::Timeline(room(1)), None);
        unprojected.apply(&user(1), &mut rooms);
        assert_eq!(rooms, HashSet::new());
        unprojected.note(3, &Lane::Member(room(1), user(1)), Some(&added(1, 1)));
        unprojected.apply(&user(1), &mut rooms);
        assert_eq!(rooms, HashSet::from([room(1)]));
    }

    #[test]
    fn nothing_is_left_of_what_was_projected() {
        let mut unprojected = Unprojected::default();
        for sequence in 1..100 {
            let event = added(sequence % 7, sequence % 5);
            unprojected.note(sequence, &lane_of(&event), Some(&event));
        }
        unprojected.forget_through(99);
        assert!(unprojected.people.is_empty() && unprojected.order.is_empty());
        assert_eq!(unprojected.floor(), 99);
    }
}
