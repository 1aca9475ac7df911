//! The index of the audit trail: in which blocks of the log something occurs.

use readmodel::{BLOCK, Term, block_of};
use schemas::events::{MessageDeleted, RoomCreated};

use crate::kit::*;

cases! {
    #[tokio::test]
    what_occurs_is_found_by_block,
    blocks_are_found_by_time,
}

async fn blocks(place: &Place, term: Term, from: u64, end: u64, limit: usize) -> (Vec<u64>, bool) {
    let found = place.model.current().sightings(&term, from, end, limit).await.unwrap();
    (found.items, found.more)
}

/// Posts in three blocks; a room in the first, a deletion in the last.
fn history() -> History {
    let mut history = crate::contract::conversation(3);
    while history.events.len() < 2 * usize::try_from(BLOCK).unwrap() - 1 {
        let number = u64::try_from(history.events.len()).unwrap();
        history.post(1, 1_000 + number, 1);
    }
    history.add(MessageDeleted {
        message_id: message(1_400),
        room_id: room(1),
        sender_id: user(1),
        posted: 1,
        thread_root_id: None,
        created_at: when(1),
        deleted_at: when(2),
        reason: None,
    });
    history
}

async fn what_occurs_is_found_by_block(place: &Place) {
    let history = history();
    // Batches end in the middle of blocks: what was seen is known again.
    let mut engine = place.engine().await;
    for batch in history.events.chunks(100) {
        let through = batch.last().unwrap().sequence;
        engine.apply(batch, through).await.unwrap();
    }
    let all = u64::MAX >> 1;
    let posts = || Term::kind("message.posted.v1");
    assert_eq!(blocks(place, posts(), 0, all, 10).await, (vec![1, 0], false));
    assert_eq!(blocks(place, Term::everything(), 0, all, 2).await, (vec![2, 1], true));
    assert_eq!(blocks(place, Term::everything(), 1, 2, 10).await, (vec![1], false));
    assert_eq!(blocks(place, Term::actor("system"), 0, 2, 10).await, (vec![1, 0], false));
    let created = history.events.iter().find(|logged| {
        matches!(&logged.event.data, schemas::EventData::Room(event)
            if matches!(event, schemas::events::RoomEvent::Created(RoomCreated { .. })))
    });
    let block = block_of(created.unwrap().sequence);
    let of_room = Term::subject(room(1).as_str());
    assert_eq!(blocks(place, of_room, 0, all, 10).await, (vec![block], false));
    // A post is found by its message's document, a deletion by the index.
    let of = |number| Term::subject(message(number).as_str());
    assert_eq!(blocks(place, of(1_400), 0, all, 10).await, (vec![2], false));
    assert_eq!(blocks(place, of(1_300), 0, all, 10).await, (vec![], false));
    assert_eq!(blocks(place, Term::actor("usr_x"), 0, all, 10).await, (vec![], false));
}

async fn blocks_are_found_by_time(place: &Place) {
    let history = history();
    place.project(&history).await;
    let store = place.model.current();
    let time = |sequence: u64| {
        let found = history.events.iter().find(|logged| logged.sequence == sequence);
        found.unwrap().event.time
    };
    assert_eq!(store.block_before(time(1)).await.unwrap(), None);
    assert_eq!(store.block_before(time(2)).await.unwrap(), Some(0));
    assert_eq!(store.block_before(time(BLOCK)).await.unwrap(), Some(0));
    assert_eq!(store.block_before(time(BLOCK + 1)).await.unwrap(), Some(1));
    assert_eq!(store.block_before(schemas::Timestamp::MAX).await.unwrap(), Some(2));
}
