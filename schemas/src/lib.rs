//! The vocabulary of Tidings: ids, values, events, commands, views, frames, subjects and codes.
//!
//! Everything here is data and its rules: what a thing is called on the wire, which values it may
//! take, how it is parsed. There is no I/O, no clock and no randomness in this crate; the caller that
//! creates an id or a time hands it in. Every other crate depends on this one and it depends on none of them.

mod as_written;
mod choices;
pub mod codes;
pub mod commands;
mod digest;
mod email;
mod emoji;
pub mod entities;
mod ephemeral;
pub mod event;
pub mod events;
pub mod exported;
pub mod frames;
pub mod ids;
mod invalid;
mod login_code;
pub mod media;
mod names;
mod namespace;
mod object;
mod one_time;
mod password;
pub mod position;
pub mod preferences;
mod published;
pub mod reasons;
mod registration;
pub mod rejection;
mod secret;
pub mod settings;
mod sought;
pub mod subjects;
mod text;
pub mod time;
pub mod unicode;
mod user_ref;
pub mod values;
pub mod views;

pub use as_written::Heading;
pub use codes::Code;
pub use digest::Digest;
pub use ephemeral::{AreOnline, Ephemeral, EphemeralKind, WhoIsOnline};
pub use event::{Actor, DecodeError, EncodeError, Event, EventData};
pub use ids::{
    ChallengeId, ErasureId, EventId, ExportId, InviteId, MediaId, MessageId, NotificationId,
    ReactionId, ReportId, RoomId, SessionId, SightingId, TraceParent, UserId,
};
pub use login_code::CodeChallenge;
pub use names::NameKey;
pub use one_time::{CodeKey, OneTimeCode};
pub use position::{Epoch, Position, Sequence};
pub use preferences::{Preferences, PreferencesPatch};
pub use published::published;
pub use reasons::RefusalReason;
pub use registration::{NotAdmitted, Registration};
pub use rejection::{FieldError, Problem, Rejection};
pub use settings::Settings;
pub use subjects::{Lane, Namespace};
pub use time::Timestamp;
