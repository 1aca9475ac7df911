//! The one place that builds and parses NATS subjects.
//!
//! Every subject starts with the namespace. Events are stored on `<ns>.evt.<lane>` and, once stored,
//! republished by the server on `<ns>.live.<lane>`. Commands go to `<ns>.cmd.<service>.<name>`.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::digest::Digest;
use crate::ephemeral::{Ephemeral, EphemeralKind};
use crate::ids::{ErasureId, InviteId, MediaId, ReportId, RoomId, UserId};

/// Separates installations that share a NATS server. 1 to 32 characters of `[a-z0-9_]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Namespace(std::sync::Arc<str>);

/// A text is not a namespace, a digest or a lane.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {0}")]
pub struct InvalidSubject(pub(crate) &'static str);

impl Namespace {
    /// Parses a namespace.
    ///
    /// # Errors
    /// [`InvalidSubject`] when it is empty, over 32 characters or has another character than `[a-z0-9_]`.
    pub fn parse(text: &str) -> Result<Self, InvalidSubject> {
        let fits = (1..=32).contains(&text.len())
            && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'));
        if fits { Ok(Self(text.into())) } else { Err(InvalidSubject("namespace")) }
    }

    /// The namespace as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The stream that holds this namespace's events: `EVENTS_<ns>`.
    #[must_use]
    pub fn events_stream(&self) -> String {
        format!("EVENTS_{self}")
    }

    /// The stream that keeps what the notifier gave up on: `DEAD_LETTERS_<ns>`.
    #[must_use]
    pub fn dead_letters_stream(&self) -> String {
        format!("DEAD_LETTERS_{self}")
    }

    /// The subject dead letters of one consumer are stored on: `<ns>.dead.<consumer>`.
    #[must_use]
    pub fn dead_letters_subject(&self, consumer: &str) -> String {
        format!("{self}.dead.{consumer}")
    }

    /// Where dead letters of one consumer go to be handed to it again: `<ns>.dead.<consumer>.redrive`.
    #[must_use]
    pub fn redrives_subject(&self, consumer: &str) -> String {
        format!("{self}.dead.{consumer}.redrive")
    }

    /// Everything in the dead-letter stream that Tidings itself puts there: `<ns>.dead.>`.
    #[must_use]
    pub fn all_dead_letters(&self) -> String {
        format!("{self}.dead.>")
    }

    /// A KV bucket of this namespace, for secrets and short-lived state: `<ns>_<name>`.
    #[must_use]
    pub fn bucket(&self, name: &str) -> String {
        format!("{self}_{name}")
    }

    /// Every stored event: `<ns>.evt.>`.
    #[must_use]
    pub fn all_events(&self) -> String {
        format!("{self}.evt.>")
    }

    /// Every republished event: `<ns>.live.>`.
    #[must_use]
    pub fn all_live(&self) -> String {
        format!("{self}.live.>")
    }

    /// Where the projector says how far it is: `<ns>.checkpoint`. Outside `live.`, which only the
    /// server's republishing writes to, so that a reader of `live.` sees stored events and nothing else.
    #[must_use]
    pub fn checkpoint(&self) -> String {
        format!("{self}.checkpoint")
    }

    /// The stored subjects of memberships: those of a room, of a user, or all of them.
    #[must_use]
    pub fn member_lanes(&self, room: Option<&RoomId>, user: Option<&UserId>) -> String {
        let kind = LaneKind::Member.as_str();
        let (room, user) = (room.map_or("*", RoomId::as_str), user.map_or("*", UserId::as_str));
        format!("{self}.evt.{kind}.{room}.{user}")
    }

    /// A barrier inbox under this namespace (see `bus`): `<ns>.barrier.<token>`.
    #[must_use]
    pub fn barrier(&self, token: &str) -> String {
        format!("{self}.barrier.{token}")
    }

    /// What processes tell each other and no stream stores: `<ns>.eph.<kind>`, or `<ns>.eph.<kind>.<about>` for
    /// what is about one room or gateway. Core NATS, never in a stream.
    #[must_use]
    pub fn ephemeral(&self, about: &Ephemeral<'_>) -> String {
        let kind = about.kind().as_str();
        match about {
            Ephemeral::Spending | Ephemeral::Presence | Ephemeral::Who | Ephemeral::Online => {
                format!("{self}.eph.{kind}")
            }
            Ephemeral::Typing(room) => format!("{self}.eph.{kind}.{room}"),
            Ephemeral::Gateway(id) => format!("{self}.eph.{kind}.{id}"),
        }
    }

    /// Where all of a kind is heard.
    #[must_use]
    pub fn all_ephemeral(&self, kind: EphemeralKind) -> String {
        format!("{self}.eph.{}", kind.pattern())
    }

    /// A command's subject: `<ns>.cmd.<service>.<name>`.
    #[must_use]
    pub fn command(&self, service: &str, name: &str) -> String {
        format!("{self}.cmd.{service}.{name}")
    }

    /// The stored subject of all lanes of a kind, for consumers that follow the tail: `<ns>.evt.<kind>.>`.
    #[must_use]
    pub fn events_of(&self, kind: LaneKind) -> String {
        format!("{self}.evt.{}.>", kind.as_str())
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Namespace {
    type Error = InvalidSubject;
    fn try_from(text: String) -> Result<Self, InvalidSubject> {
        Self::parse(&text)
    }
}
impl From<Namespace> for String {
    fn from(namespace: Namespace) -> String {
        namespace.0.as_ref().to_owned()
    }
}

/// The kinds of lane, as they stand in subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the lane of the same name in `Lane`")]
pub enum LaneKind {
    User,
    Session,
    Challenges,
    Identity,
    Identities,
    Handle,
    Email,
    RoomName,
    Direct,
    Room,
    Member,
    Timeline,
    Receipts,
    Inbox,
    Media,
    Threads,
    Report,
    Blocks,
    Prefs,
    Invite,
    Audit,
    Erasure,
    RoomHold,
    UserHold,
    Exports,
    Retention,
}

impl LaneKind {
    /// The token in the subject.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Session => "session",
            Self::Challenges => "challenges",
            Self::Identity => "identity",
            Self::Identities => "identities",
            Self::Handle => "handle",
            Self::Email => "email",
            Self::RoomName => "roomname",
            Self::Direct => "direct",
            Self::Room => "room",
            Self::Member => "member",
            Self::Timeline => "timeline",
            Self::Receipts => "receipts",
            Self::Inbox => "inbox",
            Self::Media => "media",
            Self::Threads => "threads",
            Self::Report => "report",
            Self::Blocks => "blocks",
            Self::Prefs => "prefs",
            Self::Invite => "invite",
            Self::Audit => "audit",
            Self::Erasure => "erasure",
            Self::RoomHold => "roomhold",
            Self::UserHold => "userhold",
            Self::Exports => "exports",
            Self::Retention => "retention",
        }
    }
}

/// The one subject that holds one entity's events. Lanes of names are made by [`crate::NameKey`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Lane {
    /// An account.
    User(UserId),
    /// All sessions of an account.
    Session(UserId),
    /// The one-time codes of an account.
    Challenges(UserId),
    /// Which account belongs to an identity at a provider of single sign-on.
    Identity(Digest),
    /// The identities at providers that belong to an account.
    Identities(UserId),
    /// Who holds a username.
    Handle(Digest),
    /// Who holds an e-mail address.
    Email(Digest),
    /// Which channel holds a public name.
    RoomName(Digest),
    /// Which room is the direct conversation of a set of people.
    Direct(Digest),
    /// A room.
    Room(RoomId),
    /// A person's membership of a room.
    Member(RoomId, UserId),
    /// What is said in a room.
    Timeline(RoomId),
    /// Who has read how far in a room.
    Receipts(RoomId),
    /// A person's notifications.
    Inbox(UserId),
    /// An uploaded file.
    Media(MediaId),
    /// What a person does to threads for themselves alone: following and reading.
    Threads(UserId),
    /// A report of a message.
    Report(ReportId),
    /// Whom a person blocks.
    Blocks(UserId),
    /// What a member has set about their own membership of a room.
    Prefs(RoomId, UserId),
    /// An invitation to a room.
    Invite(InviteId),
    /// What an admin has read of the audit trail.
    Audit(UserId),
    /// The erasure of a person's data.
    Erasure(ErasureId),
    /// Whether a room is under a legal hold.
    RoomHold(RoomId),
    /// Whether a user is.
    UserHold(UserId),
    /// The copy of their data that a person asked for last.
    Exports(UserId),
    /// What became of a room's messages with time.
    Retention(RoomId),
}

