//! What others add to messages, and what edits leave behind: reactions, pins, former texts. Given these events, then
//! these are the documents.

use readmodel::*;
use schemas::events::*;
use schemas::ids::{ReactionId, UserId};
use schemas::values::Emoji;

use crate::contract::conversation;
use crate::kit::*;

pub(crate) fn emoji(number: u32) -> Emoji {
    let one = char::from_u32(0x1f600 + number).unwrap();
    Emoji::parse(&one.to_string()).unwrap()
}

impl History {
    pub(crate) fn react(&mut self, in_room: u64, id: u64, by: u64, with: u32) -> u64 {
        self.add(ReactionAdded {
            message_id: message(id),
            room_id: room(in_room),
            user_id: user(by),
            emoji: emoji(with),
            posted: 0,
            near_limit: false,
        })
    }

    pub(crate) fn unreact(&mut self, in_room: u64, id: u64, by: u64, with: u32) -> u64 {
        self.add(ReactionRemoved {
            message_id: message(id),
            room_id: room(in_room),
            user_id: user(by),
            emoji: emoji(with),
            posted: 0,
        })
    }

    pub(crate) fn pin(&mut self, in_room: u64, id: u64, there: bool) -> u64 {
        let (message_id, room_id, user_id) = (message(id), room(in_room), user(1));
        if there {
            let near_limit = false;
            return self.add(MessagePinned { message_id, room_id, user_id, posted: 0, near_limit });
        }
        self.add(MessageUnpinned { message_id, room_id, user_id, posted: 0 })
    }
}

/// Projects what a history has more than the place has seen.
async fn go_on(place: &Place, history: &History, seen: usize) {
    let mut engine = place.engine().await;
    engine.apply(&history.events[seen..], history.events.len() as u64).await.unwrap();
}

async fn shown(place: &Place, id: u64) -> MessageDoc {
    place.model.current().message(&message(id)).await.unwrap().unwrap()
}

/// Kinds, with how many users and who is named.
fn kinds(doc: &MessageDoc) -> Vec<(Emoji, u64, Vec<UserId>)> {
    let kind = |kind: &ReactionKind| (kind.emoji.clone(), kind.count, kind.first.clone());
    doc.reactions.iter().map(kind).collect()
}

pub(crate) async fn reactions_are_counted_by_kind(place: &Place) {
    let mut history = conversation(2);
    history.react(1, 1, 2, 0);
    history.react(1, 1, 3, 1);
    let first = history.react(1, 1, 3, 0);
    place.project(&history).await;
    let doc = shown(place, 1).await;
    let both = vec![user(2), user(3)];
    assert_eq!(kinds(&doc), [(emoji(0), 2, both), (emoji(1), 1, vec![user(3)])]);
    assert_eq!((doc.beside, doc.updated), (first, first));
    let seen = history.events.len();
    // Repeats, another room's, and those of no message change nothing.
    history.react(1, 1, 3, 0);
    history.unreact(1, 1, 2, 1);
    history.react(2, 1, 1, 0);
    history.react(1, 99, 1, 0);
    go_on(place, &history, seen).await;
    assert_eq!(shown(place, 1).await, doc);
    let seen = history.events.len();
    let last = history.unreact(1, 1, 2, 0);
    history.unreact(1, 1, 3, 1);
    let again = history.react(1, 1, 2, 0);
    go_on(place, &history, seen).await;
    let doc = shown(place, 1).await;
    assert_eq!(kinds(&doc), [(emoji(0), 2, vec![user(3), user(2)])]);
    assert!(last < again && doc.updated == again);
    let store = place.model.current();
    let id = |who: u64, with: u32| (message(1), ReactionId::of(&user(who), &emoji(with)));
    let found = store.reactions(&[id(2, 0), id(3, 0), id(3, 1), id(1, 0)]).await.unwrap();
    let mut users: Vec<UserId> = found.into_iter().map(|doc| doc.user_id).collect();
    users.sort();
    assert_eq!(users, [user(2), user(3)]);
}

pub(crate) async fn reactions_of_a_kind_have_pages(place: &Place) {
    let mut history = conversation(1);
    for who in 1..=25 {
        history.react(1, 1, who, 0);
    }
    history.react(1, 1, 1, 1);
    place.project(&history).await;
    let doc = shown(place, 1).await;
    assert_eq!((doc.reactions[0].count, doc.reactions[0].first.len()), (25, FIRST_USERS));
    let seen = history.events.len();
    history.unreact(1, 1, 4, 0);
    history.react(1, 1, 26, 0);
    go_on(place, &history, seen).await;
    let kind = shown(place, 1).await.reactions.remove(0);
    // No user is named who came after one that is not.
    assert_eq!((kind.count, kind.first.len(), kind.lacks_users()), (25, FIRST_USERS - 1, true));
    let store = place.model.current();
    let (mut after, mut found) = (0, Vec::new());
    loop {
        let page = store.reactions_of_kind(&message(1), &emoji(0), after, 10).await.unwrap();
        after = page.items.last().map_or(0, |doc| doc.at);
        found.extend(page.items.into_iter().map(|doc| doc.user_id));
        if !page.more {
            break;
        }
    }
    let wanted: Vec<UserId> = (1..=26).filter(|who| *who != 4).map(user).collect();
    assert_eq!(found, wanted);
}

