//! Keys and indexes of messages.

use super::super::archive;
use super::super::index::BY_EVENT;
use super::*;

/// The steps in which a question is answered, with the tables and indexes of messages and of the archive.
pub(in super::super) fn planned(question: &str) -> Vec<String> {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch(MessageDoc::TABLES).unwrap();
    db.execute_batch(BY_EVENT).unwrap();
    db.execute_batch(archive::TABLE).unwrap();
    db.execute_batch(&archive::BY_EVENT.join(";")).unwrap();
    let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {question}")).unwrap();
    let with = vec![rusqlite::types::Null; statement.parameter_count()];
    let steps = statement
        .query_map(rusqlite::params_from_iter(with), |row| row.get::<_, String>(3))
        .unwrap();
    steps.map(Result::unwrap).collect()
}

#[test]
fn messages_of_a_room_lie_together_in_their_order() {
    let places = [(1, 0), (1, 1), (1, u64::MAX), (2, 0), (2, 7), ((1 << 27) - 1, u64::MAX)];
    let keys = places.map(|(room, number)| message_key(room, number));
    assert!(keys.is_sorted_by(|one, next| one < next), "{keys:?}");
    assert_eq!(keys.map(|key| key >> NUMBER_BITS), places.map(|(room, _)| room));
}

/// A question that is not answered by an index reads a whole table, which no other test would notice.
#[test]
fn questions_about_messages_are_answered_by_keys_and_indexes() {
    let questions = [
        ("k >= 1 AND k < 2 ORDER BY k DESC", "INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
        (
            "posted >= 1 AND posted < 2 ORDER BY posted DESC",
            "messages_posted (posted>? AND posted<?)",
        ),
        ("posted = 1", "messages_posted (posted=?)"),
        ("id = x''", "INDEX messages_id (id=?)"),
        ("client = 1", "INDEX messages_client (client=?)"),
        ("thread = x'' AND answer < 2 ORDER BY answer", "messages_thread (thread=? AND answer<?)"),
        (
            "k >> 36 = 1 AND edited IS NOT NULL AND edited >= 2 AND posted < 2",
            "messages_edited (<expr>=? AND edited>?)",
        ),
        (
            "k >> 36 = 1 AND gone IS NOT NULL AND gone > 2 AND gone <= 3",
            "messages_gone (<expr>=? AND gone>? AND gone<?)",
        ),
    ];
    for (question, index) in questions {
        let steps = planned(&format!("SELECT doc FROM messages WHERE {question}"));
        assert!(steps.len() == 1 && steps[0].ends_with(index), "{question}: {steps:?}");
    }
}

/// Both tables are walked by their own indexes and merged; nothing is sorted, and a page reads no more than a page.
#[test]
fn questions_to_the_archive_as_well_are_answered_by_keys_and_indexes() {
    let questions = [
        everywhere!("doc, k", "k >= 1 AND k < 2", "ORDER BY k DESC LIMIT 5"),
        everywhere!("doc, answer", "thread = x'' AND answer < 2", "ORDER BY answer LIMIT 5"),
        everywhere!("doc", "client = 1"),
    ];
    let to_all = [
        MessageDoc::BY_KEY,
        MessageDoc::SCAN,
        anywhere!("doc, posted", "posted >= 1 AND posted < 2", "ORDER BY posted"),
        anywhere!("doc", "k >> 36 = 1 AND edited IS NOT NULL AND edited >= 2 AND posted < 2"),
        anywhere!("1", "k >> 36 = 1 AND gone IS NOT NULL AND gone > 2 AND gone <= 3"),
    ];
    let questions = questions.map(|question| (question, 2)).into_iter();
    for (question, tables) in questions.chain(to_all.map(|question| (question, 3))) {
        let steps = planned(question);
        let searches = steps.iter().filter(|step| step.starts_with("SEARCH ")).count();
        let worse = |step: &String| step.starts_with("SCAN ") || step.contains("TEMP B-TREE");
        assert!(searches == tables && !steps.iter().any(worse), "{question}: {steps:?}");
    }
}
