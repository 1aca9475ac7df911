//! What services can be asked to do, in the imperative; one file per family, one type per command.
//!
//! A command travels from the gateway to one service as a NATS request on `<ns>.cmd.<service>.<name>`
//! (or directly, when both live in one process). It carries parsed values, never raw input, and who is
//! asking stands in the [`CallContext`], never in the command.

mod block;
mod challenge;
mod invite;
mod member;
mod message;
mod notification;
mod pin;
mod reaction;
mod receipt;
mod report;
mod room;
mod second_factor;
mod session;
mod thread;
mod user;

pub use block::{BlockUser, UnblockUser};
pub use challenge::{
    ConfirmPasswordReset, ConfirmVerification, IssuedCode, RequestAddressChange,
    RequestPasswordReset, RequestVerification,
};
pub use invite::{
    AcceptInvite, CreateInvite, InviteOutcome, JudgeInvite, ListInvites, RevokeInvite,
};
pub use member::{
    AddMember, AppointOwner, BanMember, ChangeMember, ChangePrefs, JoinRoom, LeaveRoom, LiftBan,
    RemoveMember,
};
pub use message::{
    DeleteMessage, EditMessage, MAX_POSTS, MessageOutcome, PostMessage, PostMessages,
};
pub use notification::{MarkNotificationsRead, SendNotification};
pub use pin::{PinMessage, UnpinMessage};
pub use reaction::{AddReaction, RemoveReaction};
pub use receipt::{MarkRead, ReadOutcome};
pub use report::{HandleReport, ModerateMessage, ModerateRoom, ReportMessage};
pub use room::{ArchiveRoom, ChangeRoom, CreateRoom, OpenDirect, RoomOutcome};
pub use second_factor::{
    AdministerSecondFactor, ConfirmSecondFactor, EnrolSecondFactor, Enrolment, RemoveSecondFactor,
};
pub use session::{
    EndSessions, GetJwks, GetSessionStatus, IssueWsTicket, ListSessions, Login, RedeemWsTicket,
    Refresh, SessionStatus, WhichSessions, WsTicket,
};
pub use thread::{FollowThread, MarkThreadRead, UnfollowThread};
pub use user::{AdministerUser, ChangePassword, ChangeProfile, Register};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::codes::Rejection;
use crate::ids::{SessionId, TraceParent, UserId};
use crate::position::Position;
use crate::values::{IdempotencyKey, Role};

/// A command: where it goes and what it answers.
pub trait Command: Serialize + DeserializeOwned + Send + 'static {
    /// The service that carries it out.
    const SERVICE: &'static str;
    /// Its name within the service.
    const NAME: &'static str;
    /// What the service answers when it was carried out.
    type Output: Serialize + DeserializeOwned + Send + 'static;
}

/// Who is asking, as the gateway has authenticated them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The account.
    pub user_id: UserId,
    /// The session.
    pub session_id: SessionId,
    /// The account's role when its token was made; services look it up again before an admin act.
    pub role: Role,
}

/// The circumstances of a command.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CallContext {
    /// Who is asking; none before login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<Caller>,
    /// What the client called the request, so that a repeat finds its first result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<IdempotencyKey>,
    /// The trace the request belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<TraceParent>,
    /// Milliseconds the asker will wait; 0 means the default of 5 s.
    #[serde(default)]
    pub deadline_ms: u32,
    /// The address the request came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// What the client calls itself; at most 256 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

/// A command was carried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Accepted<T> {
    /// The place in the log after which its effect can be read; none when nothing was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// The answer.
    pub result: T,
}

/// A service's answer to a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply<T> {
    /// It was carried out.
    Accepted(Accepted<T>),
    /// It was refused and nothing was written.
    Rejected(Rejection),
}

impl<T> From<Result<Accepted<T>, Rejection>> for Reply<T> {
    fn from(answer: Result<Accepted<T>, Rejection>) -> Self {
        match answer {
            Ok(accepted) => Self::Accepted(accepted),
            Err(rejection) => Self::Rejected(rejection),
        }
    }
}

impl<T> From<Reply<T>> for Result<Accepted<T>, Rejection> {
    fn from(reply: Reply<T>) -> Self {
        match reply {
            Reply::Accepted(accepted) => Ok(accepted),
            Reply::Rejected(rejection) => Err(rejection),
        }
    }
}

/// The service that owns accounts.
pub const AUTH: &str = "auth";
/// The service that owns rooms, members and messages.
pub const CHAT: &str = "chat";
/// The service that owns inboxes.
pub const NOTIFY: &str = "notify";

macro_rules! commands {
    ($($(#[$doc:meta])* $service:ident / $name:literal : $command:ident -> $output:ty
        { $($(#[$fdoc:meta])* $field:ident : $type:ty),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
            #[serde(deny_unknown_fields)]
            pub struct $command { $($(#[$fdoc])* pub $field: $type,)* }

            impl crate::commands::Command for $command {
                const SERVICE: &'static str = $service;
                const NAME: &'static str = $name;
                type Output = $output;
            }
        )*
        pub(super) const NAMES: &[(&str, &str)] = &[$(($service, $name)),*];
    };
}
use commands;

/// Each file's commands.
const FAMILIES: &[&[(&str, &str)]] = &[
    user::NAMES,
    challenge::NAMES,
    second_factor::NAMES,
    session::NAMES,
    room::NAMES,
    member::NAMES,
    invite::NAMES,
    block::NAMES,
    message::NAMES,
    reaction::NAMES,
    pin::NAMES,
    receipt::NAMES,
    thread::NAMES,
    report::NAMES,
    notification::NAMES,
];

/// Every command as (service, name).
pub const ALL: &[(&str, &str)] = &joined::<{ count() }>();

const fn count() -> usize {
    let (mut count, mut at) = (0, 0);
    while at < FAMILIES.len() {
        count += FAMILIES[at].len();
        at += 1;
    }
    count
}

const fn joined<const COUNT: usize>() -> [(&'static str, &'static str); COUNT] {
    let mut all = [("", ""); COUNT];
    let (mut family, mut at, mut next) = (0, 0, 0);
    while family < FAMILIES.len() {
        while at < FAMILIES[family].len() {
            all[next] = FAMILIES[family][at];
            (at, next) = (at + 1, next + 1);
        }
        (family, at) = (family + 1, 0);
    }
    all
}
