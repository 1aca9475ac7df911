//! What of the remembered events a person is told when he comes back: pure.
//!
//! Current permissions only: the rooms he is in now, and nothing from before he came into them. Compacted: what
//! was said and changed in the meantime is told once, with its last text; what was said and taken back only as
//! taken back; a read marker where it stands. The newest event of a lane is always among what is told, so the
//! next live event follows on it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use schemas::{Epoch, Lane, MessageId, RoomId, Sequence, UserId};

use super::memory::{ONE_BATCH, Remembered};
use super::told::{Audience, Effect, Told};
use super::wire;

/// A remembered event, and what it is to clients.
pub(crate) type Placed = (Arc<Remembered>, Arc<Told>);

/// Who is told.
pub(crate) struct Listener<'a> {
    pub(crate) epoch: &'a Epoch,
    pub(crate) user: &'a UserId,
    /// What he has: everything up to here.
    pub(crate) after: Sequence,
    /// What he has besides: everything later than this, as it came.
    pub(crate) until: Sequence,
    /// The rooms he is in now.
    pub(crate) rooms: &'a HashSet<RoomId>,
    /// People he shares a room with, of those the events name.
    pub(crate) acquainted: &'a HashSet<UserId>,
}

/// The frames for a listener, in the order of the log.
pub(crate) fn replay(events: &[Placed], listener: &Listener<'_>) -> Vec<(Sequence, Bytes)> {
    let joined = joined(events, listener.user);
    let heard: Vec<(&Placed, Bytes)> = events
        .iter()
        .filter_map(|placed| frame_for(placed, listener, &joined).map(|frame| (placed, frame)))
        .collect();
    let last = Last::of(&heard);
    let mut told_on: HashMap<&Lane, Sequence> = HashMap::new();
    let mut frames = Vec::with_capacity(heard.len());
    for ((event, told), frame) in heard {
        let Some(frame) = last.compacted(event.sequence, told, frame) else { continue };
        // He has what is later, except a post that is told by its last edit.
        let missing = event.sequence <= listener.until || last.tells_post(told, listener.until);
        if !missing {
            continue;
        }
        let before = told_on.insert(&event.lane, event.sequence);
        let known = event.previous.filter(|previous| *previous <= listener.after);
        let previous = before.or(known);
        let frame = if previous == event.previous {
            frame
        } else {
            let previous = previous.filter(|previous| *previous > 0);
            wire::with_previous(&frame, previous.map(|previous| listener.epoch.at(previous)))
        };
        frames.push((event.sequence, frame));
    }
    frames
}

/// The last that happened to each message and each read marker.
#[derive(Default)]
struct Last<'a> {
    messages: HashMap<&'a MessageId, Sequence>,
    /// Messages that were posted among these events, and where.
    posted: HashMap<&'a MessageId, Sequence>,
    markers: HashMap<(&'a RoomId, &'a UserId), Sequence>,
}

impl<'a> Last<'a> {
    fn of(heard: &[(&'a Placed, Bytes)]) -> Self {
        let mut last = Self::default();
        for ((event, told), _) in heard {
            if let Some(message) = &told.message {
                last.messages.insert(message, event.sequence);
                if told.name == "message.posted" {
                    last.posted.insert(message, event.sequence);
                }
            }
            if let (Audience::Room(room), Some(user)) = (&told.audience, &told.marker) {
                last.markers.insert((room, user), event.sequence);
            }
        }
        last
    }

    /// Whether this edit stands for a post that was not later than `until`.
    fn tells_post(&self, told: &Told, until: Sequence) -> bool {
        let posted = told.message.as_ref().and_then(|message| self.posted.get(message));
        told.anew.is_some() && posted.is_some_and(|posted| *posted <= until)
    }

    /// The frame, unless something later says it better.
    fn compacted(&self, sequence: Sequence, told: &'a Told, frame: Bytes) -> Option<Bytes> {
        if let Some(message) = &told.message {
            let unseen = self.posted.contains_key(message);
            let frame = told.anew.clone().filter(|_| unseen).unwrap_or(frame);
            return (self.messages.get(message) == Some(&sequence)).then_some(frame);
        }
        if let (Audience::Room(room), Some(user)) = (&told.audience, &told.marker) {
            return (self.markers.get(&(room, user)) == Some(&sequence)).then_some(frame);
        }
        Some(frame)
    }
}

/// Where the person's present stay in a room began, for rooms he came into during these events.
fn joined<'a>(events: &'a [Placed], who: &UserId) -> HashMap<&'a RoomId, Sequence> {
    let mut joined = HashMap::new();
    for (event, told) in events {
        if told.name == "member.joined"
            && let Effect::Member { room, user, .. } = &told.effect
            && user == who
        {
            joined.insert(room, event.sequence);
        }
    }
    joined
}

