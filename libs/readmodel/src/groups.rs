//! Groups of collections, and how far each has been projected.
//!
//! A group depends on the log alone and on nothing in another group (with one exception: a new room that every user
//! belongs to reads the users once, and waits for them). So a group that meets an event it cannot apply can stop
//! while the others go on, and it later catches up to the same documents. Which collection belongs to which group
//! stands in the table of [`crate::documents`].

use schemas::position::{Epoch, Position, Sequence};
use serde::{Deserialize, Serialize};

/// Collections that are projected together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Rooms, memberships with their read markers, messages, and what is true of the installation.
    Conversations,
    /// Users.
    People,
    /// Notifications and inboxes.
    Inbox,
}

impl Group {
    /// Every group.
    pub const ALL: [Self; 3] = [Self::Conversations, Self::People, Self::Inbox];

    /// The group's name in databases, metrics and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Conversations => "conversations",
            Self::People => "people",
            Self::Inbox => "inbox",
        }
    }
}

/// How far each group has been projected: the sequence of the last event included, 0 before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Checkpoints {
    /// The checkpoint of [`Group::Conversations`].
    pub conversations: Sequence,
    /// The checkpoint of [`Group::People`].
    pub people: Sequence,
    /// The checkpoint of [`Group::Inbox`].
    pub inbox: Sequence,
}

impl Checkpoints {
    /// All groups at one sequence.
    #[must_use]
    pub const fn all(at: Sequence) -> Self {
        Self { conversations: at, people: at, inbox: at }
    }

    /// The checkpoint of one group.
    #[must_use]
    pub const fn get(&self, group: Group) -> Sequence {
        match group {
            Group::Conversations => self.conversations,
            Group::People => self.people,
            Group::Inbox => self.inbox,
        }
    }

    /// Moves the checkpoint of one group.
    pub const fn set(&mut self, group: Group, at: Sequence) {
        match group {
            Group::Conversations => self.conversations = at,
            Group::People => self.people = at,
            Group::Inbox => self.inbox = at,
        }
    }

    /// The sequence all groups have reached.
    #[must_use]
    pub fn least(&self) -> Sequence {
        self.conversations.min(self.people).min(self.inbox)
    }

    /// The sequence the farthest group has reached.
    #[must_use]
    pub fn most(&self) -> Sequence {
        self.conversations.max(self.people).max(self.inbox)
    }

    /// How far all of these groups are; `Sequence::MAX` for no group.
    #[must_use]
    pub fn least_of(&self, groups: &[Group]) -> Sequence {
        groups.iter().map(|group| self.get(*group)).min().unwrap_or(Sequence::MAX)
    }

    /// The later of two checkpoints, group by group.
    #[must_use]
    pub fn joined(&self, other: &Self) -> Self {
        let mut joined = *self;
        for group in Group::ALL {
            joined.set(group, self.get(group).max(other.get(group)));
        }
        joined
    }
}

/// The event before which each stopped group stands; none for a group that goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stops {
    before: [Option<Sequence>; Group::ALL.len()],
}

impl Stops {
    const fn place(group: Group) -> usize {
        match group {
            Group::Conversations => 0,
            Group::People => 1,
            Group::Inbox => 2,
        }
    }

    /// Notes that a group has stopped before this event.
    pub fn set(&mut self, group: Group, before: Sequence) {
        if let Some(place) = self.before.get_mut(Self::place(group)) {
            *place = Some(before);
        }
    }

    /// The event a group has stopped before; none when it goes on.
    #[must_use]
    pub fn get(&self, group: Group) -> Option<Sequence> {
        self.before.get(Self::place(group)).copied().flatten()
    }

    /// Whether one of these groups has stopped before it reaches a sequence.
    #[must_use]
    pub fn keep_from(&self, groups: &[Group], sequence: Sequence) -> bool {
        groups.iter().any(|group| self.get(*group).is_some_and(|before| before <= sequence))
    }
}

/// How far a generation has been projected.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checkpoint {
    /// The log it was projected from; none before the first commit.
    pub epoch: Option<Epoch>,
    /// The last event included in all groups; 0 before the first.
    pub sequence: Sequence,
    /// How far each group is. They differ only while one has stopped or catches up.
    pub groups: Checkpoints,
    /// Whether a rebuild has retired the generation: it takes no more writes.
    pub retired: bool,
}

impl Checkpoint {
    /// The checkpoint as a position; none until the log is known.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.epoch.as_ref().map(|epoch| epoch.at(self.sequence))
    }
}
