//! Decisions about memberships. Where an owner comes or goes, the room's own list of owners changes in
//! the same batch: "the last owner stays" is guarded by the room's lane.

use schemas::commands::ChangeMember;
use schemas::events::{
    MemberAdded, MemberChanged, MemberJoined, MemberLeft, MemberRemoved, MemberState,
};
use schemas::values::{RoomRole, Visibility};
use schemas::{EventData, Lane, RoomId, Timestamp, UserId};

use super::MemberRejection;
use crate::domain::access::{Denied, Standing, belongs, role_in};
use crate::domain::person::Person;
use crate::domain::room::owners_changed;
use crate::domain::{Context, Fact};

/// The person a decision is about, when it is not the caller.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Who.
    pub person: &'a Person,
    /// What his member lane says.
    pub member: Option<&'a MemberState>,
}

impl<'a> Target<'a> {
    /// A target that must have an account.
    ///
    /// # Errors
    /// [`MemberRejection::NoSuchUser`].
    pub fn of(
        person: Option<&'a Person>,
        member: Option<&'a MemberState>,
    ) -> Result<Self, MemberRejection> {
        Ok(Self { person: person.ok_or(MemberRejection::NoSuchUser)?, member })
    }
}

/// A membership that begins now. A mute outlives leaving and coming back.
#[must_use]
pub fn newcomer(
    room: &RoomId,
    user: &UserId,
    role: RoomRole,
    before: Option<&MemberState>,
    now: Timestamp,
) -> MemberState {
    MemberState {
        room_id: room.clone(),
        user_id: user.clone(),
        role,
        present: true,
        muted_until: before.and_then(|member| member.muted_until),
        banned: false,
        joined_at: now,
    }
}

fn on_lane(standing: &Standing<'_>, user: &UserId, data: impl Into<EventData>) -> Fact {
    Fact::new(Lane::Member(standing.room.id.clone(), user.clone()), data)
}

/// The caller comes into a public room; nothing happens when he is in it.
///
/// # Errors
/// See [`MemberRejection`].
pub fn join(standing: &Standing<'_>, cx: &Context) -> Result<Vec<Fact>, MemberRejection> {
    standing.members_may_change()?;
    standing.not_archived()?;
    if standing.is_present() {
        return Ok(Vec::new());
    }
    if standing.member.is_some_and(|member| member.banned) {
        return Err(Denied::Banned.into());
    }
    let member = newcomer(&standing.room.id, &cx.actor, RoomRole::Member, standing.member, cx.now);
    Ok(vec![on_lane(standing, &cx.actor, MemberJoined { member })])
}

/// The caller leaves; nothing happens when he is not in the (public) room.
///
/// # Errors
/// See [`MemberRejection`].
pub fn leave(standing: &Standing<'_>, cx: &Context) -> Result<Vec<Fact>, MemberRejection> {
    standing.members_may_change()?;
    let Some(member) = standing.member.filter(|_| standing.is_present()) else {
        return Ok(Vec::new());
    };
    go(standing, member, |member| on_lane(standing, &cx.actor, MemberLeft { member }))
}

/// Ends a membership: the owner's list shrinks with it where he was an owner.
fn go(
    standing: &Standing<'_>,
    member: &MemberState,
    fact: impl FnOnce(MemberState) -> Fact,
) -> Result<Vec<Fact>, MemberRejection> {
    let room = standing.room;
    if room.owners.iter().all(|owner| *owner == member.user_id) && member.role == RoomRole::Owner {
        return Err(MemberRejection::LastOwner);
    }
    let gone = MemberState { present: false, role: RoomRole::Member, ..member.clone() };
    let mut facts: Vec<Fact> = owners_changed(room, &member.user_id, false).into_iter().collect();
    facts.push(fact(gone));
    Ok(facts)
}

