//! Inbox entries as their readers see them. Events and documents hold ids: names and words are put in here, when
//! an entry is shown, so that a name that changes changes in every inbox, and no inbox keeps another's name.

use std::collections::{HashMap, HashSet};

use futures_util::future::try_join_all;
use readmodel::{NotificationDoc, ReadStore, StoreError};
use schemas::events::NotificationCreated;
use schemas::values::{NotificationKind, Visibility};
use schemas::views::{Notification, User};
use schemas::{MessageId, RoomId, Sequence, UserId};

use crate::names::Names;

/// What an entry names.
#[derive(Debug, Default)]
struct Named {
    reader: Option<User>,
    actor: Option<User>,
    /// The room's name; none for one without, and for a room the reader cannot see any more.
    room: Option<String>,
}

/// Entries of one person as they are shown.
///
/// # Errors
/// The read model does not answer.
pub(crate) async fn views(
    names: &dyn Names,
    store: &dyn ReadStore,
    reader: &UserId,
    entries: &[NotificationDoc],
) -> Result<Vec<Notification>, StoreError> {
    let rooms = room_names(store, reader, entries).await?;
    let writers = writers(store, entries).await?;
    let actor_of = |entry: &NotificationDoc| {
        let about = entry.message_id.as_ref();
        entry.actor_id.or_else(|| about.and_then(|id| writers.get(id)).copied())
    };
    let mut wanted: HashSet<UserId> = entries.iter().filter_map(actor_of).collect();
    wanted.insert(*reader);
    let people = names.users(wanted.into_iter().collect()).await;
    let view = |entry: &NotificationDoc| {
        let named = Named {
            reader: people.get(reader).cloned(),
            actor: actor_of(entry).and_then(|id| people.get(&id).cloned()),
            room: entry.room_id.as_ref().and_then(|room| rooms.get(room)).cloned(),
        };
        worded(entry, named)
    };
    Ok(entries.iter().map(view).collect())
}

/// An entry as it is shown when no one can be asked what people and rooms are called.
pub(crate) fn without_names(entry: &NotificationDoc) -> Notification {
    worded(entry, Named::default())
}

/// The names of the rooms that entries are about, where the reader may see them.
async fn room_names(
    store: &dyn ReadStore,
    reader: &UserId,
    entries: &[NotificationDoc],
) -> Result<HashMap<RoomId, String>, StoreError> {
    let rooms: HashSet<RoomId> = entries.iter().filter_map(|one| one.room_id).collect();
    let rooms: Vec<RoomId> = rooms.into_iter().collect();
    if rooms.is_empty() {
        return Ok(HashMap::new());
    }
    let found = store.rooms(&rooms).await?;
    let asked = found.iter().map(|room| store.membership(&room.state.id, reader));
    let own = try_join_all(asked).await?;
    let named = found.into_iter().zip(own).filter_map(|(room, own)| {
        let present = own.is_some_and(|own| own.present && !own.banned);
        let seen = present || room.state.visibility == Visibility::Public;
        let name = room.state.name.filter(|_| seen)?;
        Some((room.state.id, name.to_string()))
    });
    Ok(named.collect())
}

/// Who wrote the messages of entries that do not say so, as older ones do not.
async fn writers(
    store: &dyn ReadStore,
    entries: &[NotificationDoc],
) -> Result<HashMap<MessageId, UserId>, StoreError> {
    let silent = entries.iter().filter(|entry| entry.actor_id.is_none());
    let ids: Vec<MessageId> = silent.filter_map(|entry| entry.message_id).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let found = store.messages(&ids).await?;
    Ok(found.into_iter().map(|message| (message.id, message.sender_id)).collect())
}

/// The entry an event made, as the read model will hold it.
pub(crate) fn created(event: &NotificationCreated, at: Sequence) -> NotificationDoc {
    let system = event.kind == NotificationKind::System;
    NotificationDoc {
        id: event.notification_id,
        user_id: event.user_id,
        kind: event.kind,
        title: event.title.clone().filter(|_| system),
        body: event.body.clone().filter(|_| system),
        actor_id: event.actor_id,
        login: event.login,
        room_id: event.room_id,
        message_id: event.message_id,
        thread_root_id: event.thread_root_id,
        posted: event.posted,
        caused: event.caused,
        removed: false,
        read: false,
        created_at: event.created_at,
        created: at,
        updated: at,
    }
}

