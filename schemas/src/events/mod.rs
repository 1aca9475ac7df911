//! What happened, in the past tense: one file per family of events, one struct per event type.
//!
//! A family is a noun of the domain. Its file has the noun's state, its events and one `family!` table; the
//! table at the end of this file lists the families. From these tables come [`EventData`], the names on the
//! wire, the lanes, and the JSON Schemas: a new event type is a struct and a line in its family's table, and the
//! compiler names every place that has to say something about it.
//!
//! Events on small lanes (user, room, member, names) carry the entity's whole small state after them,
//! so that the last event of a lane is all a decision needs. Secrets are never in an event.
//! A struct here is a wire format that is kept for ever: fields may be added with `#[serde(default)]`,
//! anything else is a new version with its own golden file.

mod audit;
mod block;
mod challenge;
mod erasure;
mod export;
mod hold;
mod identity;
mod invite;
mod media;
mod member;
mod message;
mod name;
mod notification;
mod pin;
mod prefs;
mod reaction;
mod receipt;
mod report;
mod retention;
mod room;
mod session;
mod thread;
mod user;

pub use audit::{AuditEvent, AuditQuery, AuditRead};
pub use block::{BlockAdded, BlockEvent, BlockRemoved, BlocksState};
pub use challenge::{ChallengeEvent, ChallengeIssued, ChallengePurpose};
pub use erasure::{
    Blank, BlankEvent, BlankMessage, ErasureBegun, ErasureCompleted, ErasureEvent, ErasureListed,
    Gone, Removed,
};
pub use export::{
    ExportEvent, ExportExpired, ExportReady, ExportRequested, ExportStage, ExportState,
    ExportWithdrawn,
};
pub use hold::{Held, HoldEvent, HoldLifted, HoldPlaced, HoldState};
pub use identity::{
    IdentitiesState, Identity, IdentityEvent, IdentityLinked, IdentityUnlinked, MAX_IDENTITIES,
};
pub use invite::{
    InviteAccepted, InviteCreated, InviteEvent, InviteReserved, InviteRevoked, InviteState,
};
pub use media::{
    MAX_MEDIA_USES, MediaAttached, MediaDetached, MediaEvent, MediaFile, MediaPurged, MediaRemoved,
    MediaRequested, MediaState, MediaStored, MediaUse,
};
pub use member::{
    Ban, MemberAdded, MemberBlockChanged, MemberChanged, MemberEvent, MemberJoined, MemberLeft,
    MemberRemoved, MemberState,
};
pub use message::{MessageDeleted, MessageEdited, MessageEvent, MessagePosted, MessageState};
pub use name::{NameClaimed, NameEvent, NameReleased};
pub use notification::{
    NotificationCreated, NotificationEvent, NotificationRemoved, NotificationsRead,
};
pub use pin::{MAX_PINS, MessagePinned, MessageUnpinned, PinEvent};
pub use prefs::{PrefsChanged, PrefsEvent, PrefsState};
pub use reaction::{MAX_KINDS, ReactionAdded, ReactionEvent, ReactionRemoved};
pub use receipt::{ReadMoved, ReceiptEvent};
pub use report::{ReportCreated, ReportEvent, ReportHandled, ReportState};
pub use retention::{
    AuthoredBlank, MAX_ARCHIVED, MAX_PURGED, MediaBlank, MessagesPurged, RetentionApplied,
    RetentionEvent, TextsRemoved, no_room,
};
pub use room::{RoomArchived, RoomChanged, RoomCreated, RoomEvent, RoomRestored, RoomState};
pub use session::{
    NewDevice, SessionEnd, SessionEvent, SessionRefreshed, SessionStarted, SessionsEnded,
};
pub use thread::{ThreadEvent, ThreadFollowed, ThreadRead, ThreadUnfollowed};
pub use user::{
    UserEmailChanged, UserEmailVerified, UserErased, UserEvent, UserPasswordSet,
    UserProfileChanged, UserRegistered, UserRoleChanged, UserSecondFactorChanged, UserState,
    UserSuspensionChanged,
};

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};

use crate::event::DecodeError;
use crate::subjects::LaneKind;

/// The JSON Schema (draft 2020-12) of a type.
pub(crate) fn schema_of<T: schemars::JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>()
}

