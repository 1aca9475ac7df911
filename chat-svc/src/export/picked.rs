//! Which events of the log are a person's, and what an export says of them. Pure.

use schemas::events::{
    InviteEvent, MessageEvent, MessagePosted, ReactionAdded, ReactionEvent, ReportEvent,
};
use schemas::{EventData, MessageId, UserId};
use serde_json::Value;

/// What an event is to an export.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Picked {
    /// The person has posted a message.
    Message(MessageId),
    /// The person has reacted to a message.
    Reaction(Box<ReactionAdded>),
    /// It is told as it is.
    Event,
}

/// What an event is to the export of a person; none for what is not theirs, and for what documents tell in another
/// form: rooms, their inbox, how far they have read.
pub(super) fn picked(user: &UserId, event: &EventData) -> Option<Picked> {
    if let EventData::Message(MessageEvent::Posted(MessagePosted { message, .. })) = event {
        return (message.sender_id == *user).then_some(Picked::Message(message.id));
    }
    if let EventData::Reaction(ReactionEvent::Added(added)) = event {
        return (added.user_id == *user).then(|| Picked::Reaction(Box::new(added.clone())));
    }
    // Every other kind has its place there.
    (owner(event) == Some(user)).then_some(Picked::Event)
}

/// Whose an event is that is told as it is.
fn owner(event: &EventData) -> Option<&UserId> {
    match event {
        EventData::User(event) => Some(event.user_id()),
        EventData::Session(event) => Some(event.user_id()),
        EventData::Challenge(event) => Some(event.user_id()),
        EventData::Identity(event) => Some(&event.after().user_id),
        EventData::Thread(event) => Some(event.user()),
        // What became of a report is the moderators'.
        EventData::Report(ReportEvent::Created(created)) => Some(&created.report.reporter_id),
        EventData::Block(event) => Some(&event.after().user_id),
        EventData::Prefs(event) => Some(&event.after().user_id),
        // Who came by it is those users'.
        EventData::Invite(InviteEvent::Created(created)) => Some(&created.invite.created_by),
        EventData::Invite(InviteEvent::Revoked(revoked)) => Some(&revoked.invite.created_by),
        EventData::Media(event) => Some(&event.after().owner_id),
        EventData::Export(event) => Some(&event.after().user_id),
        EventData::Report(ReportEvent::Handled(_))
        | EventData::Invite(InviteEvent::Accepted(_) | InviteEvent::Reserved(_))
        | EventData::Message(_)
        | EventData::Reaction(_)
        | EventData::Pin(_)
        | EventData::Receipt(_)
        | EventData::Notification(_)
        | EventData::Name(_)
        | EventData::Room(_)
        | EventData::Member(_)
        | EventData::Audit(_)
        | EventData::Erasure(_)
        | EventData::Hold(_)
        | EventData::Retention(_) => None,
    }
}

/// Fields of an event that are not told: what admins note for themselves, whether an address is another account's, and
/// what only servers can make something of.
const fn hidden(event: &EventData) -> &'static [&'static str] {
    match event {
        EventData::User(_) => &["reason"],
        // Where the address is another account's it is left out of the event: so it is of all.
        EventData::Challenge(_) => &["taken", "key", "email"],
        EventData::Identity(_) => &["key"],
        EventData::Session(_) => &["device", "note"],
        EventData::Message(_)
        | EventData::Reaction(_)
        | EventData::Pin(_)
        | EventData::Receipt(_)
        | EventData::Notification(_)
        | EventData::Name(_)
        | EventData::Room(_)
        | EventData::Member(_)
        | EventData::Thread(_)
        | EventData::Report(_)
        | EventData::Block(_)
        | EventData::Prefs(_)
        | EventData::Invite(_)
        | EventData::Audit(_)
        | EventData::Erasure(_)
        | EventData::Hold(_)
        | EventData::Retention(_)
        | EventData::Media(_)
        | EventData::Export(_) => &[],
    }
}

/// Leaves out of an event's data what is not told.
pub(super) fn told(event: &EventData, mut data: Value) -> Value {
    hide(&mut data, hidden(event));
    data
}

fn hide(data: &mut Value, hidden: &[&str]) {
    match data {
        Value::Object(fields) => {
            fields.retain(|name, _| !hidden.contains(&name.as_str()));
            // What clients keep in settings is theirs, whatever it is called.
            let others = fields.iter_mut().filter(|(name, _)| name.as_str() != "settings");
            others.for_each(|(_, value)| hide(value, hidden));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| hide(item, hidden)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Every event there is, asked about by each user it names.
    #[test]
    fn what_is_of_a_person_is_picked() {
        const PICKED: &[&str] = &[
            "message.posted.v1",
            "reaction.added.v1",
            "thread.followed.v1",
            "thread.unfollowed.v1",
            "thread.read.v1",
            "report.created.v1",
            "block.added.v1",
            "block.removed.v1",
            "prefs.changed.v1",
            "invite.created.v1",
            "invite.revoked.v1",
        ];
        const FAMILIES: &[&str] =
            &["user.", "session.", "challenge.", "identity.", "media.", "export."];
        for event in testbed::every_event() {
            let name = event.type_name();
            let text = format!("{event:?}");
            let people = text.split('"').filter_map(|part| UserId::parse(part).ok());
            let is_picked = people.into_iter().any(|user| picked(&user, &event).is_some());
            let wanted =
                PICKED.contains(&name) || FAMILIES.iter().any(|family| name.starts_with(family));
            assert_eq!(is_picked, wanted, "{name}");
        }
    }

    #[test]
    fn what_is_of_others_is_not() {
        let stranger = UserId::from_uuid(uuid::Uuid::from_u128(77));
        for event in testbed::every_event() {
            assert_eq!(picked(&stranger, &event), None, "{}", event.type_name());
        }
    }

    #[test]
    fn what_admins_note_and_whose_an_address_is_are_not_told() {
        let data = json!({"user": {"bio": "x", "settings": {"reason": 1, "key": 1}}, "reason": "spam",
            "taken": true, "email": "ada@example.org", "new_device": {"device": "d", "ip": "::1"}, "list": [{"key": "k"}]});
        let without = |kind: &str| {
            let event = testbed::every_event().into_iter().find(|event| event.type_name() == kind);
            told(&event.unwrap(), data.clone())
        };
        let role = without("user.role_changed.v1");
        assert!(role.get("reason").is_none() && role["user"] == data["user"], "{role}");
        let code = without("challenge.issued.v1");
        assert!(
            code.get("taken").is_none()
                && code.get("email").is_none()
                && code["list"] == json!([{}]),
            "{code}"
        );
        assert_eq!(without("session.started.v1")["new_device"], json!({"ip": "::1"}));
        assert_eq!(without("report.created.v1"), data, "a report is its author's own words");
    }
}
