//! The documents clients are given. They are API: fields may be added, nothing else.
//!
//! Owns their names, types and descriptions, of which OpenAPI is made. It must not know where they come from: the gateway makes
//! them of documents and events.

mod dead_letter;
mod erasure;
mod export;
mod identity;
mod invite;
mod media;
mod member;
mod message;
mod notification;
mod receipt;
mod report;
mod room;
mod session;
mod thread;
mod user;

pub use dead_letter::DeadLetter;
pub use erasure::{Erasure, ErasureStatus, Hold, HoldKind};
pub use export::{Export, ExportStatus};
pub use identity::LinkedIdentity;
pub use invite::{Invite, InvitePreview, InvitedTo, Inviter};
pub use media::Media;
pub use member::{BannedUser, Member};
pub use message::{Message, MessageText, PinChange, Reaction, ReactionChange, Sender};
pub use notification::Notification;
pub use receipt::ReadMarker;
pub use report::Report;
pub use room::{Membership, Room, UnreadSummary};
pub use session::{Session, SessionTokens};
pub use thread::{Thread, ThreadMarker};
pub use user::{Account, User};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub struct Page<T> {
    /// What is on the page.
    pub items: Vec<T>,
    /// Hand this back as `cursor` for the next page; null on the last one.
    pub next_cursor: Option<String>,
}
