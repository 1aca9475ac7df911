//! What a client that applies every frame it is told holds in the end: a model of a client, held against what
//! its person can read over REST.
//!
//! The model knows nothing of the log. It does what docs/API.md says of each frame, and no more: a post is added, an
//! edit or a change replaces, a deletion blanks; leaving a room drops it, `reload` means to load it anew.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use schemas::Sequence;
use serde_json::Value;

use super::check::Violation;
use super::trace::{self, Beside, Seen, Told, Trace};
use super::truth::PIN;

/// A message as a client holds it, or as REST shows it: where it was posted, its text unless it is deleted, and what
/// stands beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    posted: Sequence,
    body: Option<String>,
    /// Who reacted how, and whether it is pinned.
    /// None: not known, of a message that is held only because it was edited.
    beside: Option<BTreeSet<(String, String)>>,
}

/// A room as a client holds it.
#[derive(Debug, Default)]
struct Room {
    /// The client holds everything posted later than this.
    since: Sequence,
    messages: BTreeMap<String, Held>,
}

/// What a client holds.
#[derive(Debug)]
pub(crate) struct Picture {
    client: String,
    /// Where its first socket began.
    begun: Sequence,
    /// Where it heard the last word, and stopped listening. A post that was on its way then may be stored later.
    end: Sequence,
    /// None: the user left it, as far as the client was told.
    rooms: HashMap<String, Option<Room>>,
}

impl Held {
    /// Whether REST shows the same, as far as it is known.
    fn agrees_with(&self, read: &Self) -> bool {
        let beside = self.beside.is_none() || self.beside == read.beside;
        beside && (self.posted, &self.body) == (read.posted, &read.body)
    }
}

impl Picture {
    /// Applies everything a client was told, in the order in which it came.
    pub(crate) fn of(trace: &Trace) -> Self {
        let begun = trace.seen.iter().find_map(|seen| match seen {
            Seen::Opened { after } => Some(*after),
            _ => None,
        });
        let end = trace.seen.iter().find_map(|seen| match seen {
            Seen::Finished { position } => Some(*position),
            _ => None,
        });
        let (begun, end) = (begun.unwrap_or_default(), end.unwrap_or(Sequence::MAX));
        let mut picture = Self { client: trace.name.clone(), begun, end, rooms: HashMap::new() };
        for seen in &trace.seen {
            match seen {
                Seen::Told(told) => picture.apply(told, &trace.user),
                Seen::Reload { room, position } => picture.begin(room, *position),
                _ => {}
            }
        }
        picture
    }

    /// Forgets what was held of a room; from here on everything is told.
    fn begin(&mut self, room: &str, since: Sequence) {
        let fresh = Room { since, messages: BTreeMap::new() };
        self.rooms.insert(room.to_owned(), Some(fresh));
    }

    fn apply(&mut self, told: &Told, user: &str) {
        let own = told.user.as_deref() == Some(user);
        match told.event.as_str() {
            "member.left" if own => {
                self.rooms.insert(told.room.clone(), None);
            }
            "member.joined" if own => self.begin(&told.room, told.position),
            _ => {}
        }
        if let Some(beside) = &told.beside {
            self.apply_beside(told, beside);
        }
        let Some(message) = &told.message else { return };
        let begun = self.begun;
        let room = self
            .rooms
            .entry(told.room.clone())
            .or_insert_with(|| Some(Room { since: begun, messages: BTreeMap::new() }));
        let Some(room) = room else { return };
        let body = (told.event != "message.deleted").then(|| message.body.clone());
        let before = room.messages.get(&message.id).map(|held| held.beside.clone());
        let beside = match (&body, &message.beside) {
            (None, _) => Some(BTreeSet::new()),
            (Some(_), Some(beside)) => Some(beside.clone()),
            // A post that says nothing of it has nothing beside it; an edit leaves what there is.
            (Some(_), None) if told.event == "message.posted" => Some(BTreeSet::new()),
            (Some(_), None) => before.flatten(),
        };
        room.messages.insert(message.id.clone(), Held { posted: message.posted, body, beside });
    }

    /// A message that is not held was posted before everything that is: nothing is known of it.
    fn apply_beside(&mut self, told: &Told, beside: &Beside) {
        let Some(Some(room)) = self.rooms.get_mut(&told.room) else { return };
        let Some(held) = room.messages.get_mut(&beside.message) else { return };
        let Some(stands) = &mut held.beside else { return };
        let by = if beside.what == PIN { None } else { told.user.clone() };
        let key = (by.unwrap_or_default(), beside.what.clone());
        if beside.there {
            stands.insert(key);
        } else {
            stands.remove(&key);
        }
    }

    /// Holds a room against its whole history, read over REST at the end by the same person; none when the
    /// person may not read it. Only what was posted up to the last word is compared.
    pub(crate) fn must_equal(
        &self,
        room: &str,
        history: Option<&BTreeMap<String, Held>>,
        violations: &mut Vec<Violation>,
    ) {
        let differs =
            |message: &str, held: Option<&Held>, read: Option<&Held>| Violation::Differs {
                client: self.client.clone(),
                room: room.to_owned(),
                message: message.to_owned(),
                held: format!("{held:?}"),
                read: format!("{read:?}"),
            };
        let untold = Room { since: self.begun, messages: BTreeMap::new() };
        let held = self.rooms.get(room).map_or(Some(&untold), Option::as_ref);
        let (Some(held), Some(history)) = (held, history) else {
            // Out of the room both ways; or in it by one account and out of it by the other.
            let known = self.rooms.contains_key(room);
            if known && held.is_some() != history.is_some() {
                violations.push(differs("(membership)", None, None));
            }
            return;
        };
        for (id, message) in &held.messages {
            let read = history.get(id);
            if !read.is_some_and(|read| message.agrees_with(read)) {
                violations.push(differs(id, Some(message), read));
            }
        }
        for (id, read) in history {
            // A message that is gone need not be told to a client that never had it.
            let told = held.messages.contains_key(id) || read.body.is_none();
            if read.posted > held.since && read.posted <= self.end && !told {
                violations.push(differs(id, None, Some(read)));
            }
        }
    }
}

