//! Decisions about invitations.

use decider::Fact;
use schemas::commands::CreateInvite;
use schemas::events::{
    InviteAccepted, InviteCreated, InviteRevoked, InviteState, MemberJoined, MemberState, RoomState,
};
use schemas::ids::InviteId;
use schemas::values::{RoomKind, RoomRole, Visibility};
use schemas::{EventData, Lane, Timestamp, UserId};

use super::{InviteRejection, MAX_OPEN};
use crate::domain::Context;
use crate::domain::access::{Denied, Standing, active, belongs, role_in};
use crate::domain::member::newcomer;
use crate::domain::person::Person;

const WEEK: u32 = 604_800;
const YEAR: u32 = 31_536_000;
const MAX_USES: u32 = 1_000;

/// What an event makes of an invitation: its lane's events carry all of it.
pub fn evolve(invite: &mut Option<InviteState>, event: &EventData) {
    if let EventData::Invite(event) = event {
        *invite = Some(event.after().clone());
    }
}

/// The role that makes invitations to a room: admins in private channels, members elsewhere.
const fn needed(room: &RoomState) -> RoomRole {
    match (room.kind, room.visibility) {
        (RoomKind::Channel, Visibility::Private) => RoomRole::Admin,
        (RoomKind::Channel | RoomKind::Group | RoomKind::Direct, _) => RoomRole::Member,
    }
}

/// What an invitation is made with.
#[derive(Debug, Clone, Copy)]
pub struct Making<'a> {
    /// What it will be called.
    pub id: &'a InviteId,
    /// How many open ones the room has.
    pub open: usize,
    /// Whether those may invite whose address is not verified.
    pub unverified: bool,
}

/// The caller makes an invitation.
///
/// # Errors
/// See [`InviteRejection`].
pub fn create(
    standing: &Standing<'_>,
    making: Making<'_>,
    command: &CreateInvite,
    cx: &Context,
) -> Result<(Fact, InviteState), InviteRejection> {
    standing.may_govern(needed(standing.room), cx.now)?;
    if !standing.person.verified && !making.unverified {
        return Err(InviteRejection::NotVerified);
    }
    let seconds = command.expires_in.unwrap_or(WEEK);
    if !(1..=YEAR).contains(&seconds) {
        return Err(InviteRejection::Expiry);
    }
    if command.max_uses.is_some_and(|uses| !(1..=MAX_USES).contains(&uses)) {
        return Err(InviteRejection::Uses);
    }
    if making.open >= MAX_OPEN {
        return Err(InviteRejection::TooMany);
    }
    let invite = InviteState {
        id: *making.id,
        room_id: standing.room.id,
        created_by: cx.actor,
        created_at: cx.now,
        expires_at: Timestamp::from_millis(cx.now.millis() + i64::from(seconds) * 1_000),
        max_uses: command.max_uses,
        uses: 0,
        revoked: false,
        reserved: Vec::new(),
    };
    let event = InviteCreated { invite: invite.clone() };
    Ok((Fact::new(Lane::Invite(invite.id), event), invite))
}

/// Whether a member may see an invitation of their room and take it back: who made it, and admins.
///
/// # Errors
/// The caller is not in the room, or it has no invitations.
pub fn is_listed(standing: &Standing<'_>, invite: &InviteState) -> Result<bool, Denied> {
    let role = standing.role()?;
    standing.not_direct()?;
    Ok(role >= RoomRole::Admin || invite.created_by == standing.person.id)
}

/// The caller takes an invitation back; nothing happens when it was.
///
/// # Errors
/// See [`InviteRejection`].
pub fn revoke(
    standing: &Standing<'_>,
    invite: Option<&InviteState>,
) -> Result<Vec<Fact>, InviteRejection> {
    standing.role()?;
    standing.not_direct()?;
    let invite = invite.filter(|invite| invite.room_id == standing.room.id);
    let invite = invite.ok_or(InviteRejection::NoSuchInvite)?;
    if !is_listed(standing, invite)? {
        return Err(InviteRejection::NoSuchInvite);
    }
    standing.not_archived()?;
    if invite.revoked {
        return Ok(Vec::new());
    }
    let invite = InviteState { revoked: true, ..invite.clone() };
    Ok(vec![Fact::new(Lane::Invite(invite.id), InviteRevoked { invite })])
}

/// An invitation with what decides whether it still holds.
#[derive(Debug, Clone, Copy)]
pub struct Inviting<'a> {
    /// The invitation.
    pub invite: &'a InviteState,
    /// The room it is to.
    pub room: Option<&'a RoomState>,
    /// Who made it.
    pub inviter: Option<&'a Person>,
    /// What the inviter's member lane says.
    pub member: Option<&'a MemberState>,
    /// Whether those may invite whose address is not verified.
    pub unverified: bool,
}

/// Whether an invitation holds: it is open, its room takes members, and its maker still may invite.
///
/// # Errors
/// [`InviteRejection::Over`].
pub fn judge<'a>(
    inviting: &Inviting<'a>,
    now: Timestamp,
) -> Result<&'a RoomState, InviteRejection> {
    let over = InviteRejection::Over;
    let room = inviting.room.filter(|room| !room.archived).ok_or(over)?;
    let inviter = active(inviting.inviter).map_err(|_| over)?;
    let may = belongs(room, inviting.member)
        && role_in(room, inviter, inviting.member) >= needed(room)
        && (inviter.verified || inviting.unverified);
    if may && inviting.invite.is_open(now) { Ok(room) } else { Err(over) }
}

/// The invitation once one more has come in by it. Who was registered with it has a place, which was counted.
fn spent(invite: &InviteState, user: &UserId) -> InviteState {
    let mut after = invite.clone();
    match after.reserved.iter().position(|one| one == user) {
        Some(place) => drop(after.reserved.remove(place)),
        None => after.uses = after.uses.saturating_add(1),
    }
    after
}

/// The caller comes in by an invitation. A member spends none of its uses: for who has come in by the last it is not used up.
/// It is over for all when it was revoked or has run out.
///
/// # Errors
/// See [`InviteRejection`].
pub fn accept(
    inviting: &Inviting<'_>,
    person: Option<&Person>,
    member: Option<&MemberState>,
    cx: &Context,
) -> Result<Vec<Fact>, InviteRejection> {
    active(person)?;
    // The place that is kept for the caller is free for them.
    let theirs = inviting.invite.reserved.contains(&cx.actor);
    let is_member = inviting.room.is_some_and(|room| belongs(room, member));
    let uses = match is_member {
        true => 0,
        false => inviting.invite.uses.saturating_sub(u32::from(theirs)),
    };
    let invite = &InviteState { uses, ..inviting.invite.clone() };
    let room = judge(&Inviting { invite, ..*inviting }, cx.now)?;
    if member.is_some_and(|member| member.is_banned(cx.now)) {
        return Err(Denied::Banned.into());
    }
    if is_member {
        return Ok(Vec::new());
    }
    let invite = spent(inviting.invite, &cx.actor);
    let accepted = InviteAccepted { invite, user_id: cx.actor };
    let member = newcomer(&room.id, &cx.actor, RoomRole::Member, member, cx.now);
    Ok(vec![
        Fact::new(Lane::Invite(accepted.invite.id), accepted),
        Fact::new(Lane::Member(room.id, cx.actor), MemberJoined { member }),
    ])
}
