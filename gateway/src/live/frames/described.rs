//! The schema of what each event tells, for the descriptions of the socket.

use schemars::{Schema, SchemaGenerator, json_schema};
use schemas::views::{
    Account, Media, Message, Notification, PinChange, ReactionChange, ReadMarker, Room,
    ThreadMarker, User,
};

use super::member::MemberData;
use super::names::FrameName;
use super::notification::{ReadData, RemovedData};
use super::prefs::PrefsData;
use super::thread::FollowData;

/// The schema of the document in an event of this name; none for what is no event.
pub(crate) fn data_of(name: FrameName, generator: &mut SchemaGenerator) -> Option<Schema> {
    let schema = match name {
        FrameName::MessagePosted
        | FrameName::MessageEdited
        | FrameName::MessageDeleted
        | FrameName::MessageChanged => generator.subschema_for::<Message>(),
        FrameName::ReactionAdded | FrameName::ReactionRemoved => {
            generator.subschema_for::<ReactionChange>()
        }
        FrameName::MessagePinned | FrameName::MessageUnpinned => {
            generator.subschema_for::<PinChange>()
        }
        FrameName::ReadMoved => generator.subschema_for::<ReadMarker>(),
        FrameName::ThreadRead => generator.subschema_for::<ThreadMarker>(),
        FrameName::ThreadFollowed | FrameName::ThreadUnfollowed => {
            generator.subschema_for::<FollowData<'_>>()
        }
        FrameName::MemberJoined | FrameName::MemberLeft | FrameName::MemberChanged => {
            generator.subschema_for::<MemberData<'_>>()
        }
        FrameName::RoomCreated
        | FrameName::RoomChanged
        | FrameName::RoomArchived
        | FrameName::RoomRestored => generator.subschema_for::<Room>(),
        FrameName::NotificationCreated => generator.subschema_for::<Notification>(),
        FrameName::NotificationRead => {
            let (whole, marks) = (
                generator.subschema_for::<Notification>(),
                generator.subschema_for::<ReadData<'_>>(),
            );
            json_schema!({"anyOf": [whole, marks]})
        }
        FrameName::NotificationRemoved => generator.subschema_for::<RemovedData<'_>>(),
        FrameName::UserChanged => {
            let (user, account) =
                (generator.subschema_for::<User>(), generator.subschema_for::<Account>());
            json_schema!({"anyOf": [user, account]})
        }
        FrameName::MediaChanged => generator.subschema_for::<Media>(),
        FrameName::MembershipChanged => generator.subschema_for::<PrefsData>(),
        FrameName::Reload | FrameName::Reset => return None,
    };
    Some(schema)
}
