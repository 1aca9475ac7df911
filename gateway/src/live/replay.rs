//! What of the remembered events a user is told on coming back: pure.
//!
//! Current permissions only: the rooms they are in now, and of a room they came into meanwhile nothing from
//! before that, but a `reload`. Compacted: a message posted meanwhile once, at its own place, as it is now; an
//! older one once, at its last change; a deleted one only as deleted; a read marker where it stands.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use schemas::{MessageId, RoomId, Sequence, Timestamp, UserId};

use super::frames::room::ONE_BATCH;
use super::frames::{About, Audience, Broadcast, Effect, FrameName};
use super::memory::Remembered;
use super::plan::{Item, Step};

/// A remembered event, and what it is to clients.
pub(crate) type Placed = (Arc<Remembered>, Arc<Broadcast>);

/// Who is told.
pub(crate) struct Listener<'a> {
    pub(crate) user: &'a UserId,
    /// The rooms they are in now.
    pub(crate) rooms: &'a HashSet<RoomId>,
    /// Users they share a room with, of those the events name.
    pub(crate) shares_room_with: &'a HashSet<UserId>,
}

/// The steps for a listener, in no particular order. `last` is the event at the very place up to which they
/// have everything: it may be told by two frames, of which they may have got one.
pub(crate) fn replay(
    last: Option<&Placed>,
    events: &[Placed],
    listener: &Listener<'_>,
) -> Vec<Step> {
    let joined = joined(events, listener.user);
    let heard: Vec<&Placed> =
        events.iter().filter(|placed| hears(placed, listener, &joined)).collect();
    let stories = Stories::of(&heard, listener.user);
    let mut steps: Vec<Step> =
        heard.iter().filter_map(|placed| stories.step(placed, listener)).collect();
    steps.extend(stories.changed());
    let entered = joined.iter().filter(|(room, _)| listener.rooms.contains(**room));
    steps.extend(entered.map(|(room, at)| Step::reload(room, *at)));
    let elsewhere = |(_, told): &&Placed| {
        // A room they came into since: they were not in it then, and load it anew.
        !matches!(&told.audience, Audience::Room(room) if joined.contains_key(room))
    };
    let last = last.filter(elsewhere);
    steps.extend(last.and_then(|last| second_of(last, listener, &stories)));
    steps
}

/// Where the person's present stay in a room began, for rooms they came into during these events.
fn joined<'a>(events: &'a [Placed], who: &UserId) -> HashMap<&'a RoomId, Sequence> {
    let mut joined = HashMap::new();
    for (event, told) in events {
        if told.name == FrameName::MemberJoined
            && let Effect::Member { room, user, .. } = &told.effect
            && user == who
        {
            joined.insert(room, event.sequence);
        }
    }
    joined
}

fn hears(
    (event, told): &Placed,
    listener: &Listener<'_>,
    joined: &HashMap<&RoomId, Sequence>,
) -> bool {
    let in_room = |room: &RoomId| {
        let since = joined.get(room).copied().unwrap_or(0);
        let made_for_them = matches!(told.effect, Effect::Created { .. })
            && since.saturating_sub(event.sequence) <= ONE_BATCH;
        listener.rooms.contains(room) && (event.sequence >= since || made_for_them)
    };
    match &told.audience {
        Audience::Room(room) => in_room(room),
        Audience::RoomAnd(room, user) => user == listener.user || in_room(room),
        Audience::Person(user) => {
            let is_left = matches!(&told.about, About::Marker { room, .. } if !in_room(room));
            user == listener.user && !is_left
        }
        Audience::PersonIn(room, user) => user == listener.user && in_room(room),
        Audience::SharesRoomWith(user) => {
            user == listener.user || listener.shares_room_with.contains(user)
        }
        Audience::Erased(_) => true,
    }
}

/// The second frame of an event of which the first may have come.
fn second_of(
    (event, told): &Placed,
    listener: &Listener<'_>,
    stories: &Stories<'_>,
) -> Option<Step> {
    let at = event.sequence;
    if told.name == FrameName::MemberJoined
        && let Effect::Member { room, user, .. } = &told.effect
        && user == listener.user
        && listener.rooms.contains(room)
        // A room they had never been in is loaded anyway.
        && event.previous != Some(0)
    {
        return Some(Step::reload(room, at));
    }
    let Audience::Room(room) = &told.audience else { return None };
    let root = told.about.thread().filter(|_| listener.rooms.contains(room))?;
    // What happened to the thread's root later is told there; an edit says nothing of its answers.
    stories.messages.get(root).is_none_or(Story::is_an_edit).then(|| changed(room, root, at))
}

