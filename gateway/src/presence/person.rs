//! One person's presence: what each gateway says of it, and what comes of that. Pure.

use schemas::frames::ServerFrame;
use schemas::values::{PresenceStatus, ShownStatus, StatusText};
use schemas::{RoomId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// What a person has chosen to be, on all of their devices: the newest choice counts. That a device is idle is no
/// choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Choice {
    /// Never `away`.
    pub(super) status: PresenceStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<StatusText>,
    /// When they chose it.
    pub(super) at: Timestamp,
}

/// What one gateway says of a person who has sockets there, or had some a moment ago.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    /// None of their devices there is in use.
    pub(super) away: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) choice: Option<Choice>,
    /// The rooms they are in, where that decides who may watch them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) rooms: Vec<RoomId>,
}

/// How a person appears to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) status: ShownStatus,
    pub(super) text: Option<StatusText>,
}

impl Shown {
    /// Not there, or not to be seen.
    pub(super) const OFFLINE: Self = Self { status: ShownStatus::Offline, text: None };

    pub(super) fn is_offline(&self) -> bool {
        self.status == ShownStatus::Offline
    }

    /// As a client is told.
    pub(super) fn frame(&self, user: &UserId, last_seen_at: Option<Timestamp>) -> ServerFrame {
        let last_seen_at = last_seen_at.filter(|_| self.is_offline());
        let (user_id, status, text) = (*user, self.status, self.text.clone());
        ServerFrame::Presence { user_id, status, text, last_seen_at }
    }
}

/// The newest choice.
pub(super) fn choice<'a>(parts: impl Iterator<Item = &'a Part>) -> Option<&'a Choice> {
    parts.filter_map(|part| part.choice.as_ref()).max_by_key(|choice| choice.at)
}

/// What comes of what all gateways say: who chose to be invisible is not seen, who does not want to be disturbed
/// is that on every device, and else the device that is in use counts.
pub(super) fn merged(parts: &[&Part]) -> Shown {
    if parts.is_empty() {
        return Shown::OFFLINE;
    }
    let chosen = choice(parts.iter().copied());
    let in_use = parts.iter().any(|part| !part.away);
    let status = match chosen.map(|choice| choice.status) {
        Some(PresenceStatus::Invisible) => return Shown::OFFLINE,
        Some(PresenceStatus::Dnd) => ShownStatus::Dnd,
        Some(PresenceStatus::Online | PresenceStatus::Away) | None if in_use => ShownStatus::Online,
        Some(PresenceStatus::Online | PresenceStatus::Away) | None => ShownStatus::Away,
    };
    Shown { status, text: chosen.and_then(|choice| choice.text.clone()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(away: bool, choice: Option<(PresenceStatus, i64)>) -> Part {
        let text = StatusText::parse("busy").ok();
        let choice = choice.map(|(status, at)| {
            let at = Timestamp::from_millis(at);
            Choice { status, text: text.clone(), at }
        });
        Part { away, choice, rooms: Vec::new() }
    }

    #[track_caller]
    fn shows(parts: &[Part], status: ShownStatus, text: bool) {
        let shown = merged(&parts.iter().collect::<Vec<_>>());
        assert_eq!((shown.status, shown.text.is_some()), (status, text));
        // The order in which gateways are heard does not matter.
        assert_eq!(merged(&parts.iter().rev().collect::<Vec<_>>()), shown);
    }

    #[test]
    fn the_device_in_use_and_the_newest_choice_count() {
        use PresenceStatus::{Dnd, Invisible, Online};
        shows(&[], ShownStatus::Offline, false);
        shows(&[part(true, None)], ShownStatus::Away, false);
        shows(&[part(true, None), part(false, None)], ShownStatus::Online, false);
        shows(&[part(false, None), part(true, Some((Dnd, 1)))], ShownStatus::Dnd, true);
        let back = [part(false, Some((Online, 2))), part(true, Some((Dnd, 1)))];
        shows(&back, ShownStatus::Online, true);
        let hidden = [part(false, Some((Dnd, 1))), part(false, Some((Invisible, 2)))];
        shows(&hidden, ShownStatus::Offline, false);
    }
}