impl Lane {
    /// Which kind of lane this is.
    #[must_use]
    pub const fn kind(&self) -> LaneKind {
        match self {
            Self::User(_) => LaneKind::User,
            Self::Session(_) => LaneKind::Session,
            Self::Challenges(_) => LaneKind::Challenges,
            Self::Identity(_) => LaneKind::Identity,
            Self::Identities(_) => LaneKind::Identities,
            Self::Handle(_) => LaneKind::Handle,
            Self::Email(_) => LaneKind::Email,
            Self::RoomName(_) => LaneKind::RoomName,
            Self::Direct(_) => LaneKind::Direct,
            Self::Room(_) => LaneKind::Room,
            Self::Member(..) => LaneKind::Member,
            Self::Timeline(_) => LaneKind::Timeline,
            Self::Receipts(_) => LaneKind::Receipts,
            Self::Inbox(_) => LaneKind::Inbox,
            Self::Media(_) => LaneKind::Media,
            Self::Threads(_) => LaneKind::Threads,
            Self::Report(_) => LaneKind::Report,
            Self::Blocks(_) => LaneKind::Blocks,
            Self::Prefs(..) => LaneKind::Prefs,
            Self::Invite(_) => LaneKind::Invite,
            Self::Audit(_) => LaneKind::Audit,
            Self::Erasure(_) => LaneKind::Erasure,
            Self::RoomHold(_) => LaneKind::RoomHold,
            Self::UserHold(_) => LaneKind::UserHold,
            Self::Exports(_) => LaneKind::Exports,
            Self::Retention(_) => LaneKind::Retention,
        }
    }