fn changed(room: &RoomId, message: &MessageId, at: Sequence) -> Step {
    /// What a message usually takes.
    const USUAL: usize = 1_024;
    let item = Item::Changed(*room, *message);
    Step { at, second: true, bytes: USUAL, item }
}

fn text_step(at: Sequence, told: &Arc<Broadcast>, message: &MessageId) -> Step {
    let item = Item::Text { broadcast: Arc::clone(told), message: *message };
    Step { at, second: false, bytes: told.frame.len(), item }
}

impl About {
    /// The message whose thread it is about.
    const fn thread(&self) -> Option<&MessageId> {
        match self {
            Self::Posted { thread, .. } | Self::Deleted { thread, .. } => thread.as_ref(),
            Self::Other
            | Self::Edited { .. }
            | Self::Beside { .. }
            | Self::Marker { .. }
            | Self::ThreadMarker { .. }
            | Self::Follow { .. } => None,
        }
    }
}

/// What happened to a message.
#[derive(Default)]
struct Story<'a> {
    posted: bool,
    /// Where it was deleted.
    deleted: Option<Sequence>,
    /// Its last edit.
    edited: Option<&'a Arc<Remembered>>,
    /// Where an answer to it was last posted or deleted.
    answered: Option<(Sequence, &'a RoomId)>,
    /// Answers to it that stand.
    replies: Vec<(&'a MessageId, Timestamp)>,
    /// Where reactions to it or its pin last changed.
    beside: Option<(Sequence, &'a RoomId)>,
}

impl Story<'_> {
    /// Whether it is an older message of which nothing but the text changed.
    const fn is_an_edit(&self) -> bool {
        !self.posted && self.deleted.is_none() && !self.is_whole()
    }

    /// Whether it is an older message that is told whole.
    const fn is_whole(&self) -> bool {
        let is_beside = self.answered.is_some() || self.beside.is_some();
        !self.posted && self.deleted.is_none() && is_beside
    }

    /// Whether it is a deleted message that is told with the number of its answers, after those.
    const fn is_counted(&self) -> bool {
        self.deleted.is_some() && self.answered.is_some()
    }
}

/// What happened to each message, and which move of each read marker counts.
#[derive(Default)]
struct Stories<'a> {
    messages: HashMap<&'a MessageId, Story<'a>>,
    /// How far each person has read, and the event that told it; none when a post did.
    markers: HashMap<(&'a RoomId, &'a UserId), (Sequence, Option<Sequence>)>,
    /// How far the listener has read threads, and the event that told it; none when an answer did.
    thread_markers: HashMap<&'a MessageId, (Sequence, Option<Sequence>)>,
    /// Where the listener last followed threads or stopped.
    follows: HashMap<&'a MessageId, Sequence>,
}

