//! Decisions about rooms.

use std::collections::BTreeSet;

use decider::Fact;
use schemas::commands::{ChangeRoom, CreateRoom};
use schemas::events::{
    MemberAdded, MemberJoined, NameClaimed, NameReleased, RoomArchived, RoomChanged, RoomCreated,
    RoomRestored, RoomState,
};
use schemas::values::{Patch, Reason, RoomKind, RoomName, RoomRole, Visibility};
use schemas::{EventData, Lane, NameKey, RoomId, Timestamp, UserId};

use super::evolve::Name;
use super::{MAX_DIRECT_OTHERS, MAX_FIRST_MEMBERS, RoomRejection};
use crate::domain::Context;
use crate::domain::access::{Denied, Standing, active};
use crate::domain::member::newcomer;
use crate::domain::person::Person;

/// Six hours.
const MAX_SLOW_MODE_SECONDS: u32 = 21_600;
/// A century of days.
const MAX_RETENTION_DAYS: u32 = 36_500;

fn claimed(names: &NameKey, name: &RoomName, id: &RoomId) -> Fact {
    Fact::new(names.room_name(name.as_str()), NameClaimed { owner: id.to_string() })
}

fn released(names: &NameKey, name: &RoomName, id: &RoomId) -> Fact {
    Fact::new(
        names.room_name(name.as_str()),
        NameReleased { owner: id.to_string(), held_until: None },
    )
}

/// What a room that is made is called in the log.
#[derive(Debug, Clone, Copy)]
pub struct NewRoom<'a> {
    /// Its id.
    pub id: &'a RoomId,
    /// Makes the lane of its name.
    pub names: &'a NameKey,
}

/// Makes a group or channel with its first members, one batch: name, room, maker, others.
///
/// `holder` is who has the wanted name (channels only); `others` are people who exist.
///
/// # Errors
/// See [`RoomRejection`].
pub fn create(
    new: NewRoom<'_>,
    command: &CreateRoom,
    person: Option<&Person>,
    holder: &Name,
    others: &[UserId],
    cx: &Context,
) -> Result<Vec<Fact>, RoomRejection> {
    let NewRoom { id, names } = new;
    active(person)?;
    let default = match command.kind {
        RoomKind::Direct => return Err(RoomRejection::KindDirect),
        RoomKind::Group => Visibility::Private,
        RoomKind::Channel => Visibility::Public,
    };
    let others: BTreeSet<&UserId> = others.iter().filter(|id| **id != cx.actor).collect();
    if others.len() > MAX_FIRST_MEMBERS {
        return Err(RoomRejection::TooManyMembers);
    }
    let mut facts = Vec::with_capacity(others.len() + 3);
    if command.kind == RoomKind::Channel {
        if holder.is_some() {
            return Err(RoomRejection::NameTaken);
        }
        facts.push(claimed(names, &command.name, id));
    }
    let room = RoomState {
        name: Some(command.name.clone()),
        topic: command.topic.clone(),
        visibility: command.visibility.unwrap_or(default),
        owners: vec![cx.actor],
        created_by: Some(cx.actor),
        ..RoomState::begun(*id, command.kind, cx.now)
    };
    facts.push(Fact::new(Lane::Room(*id), RoomCreated { room }));
    facts.push(joined(id, &cx.actor, RoomRole::Owner, cx.now));
    facts.extend(others.into_iter().map(|other| added(id, other, cx.now)));
    Ok(facts)
}

/// Creates a room every user belongs to. It has no creator, no owners and no member events.
///
/// # Errors
/// [`RoomRejection::NameTaken`].
pub fn create_everyone(
    id: &RoomId,
    name: &RoomName,
    holder: &Name,
    now: Timestamp,
    names: &NameKey,
) -> Result<Vec<Fact>, RoomRejection> {
    if holder.is_some() {
        return Err(RoomRejection::NameTaken);
    }
    let room = RoomState {
        name: Some(name.clone()),
        visibility: Visibility::Public,
        everyone: true,
        ..RoomState::begun(*id, RoomKind::Channel, now)
    };
    Ok(vec![claimed(names, name, id), Fact::new(Lane::Room(*id), RoomCreated { room })])
}

/// Makes the direct room of the caller and `others` (people who exist; the caller among them is fine, and
/// alone it is the caller's room for notes). Whether there is one already is the direct lane's matter.
///
/// # Errors
/// [`RoomRejection::DirectSize`] and those of the caller.
pub fn open_direct(
    id: &RoomId,
    person: Option<&Person>,
    others: &[UserId],
    cx: &Context,
    names: &NameKey,
) -> Result<Vec<Fact>, RoomRejection> {
    active(person)?;
    let others: BTreeSet<&UserId> = others.iter().filter(|id| **id != cx.actor).collect();
    if others.len() > MAX_DIRECT_OTHERS {
        return Err(RoomRejection::DirectSize);
    }
    let members: BTreeSet<&UserId> = others.iter().copied().chain([&cx.actor]).collect();
    let room = RoomState {
        direct_members: members.iter().copied().cloned().collect(),
        created_by: Some(cx.actor),
        ..RoomState::begun(*id, RoomKind::Direct, cx.now)
    };
    let lane = names.direct(members.iter().copied());
    let mut facts = vec![
        Fact::new(lane, NameClaimed { owner: id.to_string() }),
        Fact::new(Lane::Room(*id), RoomCreated { room }),
        joined(id, &cx.actor, RoomRole::Member, cx.now),
    ];
    facts.extend(others.into_iter().map(|other| added(id, other, cx.now)));
    Ok(facts)
}

