//! JSON Schema files, generated from the types into `json/`. `UPDATE=1` rewrites them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use schemas::event::EventData;
use schemas::{codes, frames, views};

fn schema_of<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>()
}

/// Every schema by its file name, without the ending.
fn all() -> BTreeMap<String, Schema> {
    let mut all = BTreeMap::new();
    macro_rules! add {
        ($($name:literal => $type:ty),* $(,)?) => {
            $(all.insert($name.to_owned(), schema_of::<$type>());)*
        };
    }
    add! {
        "view.account" => views::Account,
        "view.banned_user" => views::BannedUser,
        "view.invite" => views::Invite,
        "view.invite_preview" => views::InvitePreview,
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

#[test]
fn generated_schemas_are_up_to_date() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/json"));
    let update = std::env::var_os("UPDATE").is_some();
    let all = all();
    if update {
        std::fs::create_dir_all(&folder).unwrap();
    }
    for (name, schema) in &all {
        let path = folder.join(format!("{name}.json"));
        let text = format!("{}\n", serde_json::to_string_pretty(schema).unwrap());
        if update {
            std::fs::write(&path, &text).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == text,
            "{path:?} is out of date: UPDATE=1 cargo test -p schemas rewrites it"
        );
    }
    for file in std::fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if !all.contains_key(&name) {
            assert!(update, "{path:?} belongs to no type");
            std::fs::remove_file(path).unwrap();
        }
    }
}