/// The caller brings somebody in. In a public room every member may; in a private one it needs an admin.
/// Only an owner gives a role above member.
///
/// # Errors
/// See [`MemberRejection`].
pub fn add(
    standing: &Standing<'_>,
    target: &Target<'_>,
    role: Option<RoomRole>,
    cx: &Context,
) -> Result<Vec<Fact>, MemberRejection> {
    standing.role()?;
    standing.members_may_change()?;
    let wanted = role.unwrap_or(RoomRole::Member);
    let needed = match (wanted, standing.room.visibility) {
        (RoomRole::Member, Visibility::Public) => RoomRole::Member,
        (RoomRole::Member, Visibility::Private) => RoomRole::Admin,
        (RoomRole::Admin | RoomRole::Owner, _) => RoomRole::Owner,
    };
    standing.at_least(needed)?;
    standing.not_archived()?;
    if let Some(member) = target.member {
        if member.banned {
            return Err(MemberRejection::TargetBanned);
        }
        if member.present {
            let same = role.is_none_or(|role| role == member.role);
            return if same { Ok(Vec::new()) } else { Err(MemberRejection::AlreadyMember) };
        }
    }
    let room = standing.room;
    let user = &target.person.id;
    let mut facts: Vec<Fact> =
        owners_changed(room, user, wanted == RoomRole::Owner).into_iter().collect();
    let member = newcomer(&room.id, user, wanted, target.member, cx.now);
    facts.push(on_lane(standing, user, MemberAdded { member }));
    Ok(facts)
}

/// The caller puts somebody out: an admin those below him, an owner anybody. Himself: he leaves.
/// Nothing happens when the person has gone already.
///
/// # Errors
/// See [`MemberRejection`].
pub fn remove(
    standing: &Standing<'_>,
    user: &UserId,
    member: Option<&MemberState>,
    cx: &Context,
) -> Result<Vec<Fact>, MemberRejection> {
    let role = standing.role()?;
    if *user == cx.actor {
        return leave(standing, cx);
    }
    standing.members_may_change()?;
    standing.at_least(RoomRole::Admin)?;
    let member = member.ok_or(MemberRejection::NoSuchMember)?;
    if !belongs(standing.room, Some(member)) {
        return Ok(Vec::new());
    }
    if role != RoomRole::Owner && member.role >= role {
        return Err(MemberRejection::NotBelow);
    }
    go(standing, member, |member| on_lane(standing, user, MemberRemoved { member }))
}

/// The caller changes somebody's role (owners only) or mutes him (admins, those below them).
///
/// # Errors
/// See [`MemberRejection`].
pub fn change(
    standing: &Standing<'_>,
    target: &Target<'_>,
    command: &ChangeMember,
) -> Result<(Vec<Fact>, MemberState), MemberRejection> {
    let role = standing.role()?;
    standing.not_direct()?;
    standing.at_least(RoomRole::Admin)?;
    let before = present_target(standing, target)?;
    let mut next = before.clone();
    let room = standing.room;
    if let Some(wanted) = command.role.filter(|wanted| *wanted != before.role) {
        if room.everyone {
            return Err(Denied::EveryoneRoom.into());
        }
        standing.at_least(RoomRole::Owner)?;
        if before.role == RoomRole::Owner && room.owners.iter().all(|o| *o == before.user_id) {
            return Err(MemberRejection::LastOwner);
        }
        next.role = wanted;
    }
    if !command.muted_until.is_keep() {
        if role_in(room, target.person, target.member) >= role {
            return Err(MemberRejection::NotBelow);
        }
        next.muted_until = command.muted_until.clone().apply(before.muted_until);
    }
    if next == before {
        return Ok((Vec::new(), next));
    }
    let owns = next.role == RoomRole::Owner;
    let mut facts: Vec<Fact> = owners_changed(room, &next.user_id, owns).into_iter().collect();
    facts.push(on_lane(standing, &next.user_id, MemberChanged { member: next.clone() }));
    Ok((facts, next))
}

/// The target's membership, which in a room of everybody may have no event yet.
fn present_target(
    standing: &Standing<'_>,
    target: &Target<'_>,
) -> Result<MemberState, MemberRejection> {
    let room = standing.room;
    if !belongs(room, target.member) {
        return Err(MemberRejection::NoSuchMember);
    }
    Ok(target.member.cloned().unwrap_or_else(|| {
        let since = target.person.registered_at;
        newcomer(&room.id, &target.person.id, RoomRole::Member, None, since)
    }))
}
