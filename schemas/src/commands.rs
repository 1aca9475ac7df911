//! What services can be asked to do, in the imperative; one type per command.
//!
//! A command travels from the gateway to one service as a NATS request on `<ns>.cmd.<service>.<name>`
//! (or directly, when both live in one process). It carries parsed values, never raw input, and who is
//! asking stands in the [`CallContext`], never in the command.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::codes::Rejection;
use crate::events::{MemberState, MessageState, RoomState};
use crate::ids::{MediaId, MessageId, NotificationId, RoomId, SessionId, TraceParent, UserId};
use crate::position::{Position, Sequence};
use crate::settings::Settings;
use crate::time::Timestamp;
use crate::values::{
    Bio, Body, ClientId, DisplayName, Email, Format, IdempotencyKey, NewPassword, Notice, Patch,
    Role, RoomKind, RoomName, RoomRole, Secret, Title, Topic, UserRef, Username, Visibility,
};
use crate::views::{Account, Session, SessionTokens};

/// A command: where it goes and what it answers.
pub trait Command: Serialize + DeserializeOwned + Send + 'static {
    /// The service that carries it out.
    const SERVICE: &'static str;
    /// Its name within the service.
    const NAME: &'static str;
    /// What the service answers when it was carried out.
    type Output: Serialize + DeserializeOwned + Send + 'static;
}

/// Who is asking, as the gateway has authenticated him.
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

            impl Command for $command {
                const SERVICE: &'static str = $service;
                const NAME: &'static str = $name;
                type Output = $output;
            }
        )*
        /// Every command as (service, name).
        pub const ALL: &[(&str, &str)] = &[$(($service, $name)),*];
    };
}

/// Most posts of one [`PostMessages`].
pub const MAX_POSTS: usize = 64;

/// Which sessions to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhichSessions {
    /// The asking one.
    Current,
    /// One of the caller's.
    One(SessionId),
    /// All of the caller's.
    All,
}

/// Whether a session may be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionStatus {
    /// Whether it exists, has not ended, and its account may act.
    pub active: bool,
    /// The account's role now.
    pub role: Role,
}

/// A one-use pass for the WebSocket handshake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WsTicket {
    /// The pass.
    pub ticket: Secret,
    /// Seconds it is good for.
    pub expires_in: u32,
}

/// A room after a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoomOutcome {
    /// The room's state in the log.
    pub room: RoomState,
    /// Whether the command made it.
    pub created: bool,
}

/// A message after a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageOutcome {
    /// Its content; none when it is deleted.
    pub message: MessageState,
    /// Where it was posted.
    pub posted: Position,
    /// When it was last edited.
    pub edited_at: Option<Timestamp>,
    /// The post was a repeat of an earlier one (same `client_id`), whose message this is, as it was posted.
    pub repeat: bool,
    /// For a repeat: whatever happened to the message before it was repeated lies before this position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Position>,
}

/// How far a read marker is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReadOutcome {
    /// The last message read.
    pub message_id: MessageId,
    /// Where it was posted.
    pub posted: Sequence,
}