/// What a change does to the unique names. An archived channel holds none, so that a successor can have
/// its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NameChange<'a> {
    /// The name the room lets go.
    pub released: Option<&'a RoomName>,
    /// The name it takes.
    pub claimed: Option<&'a RoomName>,
}

impl<'a> NameChange<'a> {
    /// What `command` does to the names of `room`. A change of case alone stays on the same lane.
    #[must_use]
    pub fn of(room: &'a RoomState, command: &'a ChangeRoom, names: &NameKey) -> Self {
        let archived = command.archived.unwrap_or(room.archived);
        let from = room.name.as_ref().filter(|_| !room.archived);
        let to = command.name.as_ref().or(room.name.as_ref()).filter(|_| !archived);
        let lane = |name: Option<&RoomName>| name.map(|name| names.room_name(name.as_str()));
        if room.kind != RoomKind::Channel || lane(from) == lane(to) {
            return Self::default();
        }
        Self { released: from, claimed: to }
    }
}

/// Changes a room, archives it or brings it back; `holder` is who has the name it takes, if it takes one.
/// Visibility and retention are the owners' matter, everything else that of its admins.
///
/// # Errors
/// See [`RoomRejection`].
pub fn change(
    standing: &Standing<'_>,
    command: &ChangeRoom,
    holder: &Name,
    cx: &Context,
    names: &NameKey,
) -> Result<Vec<Fact>, RoomRejection> {
    let room = standing.room;
    let exposes = command.visibility.is_some() || !command.retention_days.is_keep();
    let needed = if exposes { RoomRole::Owner } else { RoomRole::Admin };
    match command.archived {
        Some(archived) if !room.archived || !archived || *command == archiving(&room.id) => {
            standing.may_govern_archived(needed, cx.now)?;
        }
        _ => {
            standing.may_govern(needed, cx.now)?;
        }
    }
    let days = command.retention_days.clone().apply(None);
    if days.is_some_and(|days| !(1..=MAX_RETENTION_DAYS).contains(&days)) {
        return Err(RoomRejection::Retention);
    }
    if command.slow_mode_seconds.is_some_and(|seconds| seconds > MAX_SLOW_MODE_SECONDS) {
        return Err(RoomRejection::SlowMode);
    }
    let next = changed(room, command);
    if next == *room {
        return Ok(Vec::new());
    }
    let fixed = |room: &RoomState| (room.name.clone(), room.visibility, room.archived);
    if room.everyone && fixed(&next) != fixed(room) {
        return Err(RoomRejection::Fixed);
    }
    let moves = NameChange::of(room, command, names);
    if moves.claimed.is_some() && holder.is_some() {
        return Err(RoomRejection::NameTaken);
    }
    let mut facts: Vec<Fact> =
        moves.claimed.map(|name| claimed(names, name, &room.id)).into_iter().collect();
    facts.extend(moves.released.map(|name| released(names, name, &room.id)));
    let data: EventData = match (room.archived, next.archived) {
        (false, true) => RoomArchived { room: next, reason: None }.into(),
        (true, false) => RoomRestored { room: next }.into(),
        _ => RoomChanged { room: next }.into(),
    };
    facts.push(Fact::new(Lane::Room(room.id), data));
    Ok(facts)
}

/// The command that archives a room and does nothing else.
#[must_use]
pub fn archiving(id: &RoomId) -> ChangeRoom {
    ChangeRoom {
        room_id: *id,
        name: None,
        topic: Patch::Keep,
        visibility: None,
        retention_days: Patch::Keep,
        posting: None,
        slow_mode_seconds: None,
        archived: Some(true),
    }
}

/// Archives a room that the caller need not be in: that they are a moderator was checked. Why is kept in the event; a
/// room that is archived already keeps what was said then.
///
/// # Errors
/// [`RoomRejection::Fixed`] for a room of everyone, [`Denied::DirectRoom`].
pub fn archive_by_moderator(
    room: &RoomState,
    reason: Option<&Reason>,
    names: &NameKey,
) -> Result<Vec<Fact>, RoomRejection> {
    if room.kind == RoomKind::Direct {
        return Err(Denied::DirectRoom.into());
    }
    if room.everyone {
        return Err(RoomRejection::Fixed);
    }
    if room.archived {
        return Ok(Vec::new());
    }
    let command = archiving(&room.id);
    let name = NameChange::of(room, &command, names).released;
    let mut facts: Vec<Fact> =
        name.map(|name| released(names, name, &room.id)).into_iter().collect();
    let next = RoomState { archived: true, ..room.clone() };
    let archived = RoomArchived { room: next, reason: reason.cloned() };
    facts.push(Fact::new(Lane::Room(room.id), archived));
    Ok(facts)
}

fn changed(room: &RoomState, command: &ChangeRoom) -> RoomState {
    RoomState {
        name: command.name.clone().or_else(|| room.name.clone()),
        topic: command.topic.clone().apply(room.topic.clone()),
        visibility: command.visibility.unwrap_or(room.visibility),
        retention_days: command.retention_days.clone().apply(room.retention_days),
        posting: command.posting.unwrap_or(room.posting),
        slow_mode_seconds: command.slow_mode_seconds.unwrap_or(room.slow_mode_seconds),
        archived: command.archived.unwrap_or(room.archived),
        ..room.clone()
    }
}

fn joined(room: &RoomId, user: &UserId, role: RoomRole, now: Timestamp) -> Fact {
    let member = newcomer(room, user, role, None, now);
    Fact::new(Lane::Member(*room, *user), MemberJoined { member })
}

fn added(room: &RoomId, user: &UserId, now: Timestamp) -> Fact {
    let member = newcomer(room, user, RoomRole::Member, None, now);
    Fact::new(Lane::Member(*room, *user), MemberAdded { member })
}
