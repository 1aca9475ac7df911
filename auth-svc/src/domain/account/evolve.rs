//! What events make of an account and of a unique name. Total: nothing here fails.

use schemas::EventData;
use schemas::events::UserState;

/// What an event makes of an account. Every event of its lane carries the whole account after it.
pub(crate) fn evolve(user: &mut Option<UserState>, event: EventData) {
    if let EventData::User(event) = event {
        *user = event.after().cloned();
    }
}

/// What an event makes of who holds a unique name.
pub(crate) fn evolve_owner(owner: &mut Option<String>, event: EventData) {
    if let EventData::Name(event) = event {
        *owner = event.owner().cloned();
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
            let (mut user, mut owner) = (None, Some("before".to_owned()));
            evolve(&mut user, event.clone());
            evolve_owner(&mut owner, event);
            assert_eq!(user.is_some(), name.starts_with("user."), "{name}");
            let changes = owner.as_deref() != Some("before");
            assert_eq!(changes, name.starts_with("name."), "{name}");
        }
    }
}
