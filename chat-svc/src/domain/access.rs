//! Who a user is in a room, and what that lets them do.

use schemas::events::{MemberState, RoomState};
use schemas::values::{Posting, Role, RoomKind, RoomRole, Visibility};
use schemas::{Code, RefusalReason, Rejection, Timestamp};

use super::person::Person;

/// Why a user may not do something in a room, whatever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The caller has no account (any more).
    #[error("the account does not exist")]
    NoSuchCaller,
    /// The caller is suspended.
    #[error("the account is suspended")]
    Suspended,
    /// There is no such room, or the caller may not know of it.
    #[error("there is no such room, or you may not see it")]
    NoSuchRoom,
    /// The room is public and the caller is not in it.
    #[error("join the room first")]
    NotAMember,
    /// The caller may not come in.
    #[error("you are banned from this room")]
    Banned,
    /// The caller's role in the room does not reach.
    #[error("this needs the role {} in the room", role_name(*.0))]
    NeedsRole(RoomRole),
    /// The caller may only read for a while.
    #[error("you may only read in this room until {0}")]
    Muted(Timestamp),
    /// The other user does not want it.
    #[error("you and this user cannot reach each other")]
    Blocked,
    /// Only the room's admins write in its main timeline.
    #[error("only admins may post in this room; others answer in threads")]
    AdminsPost,
    /// The room is read-only.
    #[error("the room is archived")]
    Archived,
    /// Every user belongs to the room: users neither join nor leave.
    #[error("everybody belongs to this room; that cannot be changed")]
    EveryoneRoom,
    /// The members of a direct room and the room itself are fixed.
    #[error("a direct room cannot be changed")]
    DirectRoom,
}

/// The role's name on the wire.
#[must_use]
pub const fn role_name(role: RoomRole) -> &'static str {
    match role {
        RoomRole::Member => "member",
        RoomRole::Admin => "admin",
        RoomRole::Owner => "owner",
    }
}

impl From<Denied> for Rejection {
    fn from(denied: Denied) -> Self {
        let text = denied.to_string();
        let reason = match denied {
            Denied::NoSuchRoom => return Self::not_found(),
            Denied::NoSuchCaller => return Self::new(Code::NotFound, text),
            Denied::Blocked => return Self::new(Code::Blocked, text),
            Denied::Suspended => RefusalReason::CallerSuspended,
            Denied::NotAMember | Denied::NeedsRole(RoomRole::Member) => RefusalReason::NotAMember,
            Denied::NeedsRole(RoomRole::Admin) => RefusalReason::NeedsRoomAdmin,
            Denied::NeedsRole(RoomRole::Owner) => RefusalReason::NeedsRoomOwner,
            Denied::Banned => RefusalReason::Banned,
            Denied::AdminsPost => RefusalReason::OnlyAdminsPost,
            Denied::Muted(_) => RefusalReason::Muted,
            Denied::Archived => RefusalReason::RoomArchived,
            Denied::EveryoneRoom => RefusalReason::EveryoneRoom,
            Denied::DirectRoom => RefusalReason::DirectRoom,
        };
        Self::because(reason, text)
    }
}

/// Whether a user belongs to a room. No event on their member lane means "never came", except where
/// every user belongs.
#[must_use]
pub fn belongs(room: &RoomState, member: Option<&MemberState>) -> bool {
    member.map_or(room.everyone, |member| member.present && !member.banned)
}

/// What a member of the room may do in it. A room every user belongs to has no owners: the
/// installation's admins and moderators look after it.
#[must_use]
pub fn role_in(room: &RoomState, person: &Person, member: Option<&MemberState>) -> RoomRole {
    if room.everyone {
        return match person.role {
            Role::User => RoomRole::Member,
            Role::Moderator => RoomRole::Admin,
            Role::Admin => RoomRole::Owner,
        };
    }
    member.map_or(RoomRole::Member, |member| member.role)
}

/// A caller who may know of a room: the start of every decision about it.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// The room.
    pub room: &'a RoomState,
    /// The caller.
    pub person: &'a Person,
    /// What their member lane says.
    pub member: Option<&'a MemberState>,
}

impl<'a> Standing<'a> {
    /// Checks that the caller may act at all and may know of the room.
    ///
    /// # Errors
    /// [`Denied::NoSuchRoom`] alike for a room that does not exist and a private one they are not in.
    pub fn of(
        room: Option<&'a RoomState>,
        person: Option<&'a Person>,
        member: Option<&'a MemberState>,
    ) -> Result<Self, Denied> {
        let person = active(person)?;
        let room = room.ok_or(Denied::NoSuchRoom)?;
        if room.visibility == Visibility::Private && !belongs(room, member) {
            return Err(Denied::NoSuchRoom);
        }
        Ok(Self { room, person, member })
    }

    /// Whether the caller belongs to the room.
    #[must_use]
    pub fn is_present(&self) -> bool {
        belongs(self.room, self.member)
    }

    /// The caller's role; they must belong to the room.
    ///
    /// # Errors
    /// [`Denied::NotAMember`], [`Denied::Banned`].
    pub fn role(&self) -> Result<RoomRole, Denied> {
        if self.is_present() {
            return Ok(role_in(self.room, self.person, self.member));
        }
        let banned = self.member.is_some_and(|member| member.banned);
        Err(if banned { Denied::Banned } else { Denied::NotAMember })
    }

