//! Random histories, resumed from random places out of memory, out of the read model and out of both, cut at
//! random frames and resumed from the highest position received: a client that applies what it is sent ends
//! with what the events say, and is told nothing of a message after its deletion.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};
use readmodel::MessageMark;
use schemas::{Epoch, Event, EventData, MessageId, RoomId, Sequence, Timestamp};
use serde_json::Value;

use super::client::{Client, json};
use super::docs::{Docs, membership, shown};
use super::model::{AUTHOR, Act, History, LISTENER, act};
use crate::live::changes::Changed;
use crate::live::fixture::{lane_of, links, sender, user};
use crate::live::frames::message::{as_posted, changed_frame, document_frame, has_beside};
use crate::live::frames::{Broadcast, Known, Place, Span, to_frame};
use crate::live::late::{Late, Verdict};
use crate::live::memory::Remembered;
use crate::live::plan::{Item, Plan};
use crate::live::replay::{Listener, Placed, replay};

/// What a hub remembers of a history.
fn remembered(history: &History) -> Vec<Option<Placed>> {
    let epoch = Epoch::parse("e1").unwrap();
    let mut late = Late::since(None);
    let mut lanes = HashMap::new();
    let mut all = Vec::new();
    for (sequence, event) in history.upto(history.next() - 1) {
        let lane = lane_of(event);
        let previous = Some(lanes.insert(lane, sequence).unwrap_or(0));
        let verdict = late.judge(&event.data, sequence, Timestamp::from_millis(1));
        let known = Known { sender: Some(sender(AUTHOR)), notification: None };
        let place = Place { epoch: &epoch, sequence, previous };
        let told = to_frame(event, place, known).unwrap();
        let kept = Remembered::new(sequence, previous, lane, &event.encode().unwrap());
        all.push((verdict == Verdict::Timely).then(|| (Arc::new(kept), Arc::new(told))));
    }
    all
}

/// The room the listener comes into by an event.
fn joined(event: &Event) -> Option<RoomId> {
    let EventData::Member(event) = &event.data else { return None };
    event.after().present.then(|| event.after().room_id)
}

/// A resume under way: where the log ends, how far the read model is and, of that, what the memory forgot.
struct Server<'a> {
    history: &'a History,
    memory: &'a [Option<Placed>],
    head: Sequence,
}

impl Server<'_> {
    fn plan_of_memory(&self, after: Sequence, begin: bool) -> Plan {
        let part = |from: Sequence, to: Sequence| {
            let range = usize::try_from(from).unwrap()..usize::try_from(to).unwrap();
            self.memory[range].iter().flatten().cloned().collect::<Vec<Placed>>()
        };
        let rooms = Docs::at(self.history, self.head).rooms();
        let (user, others) = (user(LISTENER), HashSet::new());
        let listener = Listener { user: &user, rooms: &rooms, shares_room_with: &others };
        let last = if begin && after > 0 { part(after - 1, after).pop() } else { None };
        let steps = replay(last.as_ref(), &part(after, self.head), &listener);
        Plan::new(after, self.head, steps)
    }

    /// Documents as of `at`, of which everything up to `through` counts.
    fn plan_of_read_model(&self, after: Sequence, through: Sequence, at: Sequence) -> Plan {
        let docs = Docs::at(self.history, at);
        let now = Docs::at(self.history, self.head).rooms();
        let later = self.history.upto(self.head).filter(|(at, _)| *at > through);
        let joined: HashSet<RoomId> = later.filter_map(|(_, event)| joined(event)).collect();
        let mut rooms: HashSet<RoomId> = docs.rooms().intersection(&now).cloned().collect();
        rooms.retain(|room| !joined.contains(room));
        let marks = docs.messages.values().filter(|doc| rooms.contains(&doc.room_id));
        let marks =
            marks.filter(|doc| doc.updated > after || doc.posted < after && doc.updated == after);
        let markers = docs
            .markers
            .iter()
            .filter(|((room, _), (_, _, moved))| rooms.contains(room) && *moved > after);
        let marker = |((room, who), (_, id, moved)): (&(RoomId, u64), &(_, MessageId, _))| {
            let mut doc = membership(room, 1, false);
            doc.user_id = user(*who);
            (doc.marker_message_id, doc.marker_updated) = (Some(*id), *moved);
            if *who != LISTENER {
                (doc.receipt_message_id, doc.receipt_updated) = (Some(*id), *moved);
            }
            doc
        };
        let changed = Changed {
            messages: marks.map(MessageMark::of).collect(),
            followers: docs
                .followers
                .values()
                .filter(|doc| rooms.contains(&doc.room_id))
                .filter(|doc| doc.changed > after || doc.marker_updated > after)
                .cloned()
                .collect(),
            own: docs.own.values().filter(|doc| doc.changed >= after).cloned().collect(),
            markers: markers.map(marker).collect(),
            prefs: docs
                .own
                .values()
                .filter(|doc| doc.present && doc.prefs_changed > after)
                .cloned()
                .collect(),
            ..Changed::default()
        };
        let (epoch, user) = (Epoch::parse("e1").unwrap(), user(LISTENER));
        let links = links();
        let span = Span { epoch: &epoch, user: &user, links: &links, after, through };
        Plan::new(after, through, changed.steps(&span))
    }

    /// The frames of a plan, documents being read as of the log's end.
    fn frames(&self, plan: &Plan) -> Vec<Value> {
        let epoch = Epoch::parse("e1").unwrap();
        let docs = Docs::at(self.history, self.head);
        let mut frames = Vec::new();
        for step in &plan.steps {
            let place = Place { epoch: &epoch, sequence: step.at, previous: None };
            let frame: Option<Bytes> = match &step.item {
                Item::Broadcast { broadcast, .. } => Some(broadcast.frame.clone()),
                Item::Text { broadcast, message } => {
                    let doc = Some(&docs.messages[message]).filter(|doc| has_beside(doc));
                    match doc {
                        Some(doc) => changed_frame(doc, place, sender(AUTHOR), shown(doc)),
                        None => Some(broadcast.frame.clone()),
                    }
                }
                Item::Posted { text, replies } => {
                    let EventData::Message(event) = Event::decode(&text.payload).unwrap().data
                    else {
                        unreachable!()
                    };
                    as_posted(&event, place, sender(AUTHOR), *replies)
                }
                Item::Message(id) | Item::Whole(_, id) => {
                    let doc = &docs.messages[id];
                    document_frame(doc, plan.after, place, sender(AUTHOR), shown(doc))
                }
                Item::Changed(_, id) => {
                    let doc = &docs.messages[id];
                    changed_frame(doc, place, sender(AUTHOR), shown(doc))
                }
                Item::Reload(room) => {
                    let reload = serde_json::json!({
                        "type": "reload", "room_id": room, "position": epoch.at(step.at),
                    });
                    frames.push(reload);
                    None
                }
                Item::Frame(frame) => Some(frame.clone()),
            };
            frames.extend(frame.map(|frame| json(&frame)));
        }
        frames
    }
}