commands! {
    /// Makes an account. The first one of an installation becomes admin, if it is made through a gateway on a
    /// loopback address.
    AUTH / "register": Register -> Account {
        /// The unique name.
        #[serde(deserialize_with = "crate::text::strict")]
        username: Username,
        /// The unique address.
        email: Email,
        /// The password.
        password: NewPassword,
        /// The name shown; the username when absent.
        #[serde(default, deserialize_with = "crate::text::strict")]
        display_name: Option<DisplayName>,
        /// The role; only an admin may give another than `user`.
        role: Option<Role>,
        /// Whether the gateway listens on a loopback address only: who reaches it is on its machine.
        loopback: bool,
    }
    /// Starts a session.
    AUTH / "login": Login -> SessionTokens {
        /// A username or an e-mail address, as typed; at most 254 characters.
        login: String,
        /// The password, as typed.
        password: Secret,
    }
    /// Trades a refresh token for new tokens.
    AUTH / "refresh": Refresh -> SessionTokens {
        /// The token.
        refresh_token: Secret,
    }
    /// Ends sessions of the caller.
    AUTH / "end_sessions": EndSessions -> () {
        /// Which.
        which: WhichSessions,
    }
    /// Lists the caller's sessions.
    AUTH / "list_sessions": ListSessions -> Vec<Session> {}
    /// Asks whether a session may be used; gateways do at its first use.
    AUTH / "session_status": GetSessionStatus -> SessionStatus {
        /// Whose.
        user_id: UserId,
        /// Which.
        session_id: SessionId,
    }
    /// The public keys access tokens are checked with, as a JSON Web Key Set (RFC 7517).
    AUTH / "jwks": GetJwks -> serde_json::Value {}
    /// Gives the caller a one-use pass for the WebSocket handshake.
    AUTH / "issue_ws_ticket": IssueWsTicket -> WsTicket {}
    /// Takes a pass and says whose it was; a second time it is refused.
    AUTH / "redeem_ws_ticket": RedeemWsTicket -> Caller {
        /// The pass.
        ticket: Secret,
    }
    /// Changes the caller's profile. A field that is absent (or `Keep`) stays; `Clear` empties an optional one.
    AUTH / "change_profile": ChangeProfile -> Account {
        /// The name shown.
        #[serde(default, deserialize_with = "crate::text::strict")]
        display_name: Option<DisplayName>,
        /// What he says of himself.
        #[serde(default, deserialize_with = "crate::text::strict")]
        bio: Patch<Bio>,
        /// The picture.
        avatar_media_id: Patch<MediaId>,
        /// The unique address.
        email: Option<Email>,
        /// The unique name.
        #[serde(default, deserialize_with = "crate::text::strict")]
        username: Option<Username>,
        /// Client settings, replaced as a whole.
        settings: Option<Settings>,
    }
    /// Changes the caller's password; his other sessions end.
    AUTH / "change_password": ChangePassword -> () {
        /// The present one, as typed.
        current_password: Secret,
        /// The new one.
        new_password: NewPassword,
    }
    /// Changes another account; admins only.
    AUTH / "administer_user": AdministerUser -> Account {
        /// Whose.
        user_id: UserId,
        /// The new role.
        role: Option<Role>,
        /// Suspend or lift.
        suspended: Option<bool>,
    }
    /// Makes a group or channel.
    CHAT / "create_room": CreateRoom -> RoomOutcome {
        /// Group or channel.
        kind: RoomKind,
        /// Its name; unique among channels.
        #[serde(deserialize_with = "crate::text::strict")]
        name: RoomName,
        /// Its topic.
        #[serde(default, deserialize_with = "crate::text::strict")]
        topic: Option<Topic>,
        /// Who may find and join it; private for groups and public for channels when absent.
        visibility: Option<Visibility>,
        /// Who is brought in besides the caller; at most 500.
        members: Vec<UserRef>,
    }
    /// Finds or makes the direct room of the caller and some others.
    CHAT / "open_direct": OpenDirect -> RoomOutcome {
        /// The others; at most 19. Naming none, or the caller alone, opens the caller's notes.
        members: Vec<UserRef>,
    }
    /// Changes a room. A field that is absent (or `Keep`) stays; `Clear` empties an optional one.
    CHAT / "change_room": ChangeRoom -> RoomOutcome {
        /// Which.
        room_id: RoomId,
        /// Its name.
        #[serde(default, deserialize_with = "crate::text::strict")]
        name: Option<RoomName>,
        /// Its topic.
        #[serde(default, deserialize_with = "crate::text::strict")]
        topic: Patch<Topic>,
        /// Who may find and join it.
        visibility: Option<Visibility>,
        /// Days after which messages move to the archive; 1 to 36,500.
        retention_days: Patch<u32>,
        /// Read-only, or no longer.
        archived: Option<bool>,
    }
    /// Makes a room read-only.
    CHAT / "archive_room": ArchiveRoom -> RoomOutcome {
        /// Which.
        room_id: RoomId,
    }
    /// The caller comes into a public room.
    CHAT / "join_room": JoinRoom -> RoomOutcome {
        /// Which.
        room_id: RoomId,
    }
    /// The caller leaves a room.
    CHAT / "leave_room": LeaveRoom -> () {
        /// Which.
        room_id: RoomId,
    }
    /// The caller brings somebody in.
    CHAT / "add_member": AddMember -> MemberState {
        /// Where.
        room_id: RoomId,
        /// Whom.
        user: UserRef,
        /// As what; member when absent.
        role: Option<RoomRole>,
    }
    /// The caller puts somebody out.
    CHAT / "remove_member": RemoveMember -> () {
        /// Where.
        room_id: RoomId,
        /// Whom.
        user_id: UserId,
    }
    /// The caller changes what somebody may do.
    CHAT / "change_member": ChangeMember -> MemberState {
        /// Where.
        room_id: RoomId,
        /// Whose.
        user_id: UserId,
        /// The new role.
        role: Option<RoomRole>,
        /// Read-only until then; `Clear` lifts it.
        muted_until: Patch<Timestamp>,
    }
    /// An admin of the installation makes a member an owner, beside those there are.
    CHAT / "appoint_owner": AppointOwner -> MemberState {
        /// Where.
        room_id: RoomId,
        /// Whom.
        user_id: UserId,
    }
    /// Says something.
    CHAT / "post_message": PostMessage -> MessageOutcome {
        /// Where.
        room_id: RoomId,
        /// What the client calls it; a repeat by the same sender in the same room finds the first.
        client_id: Option<ClientId>,
        /// The text.
        #[serde(deserialize_with = "crate::text::strict")]
        body: Body,
        /// How to read it.
        format: Format,
        /// Files of the caller; at most 10.
        attachments: Vec<MediaId>,
        /// The message that began the thread.
        thread_root_id: Option<MessageId>,
    }
    /// Says several things in one room, in order. Each is accepted or refused on its own, in the order of the
    /// posts; those newly written stand in the log in that order. An unknown one may turn up behind later ones.
    CHAT / "post_messages": PostMessages -> Vec<Reply<MessageOutcome>> {
        /// 1 to 64 posts to the same room.
        posts: Vec<PostMessage>,
    }
    /// Changes the text of the caller's own message.
    CHAT / "edit_message": EditMessage -> MessageOutcome {
        /// Which.
        message_id: MessageId,
        /// The new text.
        #[serde(deserialize_with = "crate::text::strict")]
        body: Body,
    }
    /// Takes a message back.
    CHAT / "delete_message": DeleteMessage -> () {
        /// Which.
        message_id: MessageId,
    }
    /// Moves the caller's read marker forwards.
    CHAT / "mark_read": MarkRead -> ReadOutcome {
        /// Where.
        room_id: RoomId,
        /// Up to which message.
        message_id: MessageId,
    }
    /// Marks inbox entries of the caller as read.
    NOTIFY / "mark_notifications_read": MarkNotificationsRead -> () {
        /// Which; every one when absent.
        notification_id: Option<NotificationId>,
    }
    /// An admin writes into inboxes.
    NOTIFY / "send_notification": SendNotification -> Vec<NotificationId> {
        /// Whose; at most 100.
        users: Vec<UserRef>,
        /// One line; at most 200 characters.
        #[serde(deserialize_with = "crate::text::strict")]
        title: Title,
        /// The text; at most 4,000 characters.
        #[serde(deserialize_with = "crate::text::strict")]
        body: Notice,
    }
}
