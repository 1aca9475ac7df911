use decider::Fact;
use schemas::events::{BlocksState, MemberState};
use schemas::values::RoomRole;
use schemas::{EventData, Lane};

use super::{BlockRejection, MAX_BLOCKS, Two, set_block};
use crate::domain::access::Denied;
use crate::domain::member::newcomer;
use crate::domain::person::Person;
use crate::domain::testing::{ADA, BOB, CYD, at, cx, person, room_id, user};

fn list(n: u128, blocked: &[u128]) -> BlocksState {
    BlocksState { user_id: user(n), blocked: blocked.iter().map(|n| user(*n)).collect() }
}

/// What Ada decides about Bob.
fn decide(
    blocks: Option<&BlocksState>,
    two: (Option<&MemberState>, Option<&MemberState>),
    block: bool,
) -> Result<Vec<Fact>, BlockRejection> {
    let room = room_id(7);
    let two = Two { room: &room, own: two.0, other: two.1 };
    let (ada, bob) = (person(ADA), person(BOB));
    set_block((Some(&ada), blocks), (&user(BOB), Some(&bob)), &two, block, &cx(ADA))
}

fn members(facts: &[Fact]) -> Vec<MemberState> {
    facts.iter().filter_map(|fact| fact.data.membership().cloned()).collect()
}

#[test]
fn a_block_is_on_the_list_and_on_both_member_lanes() {
    let facts = decide(None, (None, None), true).unwrap();
    assert_eq!(facts[0].lane, Lane::Blocks(user(ADA)));
    assert_eq!(facts[0].data.blocks(), Some(&list(ADA, &[BOB])));
    let [ada, bob] = members(&facts).try_into().unwrap();
    assert_eq!((ada.user_id, ada.blocks, ada.blocked), (user(ADA), true, false));
    assert_eq!((bob.user_id, bob.blocks, bob.blocked), (user(BOB), false, true));
    assert!(!ada.present && !bob.present, "a room that is not opened has no members");
}

#[test]
fn a_block_leaves_memberships_and_the_other_direction_alone() {
    let in_room = |n| newcomer(&room_id(7), &user(n), RoomRole::Member, None, at(5));
    let ada = MemberState { blocked: true, ..in_room(ADA) };
    let bob = MemberState { blocks: true, ..in_room(BOB) };
    let facts = decide(None, (Some(&ada), Some(&bob)), true).unwrap();
    let both = MemberState { blocks: true, ..ada };
    let other = MemberState { blocked: true, ..bob };
    assert_eq!(members(&facts), [both.clone(), other.clone()]);
    let undone = decide(Some(&list(ADA, &[CYD, BOB])), (Some(&both), Some(&other)), false).unwrap();
    assert_eq!(undone[0].data.blocks(), Some(&list(ADA, &[CYD])));
    let [ada, bob] = members(&undone).try_into().unwrap();
    assert!(!ada.blocks && ada.blocked && bob.blocks && !bob.blocked);
}

#[test]
fn a_repeat_changes_nothing() {
    assert_eq!(decide(Some(&list(ADA, &[BOB])), (None, None), true), Ok(Vec::new()));
    assert_eq!(decide(Some(&list(ADA, &[CYD])), (None, None), false), Ok(Vec::new()));
    assert_eq!(decide(None, (None, None), false), Ok(Vec::new()));
}

#[test]
fn refusals() {
    let room = room_id(7);
    let two = Two { room: &room, own: None, other: None };
    let ada = person(ADA);
    let decide = |blocks: Option<&BlocksState>, other: u128, known: Option<&Person>| {
        set_block((Some(&ada), blocks), (&user(other), known), &two, true, &cx(ADA))
    };
    assert_eq!(decide(None, ADA, Some(&ada)), Err(BlockRejection::Oneself));
    assert_eq!(decide(None, BOB, None), Err(BlockRejection::NoSuchUser));
    let full: Vec<u128> = (100..).take(MAX_BLOCKS).collect();
    let bob = person(BOB);
    assert_eq!(decide(Some(&list(ADA, &full)), BOB, Some(&bob)), Err(BlockRejection::TooMany));
    let suspended = Person { suspended: true, ..person(ADA) };
    let refused =
        set_block((Some(&suspended), None), (&user(BOB), Some(&bob)), &two, true, &cx(ADA));
    assert_eq!(refused, Err(Denied::Suspended.into()));
}

#[test]
fn every_event_of_the_lane_says_all_blocks() {
    for event in testbed::every_event() {
        let is_block = matches!(event, EventData::Block(_));
        assert_eq!(event.blocks().is_some(), is_block, "{}", event.type_name());
    }
}