fn worded(entry: &NotificationDoc, named: Named) -> Notification {
    let (title, body) = words(entry, &named);
    Notification {
        id: entry.id,
        kind: entry.kind,
        title,
        body,
        actor: named.actor,
        room_id: entry.room_id,
        message_id: entry.message_id,
        read: entry.read,
        created_at: entry.created_at,
    }
}

fn words(entry: &NotificationDoc, named: &Named) -> (String, String) {
    let actor = named.actor.as_ref().map_or("Someone", |actor| actor.display_name.as_str());
    let to_reader = named.reader.as_ref().map(|reader| format!(", {}", reader.display_name));
    let to_reader = to_reader.unwrap_or_default();
    let open = "Open the conversation to read the message.";
    let (title, body) = match entry.kind {
        NotificationKind::Welcome if entry.login => {
            (format!("Welcome back{to_reader}"), "You have logged in.")
        }
        NotificationKind::Welcome => {
            let body = "Your account is ready. Join a channel, or write to a person you know.";
            (format!("Welcome to Tidings{to_reader}"), body)
        }
        NotificationKind::Mention => match &named.room {
            Some(room) => (format!("{actor} mentioned you in {room}"), open),
            None => (format!("{actor} mentioned you"), open),
        },
        NotificationKind::DirectMessage => (format!("{actor} wrote to you"), open),
        NotificationKind::ThreadReply => (format!("{actor} answered in a thread you follow"), open),
        NotificationKind::Invite => match &named.room {
            Some(room) => {
                (format!("{actor} invited you to {room}"), "Open the room to have a look.")
            }
            None => (format!("{actor} invited you"), "Open the room to have a look."),
        },
        NotificationKind::System => {
            let title = entry.title.clone().unwrap_or_default();
            return (title, entry.body.clone().unwrap_or_default());
        }
    };
    (title, body.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::values::Role;
    use schemas::{NotificationId, Timestamp};
    use uuid::Uuid;

    fn user(number: u128, name: &str) -> User {
        User {
            id: UserId::from_uuid(Uuid::from_u128(number)),
            username: name.to_lowercase(),
            display_name: name.to_owned(),
            avatar_url: None,
            bio: None,
            role: Role::User,
            created_at: Timestamp::from_millis(0),
            deactivated: None,
            deleted: None,
        }
    }

    fn entry(kind: NotificationKind) -> NotificationDoc {
        let event = NotificationCreated {
            notification_id: NotificationId::from_uuid(Uuid::from_u128(1)),
            user_id: user(1, "Ada").id,
            kind,
            title: Some("Maintenance".to_owned()),
            body: Some("Tonight".to_owned()),
            room_id: None,
            message_id: None,
            created_at: Timestamp::from_millis(0),
            actor_id: None,
            thread_root_id: None,
            posted: 0,
            caused: 0,
            login: false,
        };
        created(&event, 7)
    }

    fn title(entry: &NotificationDoc, named: Named) -> String {
        worded(entry, named).title
    }

    fn by(actor: &str, room: Option<&str>) -> Named {
        let room = room.map(str::to_owned);
        Named { reader: Some(user(1, "Ada")), actor: Some(user(2, actor)), room }
    }

    #[test]
    fn an_entry_is_put_into_words_when_it_is_shown() {
        let mention = || entry(NotificationKind::Mention);
        assert_eq!(title(&mention(), by("Bob", Some("Engines"))), "Bob mentioned you in Engines");
        assert_eq!(title(&mention(), by("Bob", None)), "Bob mentioned you");
        assert_eq!(title(&mention(), Named::default()), "Someone mentioned you");
        let direct = entry(NotificationKind::DirectMessage);
        assert_eq!(title(&direct, by("Bob", None)), "Bob wrote to you");
        let welcome = || entry(NotificationKind::Welcome);
        assert_eq!(title(&welcome(), by("Bob", None)), "Welcome to Tidings, Ada");
        let back = NotificationDoc { login: true, ..welcome() };
        assert_eq!(title(&back, by("Bob", None)), "Welcome back, Ada");
        let system = worded(&entry(NotificationKind::System), Named::default());
        assert_eq!((system.title.as_str(), system.body.as_str()), ("Maintenance", "Tonight"));
        assert_eq!(without_names(&mention()).title, "Someone mentioned you");
    }

    #[test]
    fn a_title_of_an_older_event_names_nobody() {
        assert_eq!(entry(NotificationKind::Mention).title, None);
    }
}
