//! Given a client that has everything up to 10 and documents as of 20, when these changed, then it is told of
//! these.

use super::*;
use crate::live::fixture::{links, membership_doc, message, room, sender, user};
use crate::live::frames::Place;
use crate::live::frames::message::{changed_frame, document_frame};
use crate::live::plan::{Item, Plan};
use readmodel::MessageDoc;
use schemas::values::Format;
use schemas::{Epoch, Sequence, Timestamp};

fn doc(id: u64, posted: Sequence, changed: Sequence, beside: Sequence) -> MessageDoc {
    MessageDoc {
        id: message(id),
        room_id: room(1),
        number: 1,
        main_number: 1,
        sender_id: user(9),
        client_id: None,
        body: "hello".to_owned(),
        format: Format::Plain,
        attachments: Vec::new(),
        files: Vec::new(),
        mentions: Vec::new(),
        mentions_room: None,
        thread_root_id: None,
        thread_number: None,
        reply_count: 2,
        reactions: Vec::new(),
        pinned: 0,
        last_reply_at: None,
        created_at: Timestamp::from_millis(1_000),
        edited_at: (changed > posted).then(|| Timestamp::from_millis(2_000)),
        deleted_at: None,
        posted,
        changed,
        beside,
        archived: 0,
        purged: 0,
        updated: changed.max(beside),
    }
}

fn gone(doc: MessageDoc) -> MessageDoc {
    MessageDoc { deleted_at: Some(Timestamp::from_millis(3_000)), ..doc }
}

fn membership(joined: Sequence, returned: bool, changed: Sequence) -> MembershipDoc {
    let doc = membership_doc(room(1), user(1), joined);
    MembershipDoc { returned, changed, told: changed, updated: changed, ..doc }
}

#[track_caller]
fn told(messages: &[MessageDoc], own: Vec<MembershipDoc>, expected: &[(Sequence, &str)]) {
    let epoch = Epoch::parse("e1").unwrap();
    let user = user(1);
    let links = links();
    let span = Span { epoch: &epoch, user: &user, links: &links, after: 10, through: 20 };
    let marks = messages.iter().map(MessageMark::of).collect();
    let changed = Changed { messages: marks, own, ..Changed::default() };
    let plan = Plan::new(10, 20, changed.steps(&span));
    let mut found = Vec::new();
    for step in &plan.steps {
        let place = Place { epoch: &epoch, sequence: step.at, previous: None };
        let frame = match &step.item {
            Item::Message(id) => {
                let doc = messages.iter().find(|doc| doc.id == *id).unwrap();
                document_frame(doc, 10, place, sender(9), Vec::new()).unwrap()
            }
            Item::Frame(frame) => frame.clone(),
            Item::Reload(_) => {
                found.push((step.at, "reload".to_owned()));
                continue;
            }
            other => panic!("{other:?}"),
        };
        let payload = crate::live::wire::payload(&frame);
        let json: serde_json::Value = serde_json::from_slice(payload).unwrap();
        assert_eq!(json["position"], format!("e1:{}", step.at));
        let name = json["event"].as_str().unwrap();
        if name.starts_with("message.") {
            let counted = name != "message.edited";
            assert_eq!(json["data"]["reply_count"].is_number(), counted, "{json}");
            assert_eq!(json["data"]["number"].is_number(), name == "message.changed", "{json}");
        }
        found.push((step.at, name.to_owned()));
    }
    let found: Vec<(Sequence, &str)> =
        found.iter().map(|(at, name)| (*at, name.as_str())).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_message_is_told_as_what_the_client_has_not_seen_of_it() {
    let messages = [
        doc(1, 11, 11, 0),
        doc(2, 12, 18, 14),
        doc(3, 9, 15, 8),
        gone(doc(4, 5, 17, 19)),
        gone(doc(5, 13, 19, 0)),
        doc(6, 7, 7, 16),
        doc(7, 6, 20, 16),
        gone(doc(8, 6, 7, 16)),
        doc(9, 3, 18, 0),
    ];
    let expected = [
        (11, "message.posted"),
        (12, "message.posted"),
        (15, "message.changed"),
        (16, "message.changed"),
        (16, "message.deleted"),
        (18, "message.edited"),
        (19, "message.deleted"),
        (19, "message.deleted"),
        (20, "message.changed"),
    ];
    told(&messages, Vec::new(), &expected);
}

#[test]
fn what_lies_beyond_the_checkpoint_is_left_to_what_comes_then() {
    let messages = [
        doc(1, 21, 21, 0),
        doc(2, 9, 22, 0),
        doc(3, 15, 23, 0),
        gone(doc(4, 12, 24, 0)),
        gone(doc(5, 12, 24, 18)),
        gone(doc(6, 7, 8, 24)),
        gone(doc(7, 7, 16, 24)),
    ];
    told(&messages, Vec::new(), &[(15, "message.posted"), (16, "message.deleted")]);
}

#[test]
fn a_message_that_changes_while_it_waits_for_its_turn_is_told_where_it_changed() {
    let epoch = Epoch::parse("e1").unwrap();
    let frame = |doc: &MessageDoc, sequence| {
        let place = Place { epoch: &epoch, sequence, previous: None };
        document_frame(doc, 10, place, sender(9), Vec::new()).is_some()
    };
    // Planned as an edit at 15, edited again at 22, or deleted there.
    assert!(!frame(&doc(1, 5, 22, 0), 15));
    assert!(!frame(&gone(doc(1, 5, 22, 0)), 15));
    // Planned as a post at 15: as it is now, but not when it is gone.
    assert!(frame(&doc(1, 15, 22, 0), 15));
    assert!(!frame(&gone(doc(1, 15, 22, 0)), 15));
    // Planned for its answers, of which there are others by now.
    assert!(frame(&gone(doc(1, 5, 12, 22)), 15));
    let place = Place { epoch: &epoch, sequence: 15, previous: None };
    assert!(changed_frame(&gone(doc(1, 5, 22, 15)), place, sender(9), Vec::new()).is_none());
}

#[test]
fn of_a_room_they_came_into_a_reload_and_what_happened_since() {
    let messages = [doc(1, 11, 11, 0), doc(2, 13, 13, 0), doc(3, 5, 14, 0)];
    let expected =
        [(12, "member.joined"), (12, "reload"), (13, "message.posted"), (14, "message.edited")];
    told(&messages, vec![membership(12, false, 12)], &expected);
    told(&messages, vec![membership(12, true, 16)], &expected);
}

#[test]
fn a_client_cut_in_the_middle_of_an_event_of_two_frames_gets_the_second() {
    told(&[], vec![membership(10, true, 10)], &[(10, "reload")]);
    told(&[], vec![membership(10, false, 10)], &[]);
    let again = vec![membership(10, true, 15)];
    told(
        &[doc(1, 5, 5, 10), gone(doc(2, 5, 6, 10)), gone(doc(3, 5, 10, 6))],
        again,
        &[(10, "message.changed"), (10, "message.deleted"), (10, "reload"), (15, "member.changed")],
    );
}

#[test]
fn who_was_removed_hears_it() {
    let out = MembershipDoc { present: false, ..membership(5, false, 13) };
    told(&[], vec![out.clone()], &[(13, "member.left")]);
    // What happened to their ban since is told to no client.
    let banned = MembershipDoc { changed: 15, updated: 15, ..out };
    told(&[], vec![banned.clone()], &[(13, "member.left")]);
    told(&[], vec![MembershipDoc { told: 9, ..banned }], &[]);
}