pub(crate) async fn a_message_has_so_many_kinds(place: &Place) {
    let mut history = conversation(1);
    let most = u32::try_from(MAX_KINDS).unwrap();
    for with in 0..=most {
        history.react(1, 1, 1, with);
    }
    history.react(1, 1, 2, most - 1);
    place.project(&history).await;
    let doc = shown(place, 1).await;
    assert_eq!((doc.reactions.len(), doc.reactions[MAX_KINDS - 1].count), (MAX_KINDS, 2));
    let seen = history.events.len();
    history.unreact(1, 1, 1, 0);
    history.react(1, 1, 1, most);
    go_on(place, &history, seen).await;
    assert_eq!(shown(place, 1).await.reactions.last().unwrap().emoji, emoji(most));
}

pub(crate) async fn a_room_keeps_its_pins(place: &Place) {
    let mut history = conversation(3);
    history.pin(1, 2, true);
    let at = history.pin(1, 1, true);
    history.pin(1, 1, true);
    history.pin(2, 3, true);
    history.pin(1, 3, false);
    place.project(&history).await;
    let pinned = async || {
        let pins = place.model.current().pins(&room(1)).await.unwrap();
        pins.into_iter().map(|pin| pin.message_id).collect::<Vec<_>>()
    };
    assert_eq!(pinned().await, [message(2), message(1)]);
    assert_eq!(shown(place, 1).await.pinned, at);
    let seen = history.events.len();
    history.pin(1, 2, false);
    go_on(place, &history, seen).await;
    assert_eq!((pinned().await, shown(place, 2).await.pinned), (vec![message(1)], 0));
    let seen = history.events.len();
    history.delete(1, 1, None);
    history.pin(1, 1, true);
    go_on(place, &history, seen).await;
    assert_eq!((pinned().await, shown(place, 1).await.pinned), (vec![], 0));
}

pub(crate) async fn a_room_has_so_many_pins(place: &Place) {
    let many = u64::try_from(MAX_PINS).unwrap() + 1;
    let mut history = conversation(many);
    for id in 1..=many {
        history.pin(1, id, true);
    }
    place.project(&history).await;
    assert_eq!(place.model.current().pins(&room(1)).await.unwrap().len(), MAX_PINS);
    assert_eq!(shown(place, many).await.pinned, 0);
}

pub(crate) async fn edits_leave_former_texts(place: &Place) {
    let mut history = conversation(2);
    history.edit(message_state(1, 1, 1, "second"));
    history.edit(message_state(1, 1, 1, "second"));
    history.edit(message_state(1, 1, 1, "third"));
    place.project(&history).await;
    let texts = async |id: u64| {
        let found = place.model.current().history(&message(id)).await.unwrap();
        let texts = found.map(|doc| doc.texts).unwrap_or_default();
        texts.into_iter().map(|text| text.body).collect::<Vec<_>>()
    };
    assert_eq!(texts(1).await, ["message 1", "second"]);
    assert_eq!(texts(2).await, [""; 0]);
    let seen = history.events.len();
    history.delete(1, 1, None);
    history.edit(message_state(1, 1, 1, "late"));
    go_on(place, &history, seen).await;
    assert_eq!(place.model.current().history(&message(1)).await.unwrap(), None);
}

/// In one batch with it, or in one of its own.
pub(crate) async fn a_deletion_takes_reactions_along(place: &Place) {
    let mut history = conversation(2);
    history.react(1, 1, 2, 0);
    history.react(1, 2, 2, 0);
    history.delete(1, 2, None);
    history.react(1, 2, 3, 0);
    place.project(&history).await;
    let store = place.model.current();
    let of = async |id: u64| {
        store.reactions_of_kind(&message(id), &emoji(0), 0, 10).await.unwrap().items.len()
    };
    assert_eq!((of(1).await, of(2).await), (1, 0));
    let seen = history.events.len();
    history.react(1, 1, 3, 0);
    history.delete(1, 1, None);
    go_on(place, &history, seen).await;
    assert_eq!((of(1).await, shown(place, 1).await.reactions.len()), (0, 0));
}