/// The events of one family: `Enum { Variant(Struct) = "type on the wire", |data| its CloudEvents subject; }`.
macro_rules! family {
    ($(#[$doc:meta])* $event:ident {
        $($variant:ident($data:ident) = $name:literal, |$d:ident| $subject:expr;)*
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        #[expect(missing_docs, reason = "each variant is documented by its struct")]
        pub enum $event {
            $($variant($data),)*
        }

        impl $event {
            /// The event types of this family, as they are called on the wire; a name ends in its version.
            pub const TYPES: &'static [&'static str] = &[$($name),*];

            /// The CloudEvents `type`, version included.
            #[must_use]
            pub const fn type_name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }

            /// The CloudEvents `subject`: the id of the entity it happened to.
            #[must_use]
            pub fn subject(&self) -> String {
                match self { $(Self::$variant($d) => ($subject).to_string(),)* }
            }

            pub(super) fn write(&self, into: &mut Vec<u8>) -> serde_json::Result<()> {
                match self { $(Self::$variant(data) => serde_json::to_writer(into, data),)* }
            }

            /// None when the type is of another family.
            pub(super) fn read(kind: &str, json: &str) -> Option<serde_json::Result<Self>> {
                match kind {
                    $($name => Some(serde_json::from_str(json).map(Self::$variant)),)*
                    _ => None,
                }
            }

            pub(super) fn json_schemas(into: &mut Vec<(&'static str, schemars::Schema)>) {
                $(into.push(($name, crate::events::schema_of::<$data>()));)*
            }

            pub(super) fn described(
                generator: &mut schemars::SchemaGenerator,
                into: &mut Vec<(&'static str, schemars::Schema)>,
            ) {
                $(into.push(($name, generator.subschema_for::<$data>()));)*
            }
        }

        $(impl From<$data> for $event {
            fn from(data: $data) -> Self {
                Self::$variant(data)
            }
        }
        impl From<$data> for crate::events::EventData {
            fn from(data: $data) -> Self {
                $event::$variant(data).into()
            }
        })*
    };
}
use family;

/// Every family: `Family(Enum) on the lanes its events are written to`.
macro_rules! families {
    ($($(#[$doc:meta])* $family:ident($event:ident) on $($lane:ident)|+;)*) => {
        /// A noun of the domain that things happen to.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Family {
            $($(#[$doc])* $family,)*
        }

        impl Family {
            /// Every family.
            pub const ALL: &'static [Self] = &[$(Self::$family),*];

            /// The lanes its events are written to.
            #[must_use]
            pub const fn lanes(self) -> &'static [LaneKind] {
                match self { $(Self::$family => &[$(LaneKind::$lane),+],)* }
            }

            /// Its event types.
            #[must_use]
            pub const fn types(self) -> &'static [&'static str] {
                match self { $(Self::$family => $event::TYPES,)* }
            }
        }

        /// Everything that can happen, by family.
        #[derive(Debug, Clone, PartialEq)]
        pub enum EventData {
            $($(#[$doc])* $family($event),)*
        }

        impl EventData {
            /// The family it belongs to.
            #[must_use]
            pub const fn family(&self) -> Family {
                match self { $(Self::$family(_) => Family::$family,)* }
            }

            /// The CloudEvents `type`, version included.
            #[must_use]
            pub const fn type_name(&self) -> &'static str {
                match self { $(Self::$family(event) => event.type_name(),)* }
            }

            /// The CloudEvents `subject`: the id of the entity it happened to.
            #[must_use]
            pub fn subject(&self) -> String {
                match self { $(Self::$family(event) => event.subject(),)* }
            }

            /// Appends the data as JSON.
            pub(crate) fn write(&self, into: &mut Vec<u8>) -> serde_json::Result<()> {
                match self { $(Self::$family(event) => event.write(into),)* }
            }

            /// Reads the data of a type.
            pub(crate) fn read(kind: &str, json: &str) -> Result<Self, DecodeError> {
                $(if let Some(event) = $event::read(kind, json) {
                    return event.map(Self::$family).map_err(DecodeError::Malformed);
                })*
                Err(DecodeError::UnknownType(kind.to_owned()))
            }

            /// The JSON Schema of every event type's data, by type.
            #[must_use]
            pub fn json_schemas() -> Vec<(&'static str, Schema)> {
                let mut schemas = Vec::new();
                $($event::json_schemas(&mut schemas);)*
                schemas
            }

            /// The same as references into the definitions of a document that has them all.
            #[must_use]
            pub fn described(generator: &mut SchemaGenerator) -> Vec<(&'static str, Schema)> {
                let mut schemas = Vec::new();
                $($event::described(generator, &mut schemas);)*
                schemas
            }
        }

        $(impl From<$event> for EventData {
            fn from(event: $event) -> Self {
                Self::$family(event)
            }
        })*
    };
}

// Messages and receipts come first: they are nearly all of a log, and types are looked up in this order.
families! {
    /// What is written in rooms.
    Message(MessageEvent) on Timeline;
    /// What people think of messages.
    Reaction(ReactionEvent) on Timeline;
    /// Messages that rooms keep at hand.
    Pin(PinEvent) on Timeline;
    /// How far people have read.
    Receipt(ReceiptEvent) on Receipts;
    /// What waits in inboxes.
    Notification(NotificationEvent) on Inbox;
    /// Accounts.
    User(UserEvent) on User;
    /// Logins.
    Session(SessionEvent) on Session;
    /// One-time codes.
    Challenge(ChallengeEvent) on Challenges;
    /// Who people are at providers of single sign-on.
    Identity(IdentityEvent) on Identities;
    /// Unique names and whom they belong to.
    Name(NameEvent) on Handle | Email | RoomName | Direct | Identity;
    /// Rooms.
    Room(RoomEvent) on Room;
    /// Who belongs to a room.
    Member(MemberEvent) on Member;
    /// Who follows a thread, and how far they have read it.
    Thread(ThreadEvent) on Threads;
    /// What members ask moderators to look at.
    Report(ReportEvent) on Report;
    /// Whom people block.
    Block(BlockEvent) on Blocks;
    /// What members have set for themselves.
    Prefs(PrefsEvent) on Prefs;
    /// Invitations.
    Invite(InviteEvent) on Invite;
    /// What admins read of the audit trail.
    Audit(AuditEvent) on Audit;
    /// What is removed of people.
    Erasure(ErasureEvent) on Erasure;
    /// Legal holds.
    Hold(HoldEvent) on RoomHold | UserHold;
    /// What becomes of messages with time.
    Retention(RetentionEvent) on Retention;
    /// Files.
    Media(MediaEvent) on Media;
    /// Copies of people's data that they ask for.
    Export(ExportEvent) on Exports;
}

impl EventData {
    /// Every event type this build reads and writes.
    pub fn types() -> impl Iterator<Item = &'static str> {
        Family::ALL.iter().flat_map(|family| family.types()).copied()
    }

    /// The account after an event of its lane; none for the events of other families.
    #[must_use]
    pub const fn account(&self) -> Option<&UserState> {
        match self {
            Self::User(event) => event.after(),
            Self::Message(_)
            | Self::Reaction(_)
            | Self::Pin(_)
            | Self::Receipt(_)
            | Self::Thread(_)
            | Self::Report(_)
            | Self::Media(_)
            | Self::Notification(_)
            | Self::Session(_)
            | Self::Challenge(_)
            | Self::Identity(_)
            | Self::Name(_)
            | Self::Room(_)
            | Self::Member(_)
            | Self::Block(_)
            | Self::Prefs(_)
            | Self::Audit(_)
            | Self::Invite(_)
            | Self::Erasure(_)
            | Self::Export(_)
            | Self::Hold(_)
            | Self::Retention(_) => None,
        }
    }

    /// The membership after an event of its lane; none for the events of other families.
    #[must_use]
    pub const fn membership(&self) -> Option<&MemberState> {
        match self {
            Self::Member(event) => Some(event.after()),
            Self::Message(_)
            | Self::Reaction(_)
            | Self::Pin(_)
            | Self::Receipt(_)
            | Self::Thread(_)
            | Self::Report(_)
            | Self::Media(_)
            | Self::Notification(_)
            | Self::User(_)
            | Self::Session(_)
            | Self::Challenge(_)
            | Self::Identity(_)
            | Self::Name(_)
            | Self::Room(_)
            | Self::Block(_)
            | Self::Prefs(_)
            | Self::Audit(_)
            | Self::Invite(_)
            | Self::Erasure(_)
            | Self::Export(_)
            | Self::Hold(_)
            | Self::Retention(_) => None,
        }
    }

    /// The report after an event of its lane; none for the events of other families.
    #[must_use]
    pub const fn report(&self) -> Option<&ReportState> {
        let Self::Report(event) = self else { return None };
        Some(event.after())
    }

    /// What a unique name belongs to after an event of its lane, none when it is free; none for the events of other
    /// families.
    #[must_use]
    pub fn holder(&self) -> Option<Option<&String>> {
        let Self::Name(event) = self else { return None };
        Some(event.owner())
    }

    /// The medium after an event of its lane; none for the events of other families.
    #[must_use]
    pub const fn medium(&self) -> Option<&MediaState> {
        let Self::Media(event) = self else { return None };
        Some(event.after())
    }

    /// Whom a user blocks after an event of that lane; none for the events of other families.
    #[must_use]
    pub const fn blocks(&self) -> Option<&BlocksState> {
        let Self::Block(event) = self else { return None };
        Some(event.after())
    }
}