    fn tail(&self) -> String {
        let kind = self.kind().as_str();
        match self {
            Self::User(id)
            | Self::Session(id)
            | Self::Challenges(id)
            | Self::Identities(id)
            | Self::Inbox(id)
            | Self::Threads(id)
            | Self::Blocks(id)
            | Self::Audit(id)
            | Self::UserHold(id)
            | Self::Exports(id) => format!("{kind}.{id}"),
            Self::Handle(digest)
            | Self::Identity(digest)
            | Self::Email(digest)
            | Self::RoomName(digest)
            | Self::Direct(digest) => format!("{kind}.{digest}"),
            Self::Room(id)
            | Self::Timeline(id)
            | Self::Receipts(id)
            | Self::RoomHold(id)
            | Self::Retention(id) => format!("{kind}.{id}"),
            Self::Member(room, user) | Self::Prefs(room, user) => format!("{kind}.{room}.{user}"),
            Self::Media(id) => format!("{kind}.{id}"),
            Self::Report(id) => format!("{kind}.{id}"),
            Self::Invite(id) => format!("{kind}.{id}"),
            Self::Erasure(id) => format!("{kind}.{id}"),
        }
    }

    /// The subject events of this lane are stored on.
    #[must_use]
    pub fn subject(&self, namespace: &Namespace) -> String {
        format!("{namespace}.evt.{}", self.tail())
    }

    /// The subject the server republishes this lane's events on.
    #[must_use]
    pub fn live_subject(&self, namespace: &Namespace) -> String {
        format!("{namespace}.live.{}", self.tail())
    }

    /// Reads a lane back from a stored (`evt`) or republished (`live`) subject of the namespace.
    ///
    /// # Errors
    /// [`InvalidSubject`] when the subject is of another namespace or is no lane.
    pub fn parse(namespace: &Namespace, subject: &str) -> Result<Self, InvalidSubject> {
        const NOT: InvalidSubject = InvalidSubject("lane");
        let rest = subject
            .strip_prefix(namespace.as_str())
            .and_then(|rest| rest.strip_prefix(".evt.").or_else(|| rest.strip_prefix(".live.")))
            .ok_or(NOT)?;
        let (kind, key) = rest.split_once('.').ok_or(NOT)?;
        let user = |key: &str| UserId::parse(key).map_err(|_| NOT);
        let room = |key: &str| RoomId::parse(key).map_err(|_| NOT);
        let pair = |key: &str| {
            let (in_room, who) = key.split_once('.').ok_or(NOT)?;
            Ok((room(in_room)?, user(who)?))
        };
        Ok(match kind {
            "user" => Self::User(user(key)?),
            "session" => Self::Session(user(key)?),
            "challenges" => Self::Challenges(user(key)?),
            "identity" => Self::Identity(Digest::parse(key)?),
            "identities" => Self::Identities(user(key)?),
            "inbox" => Self::Inbox(user(key)?),
            "blocks" => Self::Blocks(user(key)?),
            "audit" => Self::Audit(user(key)?),
            "handle" => Self::Handle(Digest::parse(key)?),
            "email" => Self::Email(Digest::parse(key)?),
            "roomname" => Self::RoomName(Digest::parse(key)?),
            "direct" => Self::Direct(Digest::parse(key)?),
            "room" => Self::Room(room(key)?),
            "timeline" => Self::Timeline(room(key)?),
            "receipts" => Self::Receipts(room(key)?),
            "member" => pair(key).map(|(room, user)| Self::Member(room, user))?,
            "prefs" => pair(key).map(|(room, user)| Self::Prefs(room, user))?,
            "invite" => Self::Invite(InviteId::parse(key).map_err(|_| NOT)?),
            "erasure" => Self::Erasure(ErasureId::parse(key).map_err(|_| NOT)?),
            "roomhold" => Self::RoomHold(room(key)?),
            "userhold" => Self::UserHold(user(key)?),
            "exports" => Self::Exports(user(key)?),
            "retention" => Self::Retention(room(key)?),
            "media" => Self::Media(MediaId::parse(key).map_err(|_| NOT)?),
            "threads" => Self::Threads(user(key)?),
            "report" => Self::Report(ReportId::parse(key).map_err(|_| NOT)?),
            _ => return Err(NOT),
        })
    }
}
