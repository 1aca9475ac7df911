//! What is kept of people: blocks, receipts, and how accounts and members are found.

use readmodel::*;
use schemas::events::*;
use schemas::values::*;

use crate::kit::*;

pub(crate) async fn blocks_are_kept(place: &Place) {
    let mut history = History::default();
    history.block(1, &[2]);
    history.block(1, &[2, 3]);
    history.block(2, &[1]);
    history.block(2, &[]);
    place.project(&history).await;
    let store = place.model.current();
    assert_eq!(store.blocked_by(&user(1)).await.unwrap(), [user(2), user(3)]);
    assert_eq!(store.blocked_by(&user(2)).await.unwrap(), []);
    assert_eq!(store.blocked_by(&user(9)).await.unwrap(), []);
}

pub(crate) async fn readers_are_those_who_let_it_be_seen(place: &Place) {
    let mut history = crate::contract::conversation(4);
    history.read(1, 2, 2);
    history.read_with(1, 2, 3, true);
    history.read_with(1, 3, 3, true);
    let said = message_state(1, 5, 3, "without a receipt");
    history.add(MessagePosted { message: said, private: true });
    place.project(&history).await;
    let store = place.model.current();
    let readers = async |number| {
        let found = store.readers(&room(1), number, None, 10).await.unwrap();
        crate::contract::ids(&found.items)
    };
    // The author's own posts are receipts, too.
    assert_eq!(readers(2).await, [user(1), user(2)]);
    assert_eq!(readers(3).await, [user(1)]);
    let bob = store.membership(&room(1), &user(2)).await.unwrap().unwrap();
    assert_eq!((bob.marker_number, bob.receipt_number), (3, 2));
    assert_eq!(bob.receipt_message_id, Some(message(2)));
    assert!(!bob.wrote);
    let eve = store.membership(&room(1), &user(3)).await.unwrap().unwrap();
    assert_eq!((eve.marker_number, eve.receipt_number, eve.wrote), (5, 0, true));
}

fn account(number: u64, name: &str, shown: &str, role: Role, suspended: bool) -> UserRegistered {
    let display_name = DisplayName::parse(shown).unwrap();
    UserRegistered { user: UserState { display_name, role, suspended, ..user_state(number, name) } }
}

pub(crate) async fn accounts_are_found(place: &Place) {
    let mut history = History::default();
    history.add(account(1, "ada", "Ada Lovelace", Role::Admin, false));
    history.add(account(2, "bob", "Jos\u{e9} Example", Role::User, true));
    history.add(account(3, "eve", "Eve", Role::Moderator, false));
    history.add(account(4, "adam", "Adam", Role::User, false));
    place.project(&history).await;
    let store = place.model.current();
    let found = async |words: Option<&str>, role, suspended| {
        let filter = AccountFilter { words: words.map(str::to_owned), role, suspended };
        let slice = store.accounts(&filter, None, 10).await.unwrap();
        slice.items.into_iter().map(|doc| doc.state.id).collect::<Vec<_>>()
    };
    assert_eq!(found(None, None, None).await, [user(1), user(2), user(3), user(4)]);
    assert_eq!(found(Some("AD"), None, None).await, [user(1), user(4)]);
    assert_eq!(found(Some("ad"), Some(Role::User), None).await, [user(4)]);
    assert_eq!(found(None, Some(Role::Moderator), None).await, [user(3)]);
    assert_eq!(found(None, None, Some(true)).await, [user(2)]);
    assert_eq!(found(Some("jose"), None, Some(false)).await, []);
    // Addresses are only for those who ask for accounts.
    assert_eq!(found(Some("eve@example"), None, None).await, [user(3)]);
    assert_eq!(found(Some("eve@example.org eve"), None, None).await, [user(3)]);
    assert_eq!(found(Some("example.org"), None, None).await.len(), 4);
    for query in ["eve@example", "example.org", "\u{1}eve@", "\u{1}"] {
        let public = store.search_users(query, &ListFrom::Start, 10).await.unwrap();
        assert_eq!(public.items, [], "{query:?}");
    }
    let filter =
        AccountFilter { words: Some("example.org".to_owned()), ..AccountFilter::default() };
    let page = store.accounts(&filter, Some(&user(1)), 2).await.unwrap();
    assert_eq!((page.items.len(), page.items[0].state.id, page.more), (2, user(2), true));
}

pub(crate) async fn members_are_found(place: &Place) {
    let mut history = History::default();
    for (number, name) in [(1, "ada"), (2, "adam"), (3, "eve"), (4, "adele"), (5, "adrian")] {
        history.register(number, name);
    }
    history.create_room(1, "Analysis");
    for who in [1, 2, 3, 5] {
        history.join(1, who);
    }
    history.leave(1, 2);
    place.project(&history).await;
    let store = place.model.current();
    let room = store.room(&room(1)).await.unwrap().unwrap();
    // The same members by either way.
    for count in [room.member_count, 1_000_000] {
        let room = RoomDoc { member_count: count, ..room.clone() };
        let found = members_named(store.as_ref(), &room, "AD", None, 10).await.unwrap();
        assert_eq!(
            (crate::contract::ids(&found.items), found.onward),
            (vec![user(1), user(5)], None)
        );
        let first = members_named(store.as_ref(), &room, "ad", None, 1).await.unwrap();
        assert_eq!(crate::contract::ids(&first.items), [user(1)]);
        let next =
            members_named(store.as_ref(), &room, "ad", first.onward.as_ref(), 1).await.unwrap();
        assert_eq!(crate::contract::ids(&next.items), [user(5)]);
        let none = members_named(store.as_ref(), &room, "", None, 10).await.unwrap();
        assert_eq!((none.items, none.onward), (vec![], None));
    }
}

pub(crate) async fn a_shared_room_is_one_that_people_chose(place: &Place) {
    let mut history = History::default();
    for (number, name) in [(1, "ada"), (2, "bob"), (3, "eve")] {
        history.register(number, name);
    }
    let everyone = RoomState { everyone: true, ..room_state(1, "General") };
    history.add(RoomCreated { room: everyone });
    let pair = RoomState {
        kind: RoomKind::Direct,
        name: None,
        direct_members: vec![user(1), user(2)],
        ..room_state(2, "Two")
    };
    history.add(RoomCreated { room: pair });
    for who in [1, 2] {
        history.join(2, who);
    }
    history.create_room(3, "Group");
    for who in [2, 3] {
        history.join(3, who);
    }
    place.project(&history).await;
    let store = place.model.current();
    assert!(!store.share_room(&user(1), &user(2)).await.unwrap());
    assert!(!store.share_room(&user(1), &user(3)).await.unwrap());
    assert!(store.share_room(&user(3), &user(2)).await.unwrap());
}
