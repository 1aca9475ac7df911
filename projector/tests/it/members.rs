//! What members set for themselves, and who is banned.

use readmodel::*;
use schemas::events::*;
use schemas::ids::{RoomId, UserId};
use schemas::values::*;

use crate::kit::*;

fn set(history: &mut History, number: u64, who: u64, pinned: bool, hidden: bool) -> u64 {
    let notify = Notify::None;
    let (room_id, user_id) = (room(number), user(who));
    history.add(PrefsChanged { prefs: PrefsState { room_id, user_id, notify, pinned, hidden } })
}

async fn listed(place: &Place, limit: usize) -> Vec<RoomId> {
    let store = place.model.current();
    let (mut from, mut found) = (ListFrom::Start, Vec::new());
    loop {
        let page = store.user_rooms(&user(1), &from, limit).await.unwrap();
        let last = page.items.last().map(|(room, own)| ActivityAnchor {
            pinned: own.pinned,
            last_activity: room.last_activity,
            room_id: room.state.id,
        });
        found.extend(page.items.into_iter().map(|(room, _)| room.state.id));
        match last.filter(|_| page.more) {
            Some(anchor) => from = ListFrom::After(anchor),
            None => return found,
        }
    }
}

pub(crate) async fn rooms_are_pinned_and_hidden(place: &Place) {
    let mut history = History::default();
    history.register(1, "ada");
    for number in 1..=5 {
        history.create_room(number, "Room");
        history.join(number, 1);
        history.post(number, number, 1);
    }
    let before = set(&mut history, 2, 1, true, false);
    set(&mut history, 4, 1, true, false);
    let hidden = set(&mut history, 5, 1, false, true);
    // Of a user who never was in the room.
    set(&mut history, 5, 9, true, true);
    place.project(&history).await;
    for limit in [1, 2, 3, 100] {
        assert_eq!(listed(place, limit).await, [4, 2, 3, 1].map(room), "{limit} a page");
    }
    let store = place.model.current();
    let own = store.membership(&room(5), &user(1)).await.unwrap().unwrap();
    assert_eq!((own.notify, own.hidden_at, own.prefs_changed), (Notify::None, Some(1), hidden));
    let changes = store.prefs_changes(&user(1), before, 9).await.unwrap();
    let rooms: Vec<RoomId> = changes.items.into_iter().map(|own| own.room_id).collect();
    assert_eq!(rooms, [room(4), room(5)]);
    let moved = ListFrom::Moved { since: before, after: None };
    let moved = store.user_rooms(&user(1), &moved, 9).await.unwrap();
    let moved: Vec<RoomId> = moved.items.into_iter().map(|(room, _)| room.state.id).collect();
    assert_eq!(moved, [room(4)]);
    assert_eq!(store.membership(&room(5), &user(9)).await.unwrap(), None);

    let from = history.events.len();
    history.post(5, 6, 1);
    let last = set(&mut history, 4, 1, false, false);
    let mut engine = place.engine().await;
    engine.apply(&history.events[from..], last).await.unwrap();
    assert_eq!(listed(place, 2).await, [2, 5, 4, 3, 1].map(room));
}

pub(crate) async fn bans_are_found_while_they_last(place: &Place) {
    let mut history = History::default();
    for (number, name) in [(1, "ada"), (2, "bob"), (3, "eve")] {
        history.register(number, name);
    }
    history.create_room(1, "Room");
    history.join(1, 1);
    history.join(1, 2);
    for (who, until) in [(2, None), (3, Some(when(50)))] {
        let ban = Ban { by: user(1), reason: None, until, created_at: when(1) };
        let member = MemberState { banned: true, ban: Some(ban), ..member_state(1, who, false) };
        history.add(MemberChanged { member });
    }
    place.project(&history).await;
    let store = place.model.current();
    let banned = async |now, after: Option<&UserId>, limit| {
        let page = store.bans(&room(1), when(now), after, limit).await.unwrap();
        let ids: Vec<UserId> = page.items.into_iter().map(|member| member.user_id).collect();
        (ids, page.more)
    };
    assert_eq!(banned(49, None, 9).await, (vec![user(2), user(3)], false));
    assert_eq!(banned(49, None, 1).await, (vec![user(2)], true));
    assert_eq!(banned(49, Some(&user(2)), 9).await, (vec![user(3)], false));
    assert_eq!(banned(50, None, 9).await, (vec![user(2)], false));
    let lapsed = async |now| store.lapsed_bans(&room(1), when(now), 9).await.unwrap().len();
    assert_eq!((lapsed(49).await, lapsed(50).await), (0, 1));
    assert_eq!(store.room(&room(1)).await.unwrap().unwrap().member_count, 1);
    // Banned without ever having been in, and after having been.
    let joined = async |who| store.membership(&room(1), &user(who)).await.unwrap().unwrap().joined;
    assert_eq!(joined(3).await, 0);
    assert_ne!(joined(2).await, 0);
}