impl<'a> Stories<'a> {
    fn of(heard: &[&'a Placed], listener: &UserId) -> Self {
        let mut stories = Self::default();
        for (event, told) in heard {
            match (&told.audience, &told.about) {
                (Audience::Room(room), _) | (_, About::Marker { room, .. }) => {
                    stories.take(event, told, room, listener);
                }
                (Audience::PersonIn(..), about) => stories.take_own(event.sequence, about),
                (
                    Audience::RoomAnd(..)
                    | Audience::Person(_)
                    | Audience::SharesRoomWith(_)
                    | Audience::Erased(_),
                    _,
                ) => {}
            }
        }
        stories
    }

    /// What the listener did to a thread.
    fn take_own(&mut self, at: Sequence, about: &'a About) {
        match about {
            About::ThreadMarker { root, posted } => {
                let reached = self.thread_markers.entry(root).or_default();
                if *posted > reached.0 {
                    *reached = (*posted, Some(at));
                }
            }
            About::Follow { root } => {
                self.follows.insert(root, at);
            }
            About::Other
            | About::Posted { .. }
            | About::Edited { .. }
            | About::Deleted { .. }
            | About::Beside { .. }
            | About::Marker { .. } => {}
        }
    }

    fn take(
        &mut self,
        event: &'a Arc<Remembered>,
        told: &'a Broadcast,
        room: &'a RoomId,
        listener: &UserId,
    ) {
        let at = event.sequence;
        match &told.about {
            About::Other | About::ThreadMarker { .. } | About::Follow { .. } => {}
            About::Posted { message, thread, by, when } => {
                self.messages.entry(message).or_default().posted = true;
                if let Some(root) = thread {
                    if by == listener {
                        let reached = self.thread_markers.entry(root).or_default();
                        reached.0 = reached.0.max(at);
                    }
                    let root = self.messages.entry(root).or_default();
                    root.answered = Some((at, room));
                    root.replies.push((message, *when));
                } else {
                    let reached = self.markers.entry((room, by)).or_default();
                    reached.0 = reached.0.max(at);
                }
            }
            About::Edited { message } => {
                let story = self.messages.entry(message).or_default();
                // Nothing changes a deleted message.
                if story.deleted.is_none() {
                    story.edited = Some(event);
                }
            }
            About::Deleted { message, thread } => {
                let story = self.messages.entry(message).or_default();
                story.deleted.get_or_insert(at);
                if let Some(root) = thread {
                    let root = self.messages.entry(root).or_default();
                    root.answered = Some((at, room));
                    root.replies.retain(|(answer, _)| *answer != message);
                }
            }
            About::Beside { message } => {
                self.messages.entry(message).or_default().beside = Some((at, room));
            }
            About::Marker { user, posted, .. } => {
                let reached = self.markers.entry((room, user)).or_default();
                if *posted > reached.0 {
                    *reached = (*posted, Some(at));
                }
            }
        }
    }

    /// The step that tells of an event, unless something else says it better.
    fn step(&self, (event, told): &Placed, listener: &Listener<'_>) -> Option<Step> {
        let at = event.sequence;
        let to_self = matches!(&told.audience, Audience::SharesRoomWith(user) | Audience::Erased(user) if user == listener.user);
        let as_told = || Step {
            at,
            second: false,
            bytes: told.frame.len(),
            item: Item::Broadcast { broadcast: Arc::clone(told), to_self },
        };
        let story = |message: &MessageId| self.messages.get(message);
        match &told.about {
            About::Other => Some(as_told()),
            About::ThreadMarker { root, .. } => {
                let reached = self.thread_markers.get(root)?;
                (reached.1 == Some(at)).then(as_told)
            }
            About::Follow { root } => (self.follows.get(root) == Some(&at)).then(as_told),
            About::Posted { message, .. } => {
                let story = story(message)?;
                if story.deleted.is_some() {
                    return None;
                }
                if let Some((_, room)) = story.beside {
                    let item = Item::Whole(*room, *message);
                    return Some(Step { at, second: false, bytes: told.frame.len(), item });
                }
                if story.edited.is_none() && story.replies.is_empty() {
                    return Some(as_told());
                }
                let text = Arc::clone(story.edited.unwrap_or(event));
                let bytes = text.payload.len();
                let count = u64::try_from(story.replies.len()).unwrap_or(u64::MAX);
                let last = story.replies.last().map(|(_, when)| *when);
                let item = Item::Posted { text, replies: (count, last) };
                Some(Step { at, second: false, bytes, item })
            }
            About::Edited { message } => {
                let story = story(message)?;
                let is_last = story.edited.is_some_and(|last| last.sequence == at);
                (is_last && story.is_an_edit()).then(|| text_step(at, told, message))
            }
            // An answer has none of its own.
            About::Deleted { thread: Some(_), .. } => Some(as_told()),
            About::Deleted { message, thread: None } => {
                (!story(message)?.is_counted()).then(|| text_step(at, told, message))
            }
            // Its message is told, as it is now.
            About::Beside { .. } => None,
            About::Marker { room, user, .. } => {
                let reached = self.markers.get(&(room, user))?;
                (reached.1 == Some(at)).then(as_told)
            }
        }
    }

    /// Older messages beside which something changed, each at the last change of anything in it; and deleted ones
    /// that have, or had, answers.
    fn changed(&self) -> impl Iterator<Item = Step> + use<'_, 'a> {
        let told = |(_, story): &(&&MessageId, &Story<'_>)| story.is_whole() || story.is_counted();
        self.messages.iter().filter(told).filter_map(|(id, story)| {
            let (at, room) = story.answered.max(story.beside)?;
            let edited = story.edited.map_or(0, |edit| edit.sequence);
            Some(changed(room, id, at.max(edited).max(story.deleted.unwrap_or(0))))
        })
    }
}

#[cfg(test)]
mod tests;
