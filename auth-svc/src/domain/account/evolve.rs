//! What events make of an account and of a unique name. Total: nothing here fails.

use schemas::EventData;
use schemas::events::UserState;

/// The account after an event of its lane, each of which carries the whole account; none for the events of other
/// lanes.
pub(crate) fn account_after(event: &EventData) -> Option<UserState> {
    event.account().cloned()
}

/// The holder of a unique name after an event of its lane, if there is one then; none for the events of other
/// lanes.
pub(crate) fn owner_after(event: &EventData) -> Option<Option<String>> {
    match event {
        EventData::Name(event) => Some(event.owner().cloned()),
        EventData::User(_)
        | EventData::Session(_)
        | EventData::Room(_)
        | EventData::Member(_)
        | EventData::Message(_)
        | EventData::Receipt(_)
        | EventData::Notification(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use schemas::Event;

    use super::*;

    /// Every event type there is, as it lies in logs.
    fn golden() -> Vec<EventData> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../schemas/golden");
        let files =
            std::fs::read_dir(folder).unwrap().map(|file| std::fs::read(file.unwrap().path()));
        let event = |bytes: Vec<u8>| Event::decode(bytes.trim_ascii_end()).unwrap().data;
        files.map(|bytes| event(bytes.unwrap())).collect()
    }

    #[test]
    fn every_event_of_a_lane_leaves_the_account_or_the_holder_known() {
        for event in golden() {
            let name = event.type_name();
            assert_eq!(account_after(&event).is_some(), name.starts_with("user."), "{name}");
            assert_eq!(owner_after(&event).is_some(), name.starts_with("name."), "{name}");
        }
    }
}
