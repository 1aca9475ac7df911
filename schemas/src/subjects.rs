//! The one place that builds and parses the subjects of events.
//!
//! Every subject starts with the namespace ([`Namespace`] makes those that are no lane's). Events are stored on
//! `<ns>.evt.<lane>` and, once stored, republished by the server on `<ns>.live.<lane>`. Commands go to
//! `<ns>.cmd.<service>.<name>`.

pub use crate::digest::Digest;
use crate::ids::{ErasureId, InviteId, MediaId, ReportId, RoomId, UserId};
pub use crate::namespace::{InvalidSubject, Namespace};

impl Namespace {
    /// The stored subjects of memberships: those of a room, of a user, or all of them.
    #[must_use]
    pub fn member_lanes(&self, room: Option<&RoomId>, user: Option<&UserId>) -> String {
        let kind = LaneKind::Member.as_str();
        let (room, user) = (room.map_or("*", RoomId::as_str), user.map_or("*", UserId::as_str));
        format!("{self}.evt.{kind}.{room}.{user}")
    }

    /// The stored subject of all lanes of a kind, for consumers that follow the tail: `<ns>.evt.<kind>.>`.
    #[must_use]
    pub fn events_of(&self, kind: LaneKind) -> String {
        format!("{self}.evt.{}.>", kind.as_str())
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
