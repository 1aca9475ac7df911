//! The JSON Schemas that are published: every event, every view, the frames and the problem, each under a name.

use std::collections::BTreeMap;

use schemars::Schema;

use crate::event::EventData;
use crate::events::schema_of;
use crate::{codes, frames, views};

/// Every published JSON Schema (draft 2020-12) by its name: `event.<type on the wire>`, `view.<noun>`, `frame.client`,
/// `frame.server` and `problem`. The names stay; a schema may gain fields.
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
        "view.hold" => views::Hold,
        "view.invite" => views::Invite,
        "view.invite_preview" => views::InvitePreview,
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
        "frame.client" => frames::ClientFrame,
        "frame.server" => frames::ServerFrame,
        "problem" => codes::Problem,
    }
    for (name, schema) in EventData::json_schemas() {
        all.insert(format!("event.{name}"), schema);
    }
    all
}
