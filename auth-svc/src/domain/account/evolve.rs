//! What events make of an account and of a unique name. Total: nothing here fails.

use schemas::EventData;
use schemas::events::{NameEvent, UserState};

use super::state::{Held, Holding};

/// The account after an event of its lane, each of which carries the whole account; none for the events of other
/// lanes.
pub(crate) fn account_after(event: &EventData) -> Option<UserState> {
    event.account().cloned()
}

/// Whose a unique name is after an event of its lane; none for the events of other lanes.
pub(crate) fn holding_after(event: &EventData) -> Option<Holding> {
    match event {
        EventData::Name(NameEvent::Claimed(claimed)) => {
            Some(Holding { owner: Some(claimed.owner.clone()), held: None })
        }
        EventData::Name(NameEvent::Released(released)) => {
            let held = |until| Held { by: released.owner.clone(), until };
            Some(Holding { owner: None, held: released.held_until.map(held) })
        }
        EventData::User(_)
        | EventData::Session(_)
        | EventData::Room(_)
        | EventData::Member(_)
        | EventData::Prefs(_)
        | EventData::Audit(_)
        | EventData::Invite(_)
        | EventData::Erasure(_)
        | EventData::Export(_)
        | EventData::Hold(_)
        | EventData::Retention(_)
        | EventData::Message(_)
        | EventData::Challenge(_)
        | EventData::Identity(_)
        | EventData::Reaction(_)
        | EventData::Pin(_)
        | EventData::Receipt(_)
        | EventData::Thread(_)
        | EventData::Media(_)
        | EventData::Report(_)
        | EventData::Notification(_)
        | EventData::Block(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use schemas::subjects::LaneKind;

    use super::*;

    #[test]
    fn every_event_of_a_lane_leaves_the_account_or_the_holder_known() {
        for event in testbed::every_event() {
            let on = |lane| event.family().lanes().contains(&lane);
            let name = event.type_name();
            let closes = name == "user.erased.v1";
            assert_eq!(account_after(&event).is_some(), on(LaneKind::User) && !closes, "{name}");
            let of_name = on(LaneKind::Handle) || on(LaneKind::Email);
            assert_eq!(holding_after(&event).is_some(), of_name, "{name}");
        }
    }
}
