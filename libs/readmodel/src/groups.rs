//! Groups of collections, each with a checkpoint of its own.
//!
//! What a group holds is a function of the log alone and of nothing in another group (a new room of everybody
//! asks the people once, and waits for them). So a group that meets an event it cannot apply can stop
//! while the others go on, and catches up later to the same documents.

use schemas::position::Sequence;
use serde::{Deserialize, Serialize};

use crate::docs::Collection;

/// Collections that are projected together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Rooms, memberships with their read markers, messages, and what is true of all rooms.
    Conversations,
    /// People.
    People,
    /// Notifications and inboxes.
    Inbox,
}

impl Group {
    /// Every group.
    pub const ALL: [Self; 3] = [Self::Conversations, Self::People, Self::Inbox];

    /// Its name in databases, metrics and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Conversations => "conversations",
            Self::People => "people",
            Self::Inbox => "inbox",
        }
    }
}

impl Collection {
    /// The group a collection belongs to.
    #[must_use]
    pub const fn group(self) -> Group {
        match self {
            Self::Users => Group::People,
            Self::Rooms | Self::Memberships | Self::Messages | Self::Site => Group::Conversations,
            Self::Notifications | Self::Inboxes => Group::Inbox,
        }
    }
}

/// How far each group has projected: the last event included, 0 before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Marks {
    /// Of [`Group::Conversations`].
    pub conversations: Sequence,
    /// Of [`Group::People`].
    pub people: Sequence,
    /// Of [`Group::Inbox`].
    pub inbox: Sequence,
}

impl Marks {
    /// All groups at one place.
    #[must_use]
    pub const fn all(at: Sequence) -> Self {
        Self { conversations: at, people: at, inbox: at }
    }

    /// How far a group is.
    #[must_use]
    pub const fn get(&self, group: Group) -> Sequence {
        match group {
            Group::Conversations => self.conversations,
            Group::People => self.people,
            Group::Inbox => self.inbox,
        }
    }

    /// Moves a group.
    pub const fn set(&mut self, group: Group, at: Sequence) {
        match group {
            Group::Conversations => self.conversations = at,
            Group::People => self.people = at,
            Group::Inbox => self.inbox = at,
        }
    }

    /// How far all groups are.
    #[must_use]
    pub fn least(&self) -> Sequence {
        self.conversations.min(self.people).min(self.inbox)
    }

    /// How far any group is.
    #[must_use]
    pub fn most(&self) -> Sequence {
        self.conversations.max(self.people).max(self.inbox)
    }

    /// How far all of these groups are; nobody is behind in none.
    #[must_use]
    pub fn least_of(&self, groups: &[Group]) -> Sequence {
        groups.iter().map(|group| self.get(*group)).min().unwrap_or(Sequence::MAX)
    }

    /// The farther of two, group by group.
    #[must_use]
    pub fn joined(&self, other: &Self) -> Self {
        let mut joined = *self;
        for group in Group::ALL {
            joined.set(group, self.get(group).max(other.get(group)));
        }
        joined
    }
}

/// Before which event each group stands that has stopped; none of those that go on.
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

    /// A group stands before this event.
    pub fn set(&mut self, group: Group, before: Sequence) {
        if let Some(place) = self.before.get_mut(Self::place(group)) {
            *place = Some(before);
        }
    }

    /// The event a group stands before; none when it goes on.
    #[must_use]
    pub fn get(&self, group: Group) -> Option<Sequence> {
        self.before.get(Self::place(group)).copied().flatten()
    }

    /// Whether one of these groups will not get as far as an event.
    #[must_use]
    pub fn keep_from(&self, groups: &[Group], sequence: Sequence) -> bool {
        groups.iter().any(|group| self.get(*group).is_some_and(|before| before <= sequence))
    }
}
