//! What happens to a room when a member's account is closed for good: they leave it, whatever kind of room it is.

use decider::Fact;
use schemas::events::{
    MemberChanged, MemberLeft, MemberState, NameReleased, RoomArchived, RoomChanged, RoomState,
};
use schemas::values::{RoomKind, RoomRole};
use schemas::{Lane, NameKey, Timestamp, UserId};

use super::newcomer;
use crate::domain::access::belongs;

/// A member whose account was closed.
#[derive(Debug, Clone, Copy)]
pub struct Departing<'a> {
    /// The user who goes.
    pub user: &'a UserId,
    /// What their member lane says.
    pub member: Option<&'a MemberState>,
    /// When they registered, which is when they joined the rooms every user belongs to.
    pub since: Timestamp,
}

/// The facts; none for who is not in the room. An only owner hands over to the admin, else member, who is there longest;
/// a room without members is archived, and so is a direct room of two: it stays readable.
#[must_use]
pub fn depart(
    room: &RoomState,
    who: &Departing<'_>,
    others: &[MemberState],
    names: &NameKey,
) -> Vec<Fact> {
    if !belongs(room, who.member) {
        return Vec::new();
    }
    let before = who
        .member
        .cloned()
        .unwrap_or_else(|| newcomer(&room.id, who.user, RoomRole::Member, None, who.since));
    let mut others =
        others.iter().filter(|other| other.user_id != *who.user && belongs(room, Some(other)));
    let heir = others.clone().min_by_key(|other| (std::cmp::Reverse(other.role), other.joined_at));
    let closes = match room.kind {
        RoomKind::Direct => room.direct_members.len() <= 2,
        RoomKind::Group | RoomKind::Channel => !room.everyone && others.next().is_none(),
    };
    let mut facts = Vec::new();
    let mut next = room.clone();
    next.owners.retain(|owner| owner != who.user);
    if let Some(heir) = heir.filter(|_| next.owners.is_empty() && !room.owners.is_empty()) {
        next.owners.push(heir.user_id);
        if heir.role != RoomRole::Owner {
            let member = MemberState { role: RoomRole::Owner, muted_until: None, ..heir.clone() };
            let lane = Lane::Member(room.id, heir.user_id);
            facts.push(Fact::new(lane, MemberChanged { member }));
        }
    }
    let lane = Lane::Room(room.id);
    if closes && !room.archived {
        if let Some(name) = room.name.as_ref().filter(|_| room.kind == RoomKind::Channel) {
            let released = NameReleased { owner: room.id.to_string(), held_until: None };
            facts.push(Fact::new(names.room_name(name.as_str()), released));
        }
        next.archived = true;
        facts.push(Fact::new(lane, RoomArchived { room: next, reason: None }));
    } else if next != *room {
        facts.push(Fact::new(lane, RoomChanged { room: next }));
    }
    let member = MemberState { present: false, role: RoomRole::Member, ..before };
    let lane = Lane::Member(room.id, *who.user);
    facts.push(Fact::new(lane, MemberLeft { member }));
    facts
}

#[cfg(test)]
mod tests {
    use schemas::values::{RoomName, Visibility};
    use schemas::{EventData, RoomId};
    use uuid::Uuid;

    use super::*;

    fn user(number: u128) -> UserId {
        UserId::from_uuid(Uuid::from_u128(number))
    }

    fn room(kind: RoomKind, owners: &[u128]) -> RoomState {
        let id = RoomId::from_uuid(Uuid::from_u128(9));
        RoomState {
            name: RoomName::parse("quiet").ok(),
            visibility: Visibility::Public,
            owners: owners.iter().map(|owner| user(*owner)).collect(),
            ..RoomState::begun(id, kind, Timestamp::from_millis(0))
        }
    }

    fn member(room: &RoomState, who: u128, role: RoomRole, since: i64) -> MemberState {
        newcomer(&room.id, &user(who), role, None, Timestamp::from_millis(since))
    }

    fn left(room: &RoomState, member: Option<&MemberState>, others: &[MemberState]) -> Vec<Fact> {
        let since = Timestamp::from_millis(0);
        let who = user(1);
        let who = Departing { user: &who, member, since };
        depart(room, &who, others, &NameKey::new(&[7; 32]))
    }

    fn owners(facts: &[Fact]) -> Option<(Vec<UserId>, bool)> {
        facts.iter().find_map(|fact| match &fact.data {
            EventData::Room(event) => Some((event.after().owners.clone(), event.after().archived)),
            _ => None,
        })
    }

    #[test]
    fn an_only_owner_hands_over_to_the_admin_who_is_there_longest() {
        let room = room(RoomKind::Group, &[1]);
        let own = member(&room, 1, RoomRole::Owner, 1);
        let others = [
            member(&room, 2, RoomRole::Member, 2),
            member(&room, 3, RoomRole::Admin, 9),
            member(&room, 4, RoomRole::Admin, 5),
        ];
        let facts = left(&room, Some(&own), &others);
        assert_eq!(owners(&facts), Some((vec![user(4)], false)));
        let members: Vec<&MemberState> =
            facts.iter().filter_map(|fact| fact.data.membership()).collect();
        assert_eq!(members[0].role, RoomRole::Owner);
        assert!(!members[1].present && members[1].user_id == user(1));
        let facts = left(&room, Some(&own), &others[..1]);
        assert_eq!(owners(&facts), Some((vec![user(2)], false)));
    }

    #[test]
    fn an_empty_room_is_archived_and_a_direct_room_of_two_is_read_only() {
        let channel = room(RoomKind::Channel, &[1]);
        let own = member(&channel, 1, RoomRole::Owner, 1);
        let facts = left(&channel, Some(&own), &[]);
        assert_eq!(owners(&facts), Some((Vec::new(), true)));
        assert_eq!(facts.len(), 3, "the name is free again: {facts:?}");

        let direct = RoomState {
            direct_members: vec![user(1), user(2)],
            name: None,
            ..room(RoomKind::Direct, &[])
        };
        let own = member(&direct, 1, RoomRole::Member, 1);
        let other = [member(&direct, 2, RoomRole::Member, 1)];
        assert_eq!(owners(&left(&direct, Some(&own), &other)), Some((Vec::new(), true)));
    }

    #[test]
    fn a_room_of_everyone_is_left_without_ever_having_been_joined_and_only_once() {
        let general = RoomState { everyone: true, ..room(RoomKind::Channel, &[]) };
        let facts = left(&general, None, &[]);
        assert_eq!(facts.len(), 1);
        let gone = facts[0].data.membership().cloned();
        assert_eq!(left(&general, gone.as_ref(), &[]), Vec::new());
    }
}