/// A page of a history as REST shows it.
pub(crate) fn read(items: &[Value]) -> impl Iterator<Item = (String, Held)> {
    items.iter().map(|item| {
        let posted = item["position"].as_str().and_then(super::sequence).expect("a position");
        let body = item["deleted_at"].is_null().then(|| item["body"].as_str().unwrap().to_owned());
        let beside = Some(trace::beside(item).expect("what stands beside it"));
        (item["id"].as_str().expect("an id").to_owned(), Held { posted, body, beside })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::time::Instant;

    fn frame(event: &str, at: Sequence, data: &Value) -> Value {
        json!({"type": "event", "event": event, "room_id": "room_a", "position": format!("e:{at}"),
               "previous": null, "data": data})
    }

    fn message(event: &str, at: Sequence, posted: Sequence, body: &str) -> Value {
        let data =
            json!({"id": format!("msg_{posted}"), "position": format!("e:{posted}"), "body": body});
        frame(event, at, &data)
    }

    /// Given a client of bob that has everything up to 3 and is sent these frames, and this history over
    /// REST (place, text, none when deleted), then so many messages differ.
    #[track_caller]
    fn differ(frames: &[Value], history: Option<&[(Sequence, Option<&str>)]>, expected: usize) {
        let mut trace = Trace::new("client", "usr_bob", Instant::now());
        trace.opened("e:3");
        frames.iter().for_each(|frame| trace.frame(frame));
        trace.finished(9);
        let history = history.map(|history| {
            let held = |&(posted, body): &(Sequence, Option<&str>)| {
                let beside = Some(BTreeSet::new());
                (format!("msg_{posted}"), Held { posted, body: body.map(str::to_owned), beside })
            };
            history.iter().map(held).collect::<BTreeMap<_, _>>()
        });
        let mut violations = Vec::new();
        Picture::of(&trace).must_equal("room_a", history.as_ref(), &mut violations);
        assert_eq!(violations.len(), expected, "{violations:?}");
    }

    #[test]
    fn a_picture_that_matches_rest_passes() {
        let frames = [
            message("message.posted", 4, 4, "one"),
            message("message.posted", 5, 5, "two"),
            message("message.edited", 6, 4, "uno"),
            message("message.deleted", 7, 5, ""),
        ];
        differ(&frames, Some(&[(2, Some("old")), (4, Some("uno")), (5, None)]), 0);
        differ(&frames, Some(&[(4, Some("one")), (5, Some("two"))]), 2);
        differ(&frames, Some(&[(4, Some("uno")), (5, None), (6, Some("missed"))]), 1);
        // A client does not know of what came after it had stopped listening, at 9.
        differ(&frames, Some(&[(4, Some("uno")), (5, None), (10, Some("later"))]), 0);
    }

    /// Given a message that was posted and then reacted to and pinned, live, then these differ from what REST shows.
    #[test]
    fn what_stands_beside_a_message_is_held_against_rest() {
        let post = message("message.posted", 4, 4, "one");
        let change = |event: &str, at, emoji: Option<&str>| {
            let data = json!({"message_id": "msg_4", "user_id": "usr_ada", "emoji": emoji});
            frame(event, at, &data)
        };
        let added = change("reaction.added", 5, Some("x"));
        let removed = change("reaction.removed", 6, Some("x"));
        differ(&[post.clone(), added.clone()], Some(&[(4, Some("one"))]), 1);
        differ(&[post.clone(), added, removed], Some(&[(4, Some("one"))]), 0);
        let (pinned, edited) =
            (change("message.pinned", 5, None), message("message.edited", 6, 4, "one"));
        differ(&[post.clone(), pinned.clone(), edited], Some(&[(4, Some("one"))]), 1);
        let deleted = message("message.deleted", 6, 4, "");
        differ(&[post, pinned, deleted], Some(&[(4, None)]), 0);
    }

    #[test]
    fn what_was_told_after_a_deletion_shows() {
        let frames = [
            message("message.posted", 4, 4, "one"),
            message("message.deleted", 5, 4, ""),
            message("message.edited", 6, 4, "revived"),
        ];
        differ(&frames, Some(&[(4, None)]), 1);
    }

    #[test]
    fn a_room_is_begun_anew_by_coming_back_and_by_reload() {
        let left = frame("member.left", 5, &json!({"user_id": "usr_bob"}));
        let back = frame("member.joined", 7, &json!({"user_id": "usr_bob"}));
        let stale = message("message.posted", 4, 4, "one");
        let frames = [stale.clone(), left.clone(), back, message("message.posted", 8, 8, "two")];
        differ(&frames, Some(&[(4, Some("changed")), (6, Some("unseen")), (8, Some("two"))]), 0);
        let reload = json!({"type": "reload", "room_id": "room_a", "position": "e:9"});
        differ(&[stale.clone(), reload], Some(&[(4, Some("changed")), (9, Some("x"))]), 0);
        differ(&[stale.clone(), left], None, 0);
        differ(&[stale], None, 1);
    }
}
