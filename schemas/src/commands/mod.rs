//! What services can be asked to do, in the imperative; one file per family, one type per command.
//!
//! A command travels from the gateway to one service as a NATS request on `<ns>.cmd.<service>.<name>`
//! (or directly, when both live in one process). It carries parsed values, never raw input, and who is
//! asking stands in the [`CallContext`], never in the command.
//!
//! Owns the list of all commands ([`ALL`]), which every service serves whole, and their schemas ([`described`]). It must not know rules. Processes of two builds
//! speak them with each other: a field may be added with `#[serde(default)]`, nothing else may change.

mod audit;
mod block;
mod challenge;
mod command;
mod dead_letter;
mod erasure;
mod export;
mod invite;
mod mail;
mod media;
mod member;
mod message;
mod notification;
mod oidc;
mod pin;
mod reaction;
mod receipt;
mod report;
mod room;
mod second_factor;
mod session;
mod thread;
mod user;

pub use audit::NoteAuditRead;
pub use block::{BlockUser, ForgetBlocks, UnblockUser};
pub use challenge::{
    ConfirmPasswordReset, ConfirmVerification, IssuedCode, RequestAddressChange,
    RequestPasswordReset, RequestVerification,
};
pub use command::{
    AUTH, Accepted, CHAT, CallContext, Caller, Command, Described, NOTIFY, Reply, Request,
};
pub use dead_letter::{DeadLetters, ListDeadLetters, RedriveDeadLetter};
pub use erasure::{
    DeleteAccount, EraseUser, ForgetSecrets, GetErasure, LiftHold, ListHolds, PlaceHold,
};
pub use export::RequestExport;
pub use invite::{
    AcceptInvite, AdmitRegistered, CreateInvite, InviteOutcome, JudgeInvite, ListInvites,
    RevokeInvite,
};
pub use mail::{CheckUnsubscribe, Unsubscribe};
pub use media::{CompleteMedia, DropAvatar, RemoveMedia, RequestMedia, UseAsAvatar};
pub use member::{
    AddMember, AppointOwner, BanMember, ChangeMember, ChangePrefs, JoinRoom, LeaveRoom, LiftBan,
    RemoveMember,
};
pub use message::{
    DeleteMessage, EditMessage, MAX_POSTS, MessageOutcome, PostMessage, PostMessages,
};
pub use notification::{MarkNotificationsRead, SendNotification};
pub use oidc::{
    BeginProviderLogin, BegunProviderLogin, FinishProviderLogin, FinishedProviderLogin,
    ListIdentities, ListProviders, Provider, ProviderAnswer, ProviderLoginOutcome, RedeemLoginCode,
    UnlinkIdentity,
};
pub use pin::{PinMessage, UnpinMessage};
pub use reaction::{AddReaction, RemoveReaction};
pub use receipt::{MarkRead, ReadOutcome};
pub use report::{HandleReport, ModerateMessage, ModerateRoom, ReportMessage};
pub use room::{ArchiveRoom, ChangeRoom, CreateRoom, OpenDirect, RoomOutcome};
pub use second_factor::{
    AdministerSecondFactor, ConfirmSecondFactor, EnrolSecondFactor, Enrolment, RemoveSecondFactor,
};
pub use session::{
    EndSessions, EndSessionsOf, GetJwks, GetSessionStatus, IssueWsTicket, ListSessions, Login,
    NoteSessionsUsed, RedeemWsTicket, Refresh, SessionStatus, WhichSessions, WsTicket,
};
pub use thread::{FollowThread, MarkThreadRead, UnfollowThread};
pub use user::{AdministerUser, ChangePassword, ChangeProfile, CreateUser, Register};

use command::commands;
use schemars::SchemaGenerator;

/// Each file's commands.
macro_rules! families {
    ($($family:ident),* $(,)?) => {
        const FAMILIES: &[&[(&str, &str)]] = &[$($family::NAMES),*];

        /// Every command with its schemas, which refer to the generator's definitions.
        #[must_use]
        pub fn described(generator: &mut SchemaGenerator) -> Vec<Described> {
            let mut all = Vec::new();
            $($family::describe(generator, &mut all);)*
            all
        }
    };
}

families! {
    user,
    challenge,
    second_factor,
    session,
    audit,
    oidc,
    room,
    member,
    invite,
    mail,
    block,
    message,
    reaction,
    pin,
    receipt,
    thread,
    report,
    media,
    notification,
    dead_letter,
    erasure,
    export,
}

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