    /// The caller must be in the room to know what is said in it.
    ///
    /// # Errors
    /// [`Denied::NoSuchRoom`], as for a message that does not exist.
    pub fn sees_messages(&self) -> Result<(), Denied> {
        if self.is_present() { Ok(()) } else { Err(Denied::NoSuchRoom) }
    }

    /// The caller must have at least this role; answers with the one they have.
    ///
    /// # Errors
    /// [`Denied::NeedsRole`] and those of [`Standing::role`].
    pub fn at_least(&self, needed: RoomRole) -> Result<RoomRole, Denied> {
        let role = self.role()?;
        if role >= needed { Ok(role) } else { Err(Denied::NeedsRole(needed)) }
    }

    /// The caller must be allowed to write here now.
    ///
    /// # Errors
    /// [`Denied::Archived`], [`Denied::Blocked`], [`Denied::Muted`] and those of [`Standing::role`].
    pub fn may_write(&self, now: Timestamp) -> Result<(), Denied> {
        self.role()?;
        self.not_archived()?;
        self.not_blocked()?;
        self.not_muted(now)
    }

    /// In a direct room of two neither may block the other.
    ///
    /// # Errors
    /// [`Denied::Blocked`].
    pub fn not_blocked(&self) -> Result<(), Denied> {
        match self.member {
            Some(member) if member.blocks || member.blocked => Err(Denied::Blocked),
            _ => Ok(()),
        }
    }

    /// The caller must be allowed to post here now, in the main timeline or in a thread.
    ///
    /// # Errors
    /// [`Denied::AdminsPost`] and those of [`Standing::may_write`].
    pub fn may_post(&self, in_thread: bool, now: Timestamp) -> Result<(), Denied> {
        self.may_write(now)?;
        match self.room.posting {
            Posting::Admins if !in_thread && self.role()? < RoomRole::Admin => {
                Err(Denied::AdminsPost)
            }
            Posting::Everyone | Posting::Admins => Ok(()),
        }
    }

    /// Seconds that must lie between two messages of the caller; none for admins and where there is no limit.
    #[must_use]
    pub fn slowed(&self) -> Option<u32> {
        let exempt = self.at_least(RoomRole::Admin).is_ok();
        Some(self.room.slow_mode_seconds).filter(|seconds| *seconds > 0 && !exempt)
    }

    /// The caller must not be muted.
    ///
    /// # Errors
    /// [`Denied::Muted`].
    pub fn not_muted(&self, now: Timestamp) -> Result<(), Denied> {
        match self.member.and_then(|member| member.muted_until) {
            Some(until) if until > now => Err(Denied::Muted(until)),
            _ => Ok(()),
        }
    }

    /// The caller must be allowed to change the room or the people in it; answers with their role. Who is
    /// muted has no say either: an owner mutes an admin to stop them.
    ///
    /// # Errors
    /// [`Denied::DirectRoom`], [`Denied::Archived`] and those of [`Standing::at_least`] and
    /// [`Standing::not_muted`].
    pub fn may_govern(&self, needed: RoomRole, now: Timestamp) -> Result<RoomRole, Denied> {
        self.role()?;
        self.not_direct()?;
        self.not_archived()?;
        self.may_govern_archived(needed, now)
    }

    /// The same where being archived is no hindrance.
    ///
    /// # Errors
    /// Those of [`Standing::may_govern`] but [`Denied::Archived`].
    pub fn may_govern_archived(
        &self,
        needed: RoomRole,
        now: Timestamp,
    ) -> Result<RoomRole, Denied> {
        self.role()?;
        self.not_direct()?;
        let role = self.at_least(needed)?;
        self.not_muted(now)?;
        Ok(role)
    }

    /// The room must not be archived.
    ///
    /// # Errors
    /// [`Denied::Archived`].
    pub fn not_archived(&self) -> Result<(), Denied> {
        if self.room.archived { Err(Denied::Archived) } else { Ok(()) }
    }

    /// The room's members must be such that they come and go.
    ///
    /// # Errors
    /// [`Denied::EveryoneRoom`], [`Denied::DirectRoom`].
    pub fn members_may_change(&self) -> Result<(), Denied> {
        self.not_direct()?;
        if self.room.everyone { Err(Denied::EveryoneRoom) } else { Ok(()) }
    }

    /// The room must not be a direct one.
    ///
    /// # Errors
    /// [`Denied::DirectRoom`].
    pub fn not_direct(&self) -> Result<(), Denied> {
        if self.room.kind == RoomKind::Direct { Err(Denied::DirectRoom) } else { Ok(()) }
    }
}

/// The caller must have an account that may act.
///
/// # Errors
/// [`Denied::NoSuchCaller`], [`Denied::Suspended`].
pub fn active(person: Option<&Person>) -> Result<&Person, Denied> {
    let person = person.ok_or(Denied::NoSuchCaller)?;
    if person.suspended { Err(Denied::Suspended) } else { Ok(person) }
}
