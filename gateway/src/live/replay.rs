//! What of the remembered events a person is told when he comes back: pure.
//!
//! Current permissions only: the rooms he is in now, and nothing from before he came into them. What was
//! said and taken back in the meantime is only told as taken back.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use schemas::{MessageId, RoomId, Sequence, UserId};

use super::memory::ONE_BATCH;
use super::told::{Audience, Effect, Told};

/// An event with its place in the log.
pub(crate) type Placed = (Sequence, Arc<Told>);

/// Who is told.
pub(crate) struct Listener<'a> {
    pub(crate) user: &'a UserId,
    /// The rooms he is in now.
    pub(crate) rooms: &'a HashSet<RoomId>,
    /// People he shares a room with, of those the events name.
    pub(crate) acquainted: &'a HashSet<UserId>,
}

/// The frames for a listener, in the order of the log.
pub(crate) fn replay(events: &[Placed], listener: &Listener<'_>) -> Vec<(Sequence, Bytes)> {
    let joined = joined(events, listener.user);
    let deleted: HashSet<&MessageId> = events
        .iter()
        .filter(|(_, told)| told.name == "message.deleted")
        .filter_map(|(_, told)| told.message.as_ref())
        .collect();
    let taken_back = |told: &Told| {
        told.name != "message.deleted"
            && told.message.as_ref().is_some_and(|message| deleted.contains(message))
    };
    events
        .iter()
        .filter(|(_, told)| !taken_back(told))
        .filter_map(|(sequence, told)| {
            frame_for(*sequence, told, listener, &joined).map(|frame| (*sequence, frame))
        })
        .collect()
}

/// Where the person's present stay in a room began, for rooms he came into during these events.
fn joined<'a>(events: &'a [Placed], who: &UserId) -> HashMap<&'a RoomId, Sequence> {
    let mut joined = HashMap::new();
    for (sequence, told) in events {
        if told.name == "member.joined"
            && let Effect::Member { room, user, .. } = &told.effect
            && user == who
        {
            joined.insert(room, *sequence);
        }
    }
    joined
}

fn frame_for(
    sequence: Sequence,
    told: &Told,
    listener: &Listener<'_>,
    joined: &HashMap<&RoomId, Sequence>,
) -> Option<Bytes> {
    let hears = |room: &RoomId| {
        let since = joined.get(room).copied().unwrap_or(0);
        let made_for_him = matches!(told.effect, Effect::Created { .. })
            && since.saturating_sub(sequence) <= ONE_BATCH;
        listener.rooms.contains(room) && (sequence >= since || made_for_him)
    };
    let frame = || told.frame.clone();
    match &told.audience {
        Audience::Room(room) => hears(room).then(frame),
        Audience::RoomAnd(room, user) => (user == listener.user || hears(room)).then(frame),
        Audience::Person(user) => (user == listener.user).then(frame),
        Audience::Acquainted(user) if user == listener.user => {
            Some(told.own.clone().unwrap_or_else(frame))
        }
        Audience::Acquainted(user) => listener.acquainted.contains(user).then(frame),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::fixture::{added, deleted, posted, room, sender, user};
    use crate::live::told::{Place, tell};
    use schemas::{Epoch, Event};

    /// Given these events, when somebody in these rooms comes back, then he is told of these.
    #[track_caller]
    fn told(events: Vec<(Sequence, Event)>, who: u64, rooms: &[u64], expected: &[Sequence]) {
        let epoch = Epoch::parse("e1").unwrap();
        let placed: Vec<Placed> = events
            .into_iter()
            .map(|(sequence, event)| {
                let place = Place { epoch: &epoch, sequence, previous: None };
                (sequence, Arc::new(tell(&event, place, Some(sender(9))).unwrap()))
            })
            .collect();
        let rooms = rooms.iter().copied().map(room).collect();
        let listener = Listener { user: &user(who), rooms: &rooms, acquainted: &HashSet::new() };
        let sequences: Vec<Sequence> =
            replay(&placed, &listener).into_iter().map(|(sequence, _)| sequence).collect();
        assert_eq!(sequences, expected);
    }

    #[test]
    fn only_rooms_he_is_in_now() {
        told(vec![(5, posted(1, 1, 9)), (6, posted(2, 2, 9))], 1, &[1], &[5]);
    }

    #[test]
    fn nothing_from_before_he_came_in() {
        let events = vec![(5, posted(1, 1, 9)), (6, added(1, 1)), (7, posted(1, 2, 9))];
        told(events, 1, &[1], &[6, 7]);
    }

    #[test]
    fn somebody_elses_coming_hides_nothing() {
        let events = vec![(5, posted(1, 1, 9)), (6, added(1, 2)), (7, posted(1, 2, 9))];
        told(events, 1, &[1], &[5, 6, 7]);
    }

    #[test]
    fn he_is_told_that_he_was_put_in_a_room_he_has_left_again() {
        told(vec![(5, added(1, 1)), (6, posted(1, 1, 9))], 1, &[], &[5]);
    }

    #[test]
    fn what_was_taken_back_is_told_as_taken_back_only() {
        let events = vec![(5, posted(1, 1, 9)), (6, posted(1, 2, 9)), (7, deleted(1, 1, 9, 5))];
        told(events, 1, &[1], &[6, 7]);
    }
}