/// A resume that is cut, or not: how much of the log there is by then, whether the memory reaches back, how far
/// the read model is, and after how many frames it is cut.
type Try = (u8, bool, u8, u8);

fn part(of: Sequence, from: Sequence, share: u8) -> Sequence {
    from + (of - from) * Sequence::from(share) / 255
}

fn resumed(acts: &[Act], begin: u8, tries: &[Try]) -> Result<(), String> {
    let history = History::of(acts);
    let memory = remembered(&history);
    let end = history.next() - 1;
    let start = part(end, 2, begin);
    let mut client = Client::loaded(&history, start);
    let mut head = start;
    let last = (255, tries.len().is_multiple_of(2), 128, 255);
    for (count, (grown, from_memory, checkpoint, cut)) in
        tries.iter().copied().chain([last]).enumerate()
    {
        head = part(end, head, grown);
        let server = Server { history: &history, memory: &memory, head };
        let (after, now) = (client.position, Docs::at(&history, head));
        let mut frames = Vec::new();
        if from_memory {
            frames.extend(server.frames(&server.plan_of_memory(after, true)));
        } else {
            let through = part(head, after, checkpoint);
            let at = part(head, through, checkpoint);
            frames.extend(server.frames(&server.plan_of_read_model(after, through, at)));
            frames.extend(server.frames(&server.plan_of_memory(through, false)));
        }
        let is_last = count == tries.len();
        let sent = if is_last { frames.len() } else { frames.len() * usize::from(cut) / 256 };
        for frame in &frames[..sent] {
            client.apply(frame, &now, &history.said)?;
        }
    }
    client.compare(&Docs::at(&history, end))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]
    #[test]
    fn a_client_ends_with_what_the_events_say(
        acts in proptest::collection::vec(act(), 1..40),
        begin in any::<u8>(),
        tries in proptest::collection::vec(any::<Try>(), 0..4),
    ) {
        if let Err(wrong) = resumed(&acts, begin, &tries) {
            prop_assert!(false, "{wrong}");
        }
    }
}

/// A client that missed a post while its user was out of a room must not be told of an edit of it by documents that do
/// not know of that absence yet.
#[test]
fn a_room_that_was_left_and_joined_again_is_only_reloaded() {
    let acts = [Act::Post(0), Act::Post(1), Act::Edit(0), Act::Turn(0), Act::Turn(0), Act::Post(1)];
    // Out of memory while they are out, cut after one frame; then out of documents of before they left.
    resumed(&acts, 0, &[(170, true, 0, 128), (128, false, 85, 255)]).unwrap();
}

/// A client that is cut off between an answer and a later edit of its root is told how many answers there are.
#[test]
fn an_edit_after_an_answer_tells_the_count() {
    let acts = [Act::Post(0), Act::Answer(0), Act::Post(1), Act::Edit(0)];
    // Loaded after the first post; of the answer, the second post and the edited root only the first two come.
    resumed(&acts, 64, &[(255, true, 255, 171)]).unwrap();
}

/// Of answers to a deleted message nothing tells but the message itself.
#[test]
fn a_deleted_message_tells_how_many_answers_stand() {
    let acts = [
        Act::Post(0),
        Act::Answer(0),
        Act::Answer(0),
        Act::Delete(0),
        Act::Post(1),
        Act::Delete(1),
    ];
    for tries in [
        [(255, true, 255, 255)].as_slice(),
        &[(255, false, 128, 255)],
        &[(255, false, 255, 128)],
        &[(128, true, 255, 128), (255, true, 255, 128)],
    ] {
        for begin in 0..=255 {
            resumed(&acts, begin, tries).unwrap();
        }
    }
}

/// The judge itself: a client that is told of a message after its deletion is noticed.
#[test]
fn the_client_notices_what_must_not_be() {
    let history = History::of(&[Act::Post(0), Act::Delete(0)]);
    let mut client = Client::loaded(&history, 4);
    let memory = remembered(&History::of(&[Act::Post(0)]));
    let told: &Arc<Broadcast> = &memory[2].as_ref().unwrap().1;
    let mut frame = json(&told.frame);
    frame["position"] = "e1:4".into();
    let now = Docs::at(&history, 4);
    assert!(client.apply(&frame, &now, &history.said).is_err());
}
