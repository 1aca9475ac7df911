//! What members set about their own membership: what they are notified of, pinned and hidden rooms. No other user is
//! told, and archived rooms and mutes do not matter.

use decider::Fact;
use schemas::commands::ChangePrefs;
use schemas::events::{PrefsChanged, PrefsState};
use schemas::values::{Notify, RoomKind};
use schemas::{EventData, Lane};

use super::access::{Denied, Standing};

/// What an event makes of a member's settings: its lane's events carry all of them.
pub fn evolve(prefs: &mut Option<PrefsState>, event: &EventData) {
    if let EventData::Prefs(event) = event {
        *prefs = Some(event.after().clone());
    }
}

/// The settings of a member who has not set any.
fn defaults(standing: &Standing<'_>) -> PrefsState {
    PrefsState {
        room_id: standing.room.id,
        user_id: standing.person.id,
        notify: Notify::default(),
        pinned: false,
        hidden: false,
    }
}

fn changed(prefs: PrefsState) -> Fact {
    let lane = Lane::Prefs(prefs.room_id, prefs.user_id);
    Fact::new(lane, PrefsChanged { prefs })
}

/// The caller changes settings; nothing happens when they are so already. A hidden room of which something is set is
/// on their list again.
///
/// # Errors
/// The caller is not in the room.
pub fn change(
    standing: &Standing<'_>,
    before: Option<&PrefsState>,
    command: &ChangePrefs,
) -> Result<Vec<Fact>, Denied> {
    standing.role()?;
    let before = before.cloned().unwrap_or_else(|| defaults(standing));
    let notify = command.notify.unwrap_or(before.notify);
    let pinned = command.pinned.unwrap_or(before.pinned);
    if (notify, pinned) == (before.notify, before.pinned) {
        return Ok(Vec::new());
    }
    Ok(vec![changed(PrefsState { notify, pinned, hidden: false, ..before })])
}

/// The caller hides a direct room until the next message. Nothing happens when it is hidden and nothing was said
/// `since`.
///
/// # Errors
/// The caller is not in the room.
pub fn hide(
    standing: &Standing<'_>,
    before: Option<&PrefsState>,
    since: bool,
) -> Result<Vec<Fact>, Denied> {
    standing.role()?;
    let before = before.cloned().unwrap_or_else(|| defaults(standing));
    if standing.room.kind != RoomKind::Direct || (before.hidden && !since) {
        return Ok(Vec::new());
    }
    Ok(vec![changed(PrefsState { hidden: true, ..before })])
}

/// A hidden room is opened: it is on the caller's list again.
#[must_use]
pub fn show(before: Option<PrefsState>) -> Vec<Fact> {
    let hidden = before.filter(|prefs| prefs.hidden);
    hidden.map(|prefs| changed(PrefsState { hidden: false, ..prefs })).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::testing::*;
    use schemas::values::Visibility;

    fn set(notify: Option<Notify>, pinned: Option<bool>) -> ChangePrefs {
        ChangePrefs { room_id: room_id(1), notify, pinned }
    }

    fn after(facts: &[Fact]) -> Option<PrefsState> {
        let mut prefs = None;
        facts.iter().for_each(|fact| evolve(&mut prefs, &fact.data));
        prefs
    }

    #[test]
    fn settings_are_changed_once_and_by_members_only() {
        let world = World::with_room(RoomKind::Channel, Visibility::Public);
        let standing = world.standing(ADA).unwrap();
        then(change(&standing, None, &set(None, Some(false))), &[]);
        let pin = change(&standing, None, &set(None, Some(true)));
        let prefs = after(&then(pin, &["prefs.changed.v1"]));
        then(change(&standing, prefs.as_ref(), &set(None, Some(true))), &[]);
        let silent = change(&standing, prefs.as_ref(), &set(Some(Notify::None), None)).unwrap();
        let silent = after(&silent).unwrap();
        assert_eq!((silent.notify, silent.pinned), (Notify::None, true));
        let outsider = world.standing(BOB).unwrap();
        refused(change(&outsider, None, &set(None, Some(true))), Denied::NotAMember);
    }

    #[test]
    fn a_direct_room_is_hidden_and_shown() {
        let world = World::with_direct();
        let standing = world.standing(BOB).unwrap();
        let hidden = after(&hide(&standing, None, false).unwrap());
        assert!(hidden.as_ref().unwrap().hidden);
        then(hide(&standing, hidden.as_ref(), false), &[]);
        then(hide(&standing, hidden.as_ref(), true), &["prefs.changed.v1"]);
        let pinned = change(&standing, hidden.as_ref(), &set(None, Some(true))).unwrap();
        assert!(!after(&pinned).unwrap().hidden);
        let shown = after(&show(hidden)).unwrap();
        assert!(!shown.hidden);
        assert_eq!(show(Some(shown)), []);
    }
}
