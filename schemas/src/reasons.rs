//! The one table of reasons: why something was refused, where the code leaves that open.
//!
//! Every `conflict` and every `forbidden` has one, so that programs can say in their users' languages what the English
//! words of `detail` say. A reason belongs to one code, is stable, and is never given another meaning.

use schemars::JsonSchema;
use serde::Serialize;

use crate::codes::Code;

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $code:ident;)*) => {
        /// A stable reason within a code. Later versions may add some.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
        pub enum RefusalReason {
            $($(#[doc = $doc])+ #[serde(rename = $name)] $variant,)*
        }

        impl RefusalReason {
            /// Every reason, in the order of the table.
            pub const ALL: &'static [RefusalReason] = &[$(RefusalReason::$variant),*];

            /// The reason on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The code it is a reason of.
            #[must_use]
            pub const fn code(self) -> Code {
                match self { $(Self::$variant => Code::$code,)* }
            }

            /// What it means, for people who write clients.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii(),)* }
            }
        }
    };
}

reasons! {
    /// The room is archived: it can be read, and nothing in it changes.
    RoomArchived = "room_archived", Conflict;
    /// A direct room has no roles, and the people in it are fixed.
    DirectRoom = "direct_room", Conflict;
    /// Every user belongs to this room: joining, leaving and removing are not possible.
    EveryoneRoom = "everyone_room", Conflict;
    /// The room is part of the installation: its name and visibility are fixed, and it is never archived.
    RoomFixed = "room_fixed", Conflict;
    /// The user is a member already, with another role.
    AlreadyMember = "already_member", Conflict;
    /// The last owner must hand the room over first.
    LastOwner = "last_owner", Conflict;
    /// The user is suspended.
    UserSuspended = "user_suspended", Conflict;
    /// The message was deleted.
    MessageDeleted = "message_deleted", Conflict;
    /// The message is in the archive: it can be answered and deleted, and not edited.
    MessageArchived = "message_archived", Conflict;
    /// The `client_id` belongs to a message that was erased.
    MessageErased = "message_erased", Conflict;
    /// The message is an answer and begins no thread.
    NotAThread = "not_a_thread", Conflict;
    /// The message has as many kinds of reactions as it may have.
    TooManyReactions = "too_many_reactions", Conflict;
    /// The room has as many pins as it may have.
    TooManyPins = "too_many_pins", Conflict;
    /// The room has as many open invitations as it may have.
    TooManyInvites = "too_many_invites", Conflict;
    /// The caller blocks as many users as one may.
    TooManyBlocks = "too_many_blocks", Conflict;
    /// The report was handled before, in another way.
    ReportHandled = "report_handled", Conflict;
    /// Nothing was uploaded yet.
    NotUploaded = "not_uploaded", Conflict;
    /// The file is attached to a message, or is the picture of its owner.
    MediaInUse = "media_in_use", Conflict;
    /// The file is being uploaded already; try again later.
    UploadInProgress = "upload_in_progress", Conflict;
    /// The upload was completed; the file changes no more.
    UploadCompleted = "upload_completed", Conflict;
    /// The address is verified already.
    AlreadyVerified = "already_verified", Conflict;
    /// The account has a second factor already.
    AlreadyEnrolled = "already_enrolled", Conflict;
    /// No second factor waits to be confirmed.
    NotEnrolling = "not_enrolling", Conflict;
    /// The account is linked as often as one may be.
    TooManyIdentities = "too_many_identities", Conflict;
    /// It is the only way to log in to the account.
    LastWayIn = "last_way_in", Conflict;
    /// It cannot be done to one's own account.
    OwnAccount = "own_account", Conflict;
    /// The last admin cannot lose the role.
    LastAdmin = "last_admin", Conflict;
    /// A request with this `Idempotency-Key` is being worked on; repeat it later.
    RequestInProgress = "request_in_progress", Conflict;
    /// The `Idempotency-Key` was used for something else.
    KeyUsed = "key_used", Conflict;
    /// The caller is not a member of the room.
    NotAMember = "not_a_member", Forbidden;
    /// The caller is banned from the room.
    Banned = "banned", Forbidden;
    /// The user is banned from the room.
    UserBanned = "user_banned", Forbidden;
    /// The caller is muted in the room and may only read.
    Muted = "muted", Forbidden;
    /// Only admins post in the room; others answer in threads.
    OnlyAdminsPost = "only_admins_post", Forbidden;
    /// Only admins and owners of the room may do this.
    NeedsRoomAdmin = "needs_room_admin", Forbidden;
    /// Only owners of the room may do this.
    NeedsRoomOwner = "needs_room_owner", Forbidden;
    /// The role of the user in the room is not below the one of the caller.
    RoleNotBelow = "role_not_below", Forbidden;
    /// Only its author may edit a message.
    NotTheAuthor = "not_the_author", Forbidden;
    /// Only its author, an admin of the room or a moderator may delete a message.
    MessageOfAnother = "message_of_another", Forbidden;
    /// Only moderators and admins of the installation may do this.
    NeedsModerator = "needs_moderator", Forbidden;
    /// Only admins of the installation may do this.
    NeedsAdmin = "needs_admin", Forbidden;
    /// The account of the caller is suspended.
    CallerSuspended = "caller_suspended", Forbidden;
    /// The installation lets no one register.
    RegistrationClosed = "registration_closed", Forbidden;
    /// An invitation is required to register.
    InvitationRequired = "invitation_required", Forbidden;
    /// There is no such invitation.
    InvitationUnknown = "invitation_unknown", Forbidden;
    /// Addresses of this domain cannot register.
    DomainNotAllowed = "domain_not_allowed", Forbidden;
    /// The login at the provider was cancelled.
    LoginCancelled = "login_cancelled", Forbidden;
    /// The request comes from a page that may not make it.
    OriginNotAllowed = "origin_not_allowed", Forbidden;
    /// The signed URL has run out, or is not one of this server.
    LinkNotValid = "link_not_valid", Forbidden;
    /// The account is not closed.
    AccountNotClosed = "account_not_closed", Forbidden;
    /// The room is in slow mode; write again after `Retry-After`.
    SlowMode = "slow_mode", RateLimited;
}

impl RefusalReason {
    /// The reason of this name, if this build knows it.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn reasons_stand_on_the_wire_as_in_the_table() {
        for reason in RefusalReason::ALL {
            let wire = serde_json::to_string(reason).unwrap_or_default();
            assert_eq!(wire, format!("\"{}\"", reason.as_str()));
            assert_eq!(RefusalReason::parse(reason.as_str()), Some(*reason));
        }
        let names: HashSet<_> = RefusalReason::ALL.iter().map(|one| one.as_str()).collect();
        assert_eq!(names.len(), RefusalReason::ALL.len());
    }

    #[test]
    fn every_reason_is_documented_under_its_code() {
        let page = include_str!("../../docs/API.md");
        for reason in RefusalReason::ALL {
            let (code, name) = (reason.code().as_str(), reason.as_str());
            let row =
                format!("| `{code}` | `{name}` | {} |", reason.meaning().trim_end_matches('.'));
            assert!(page.contains(&row), "docs/API.md has no row {row}");
        }
    }
}