fn frame_for(
    (event, told): &Placed,
    listener: &Listener<'_>,
    joined: &HashMap<&RoomId, Sequence>,
) -> Option<Bytes> {
    let hears = |room: &RoomId| {
        let since = joined.get(room).copied().unwrap_or(0);
        let made_for_him = matches!(told.effect, Effect::Created { .. })
            && since.saturating_sub(event.sequence) <= ONE_BATCH;
        listener.rooms.contains(room) && (event.sequence >= since || made_for_him)
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
    use crate::live::fixture::{added, deleted, edited, lane_of, posted, read, room, sender, user};
    use crate::live::told::{Known, Place, tell};
    use schemas::Event;
    use serde_json::Value;

    /// Given these events and somebody who has everything up to 4, when he comes back and is in these rooms,
    /// then he is told of these: position, name, and the position said to be the former one on the lane.
    #[track_caller]
    fn told(
        events: Vec<(Sequence, Event)>,
        who: u64,
        rooms: &[u64],
        expected: &[(Sequence, &str, u64)],
    ) {
        told_until(Sequence::MAX, events, who, rooms, expected);
    }

    /// The same for somebody who has everything after `until` as well.
    #[track_caller]
    fn told_until(
        until: Sequence,
        events: Vec<(Sequence, Event)>,
        who: u64,
        rooms: &[u64],
        expected: &[(Sequence, &str, u64)],
    ) {
        let epoch = Epoch::parse("e1").unwrap();
        let mut lanes: HashMap<Lane, Sequence> = HashMap::new();
        let mut placed: Vec<Placed> = Vec::new();
        for (sequence, event) in events {
            let lane = lane_of(&event);
            let previous = Some(lanes.insert(lane.clone(), sequence).unwrap_or(3));
            let place = Place { epoch: &epoch, sequence, previous };
            let known = Known { sender: Some(sender(9)), notification: None };
            let told = tell(&event, place, known).unwrap();
            let event = Remembered::new(sequence, previous, lane, &[]);
            placed.push((Arc::new(event), Arc::new(told)));
        }
        let rooms = rooms.iter().copied().map(room).collect();
        let (user, acquainted) = (user(who), HashSet::new());
        let listener = Listener {
            epoch: &epoch,
            user: &user,
            after: 4,
            until,
            rooms: &rooms,
            acquainted: &acquainted,
        };
        let frames = replay(&placed, &listener);
        let found: Vec<(Sequence, String, String)> = frames
            .iter()
            .map(|(sequence, frame)| {
                let start = frame.iter().position(|byte| *byte == b'{').unwrap();
                let json: Value = serde_json::from_slice(&frame[start..]).unwrap();
                let text = |field: &str| json[field].as_str().unwrap_or("e1:0").to_owned();
                (*sequence, text("event"), text("previous"))
            })
            .collect();
        let expected: Vec<(Sequence, String, String)> = expected
            .iter()
            .map(|(sequence, name, previous)| {
                (*sequence, (*name).to_owned(), format!("e1:{previous}"))
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn only_rooms_he_is_in_now() {
        let events = vec![(5, posted(1, 1, 9)), (6, posted(2, 2, 9))];
        told(events, 1, &[1], &[(5, "message.posted", 3)]);
    }

    #[test]
    fn nothing_from_before_he_came_in() {
        let events = vec![(5, posted(1, 1, 9)), (6, added(1, 1)), (7, posted(1, 2, 9))];
        told(events, 1, &[1], &[(6, "member.joined", 3), (7, "message.posted", 0)]);
    }

    #[test]
    fn somebody_elses_coming_hides_nothing() {
        let events = vec![(5, posted(1, 1, 9)), (6, added(1, 2)), (7, posted(1, 2, 9))];
        let expected =
            [(5, "message.posted", 3), (6, "member.joined", 3), (7, "message.posted", 5)];
        told(events, 1, &[1], &expected);
    }

    #[test]
    fn he_is_told_that_he_was_put_in_a_room_he_has_left_again() {
        let events = vec![(5, added(1, 1)), (6, posted(1, 1, 9))];
        told(events, 1, &[], &[(5, "member.joined", 3)]);
    }

    #[test]
    fn what_was_taken_back_is_told_as_taken_back_only() {
        let events = vec![(5, posted(1, 1, 9)), (6, posted(1, 2, 9)), (7, deleted(1, 1, 9, 5))];
        told(events, 1, &[1], &[(6, "message.posted", 0), (7, "message.deleted", 6)]);
    }

    #[test]
    fn what_was_changed_is_told_once_with_its_last_text() {
        let events = vec![
            (5, posted(1, 1, 9)),
            (6, edited(1, 1, 9, 5)),
            (7, edited(1, 1, 9, 5)),
            (8, edited(1, 2, 9, 2)),
        ];
        told(events, 1, &[1], &[(7, "message.posted", 0), (8, "message.edited", 7)]);
    }

    #[test]
    fn who_has_the_end_already_gets_the_beginning_as_it_is_now() {
        let events = vec![
            (5, posted(1, 1, 9)),
            (6, posted(1, 2, 9)),
            (7, posted(1, 3, 9)),
            (8, posted(1, 4, 9)),
            (9, edited(1, 1, 9, 5)),
            (10, deleted(1, 2, 9, 6)),
            (11, edited(1, 4, 9, 8)),
        ];
        told_until(7, events, 1, &[1], &[(7, "message.posted", 0), (9, "message.posted", 7)]);
    }

    #[test]
    fn of_a_read_marker_only_where_it_stands() {
        let events = vec![(5, read(1, 1, 1)), (6, read(1, 2, 1)), (7, read(1, 1, 2))];
        told(events, 1, &[1], &[(6, "read.moved", 0), (7, "read.moved", 6)]);
    }
}
