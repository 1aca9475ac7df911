//! The JSON Schemas that are published: every event, every view, the documents of exports, the frames and the problem,
//! each under a name.

use std::collections::BTreeMap;

use schemars::Schema;

use crate::event::EventData;
use crate::events::{UserState, schema_of};
use crate::exported::{self, ExportPart};
use crate::{frames, rejection, views};

/// Every published JSON Schema (draft 2020-12) by its name: `event.<type on the wire>`, `view.<noun>`,
/// `export.<name>`, `frame.client`, `frame.server` and `problem`. The names stay; a schema may gain fields.
#[must_use]
pub fn published() -> BTreeMap<String, Schema> {
    let mut all = BTreeMap::new();
    macro_rules! add {
        ($($name:literal => $type:ty),* $(,)?) => {
            $(all.insert($name.to_owned(), schema_of::<$type>());)*
        };
    }
    add! {
        "view.account" => views::Account,
        "view.banned_user" => views::BannedUser,
        "view.dead_letter" => views::DeadLetter,
        "view.erasure" => views::Erasure,
        "view.export" => views::Export,
        "view.hold" => views::Hold,
        "view.invite" => views::Invite,
        "view.invite_preview" => views::InvitePreview,
        "view.linked_identity" => views::LinkedIdentity,
        "view.media" => views::Media,
        "view.member" => views::Member,
        "view.message" => views::Message,
        "view.notification" => views::Notification,
        "view.read_marker" => views::ReadMarker,
        "view.report" => views::Report,
        "view.room" => views::Room,
        "view.session" => views::Session,
        "view.unread_summary" => views::UnreadSummary,
        "view.session_tokens" => views::SessionTokens,
        "view.thread" => views::Thread,
        "view.thread_marker" => views::ThreadMarker,
        "view.user" => views::User,
        "export.index" => exported::ExportIndex,
        "export.account" => UserState,
        "export.sessions" => ExportPart<views::Session>,
        "export.rooms" => ExportPart<exported::ExportedRoom>,
        "export.messages" => ExportPart<exported::ExportedMessage>,
        "export.reactions" => ExportPart<exported::ExportedReaction>,
        "export.blocks" => ExportPart<exported::ExportedPerson>,
        "export.notifications" => ExportPart<exported::ExportedNotification>,
        "export.media" => ExportPart<exported::ExportedMedia>,
        "export.history" => ExportPart<exported::ExportedEvent>,
        "export.requests" => ExportPart<exported::ExportedRequest>,
        "frame.client" => frames::ClientFrame,
        "frame.server" => frames::ServerFrame,
        "problem" => rejection::Problem,
    }
    for (name, schema) in EventData::json_schemas() {
        all.insert(format!("event.{name}"), schema);
    }
    all
}
