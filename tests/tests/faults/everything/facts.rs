//! What a client holds and what REST shows, both as facts that can be compared one by one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// What is so, by what it is about: `message ROOM MESSAGE` and so on.
pub(super) type Facts = BTreeMap<String, Value>;

/// Who reacted, by emoji.
pub(super) type Reactions = BTreeMap<String, BTreeSet<String>>;

/// Something that a client holds and REST shows otherwise.
#[derive(Debug)]
pub(super) struct Difference {
    /// What it is about.
    pub(super) key: String,
    held: Option<Value>,
    shown: Option<Value>,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = |value: &Option<Value>| {
            value.as_ref().map_or_else(|| "nothing".to_owned(), Value::to_string)
        };
        write!(out, "{}\n    held  {}\n    shown {}", self.key, text(&self.held), text(&self.shown))
    }
}

/// Every difference, but in what a client cannot know.
pub(super) fn differences(
    held: &Facts,
    shown: &Facts,
    unsure: &BTreeSet<String>,
) -> Vec<Difference> {
    let keys: BTreeSet<&String> = held.keys().chain(shown.keys()).collect();
    let differs = |key: &&String| {
        let (one, other) = (held.get(*key), shown.get(*key));
        // What is gone need not be told to who never had it, and need not be listed for ever.
        let is_gone = |fact: Option<&Value>| fact.is_some_and(|fact| fact["deleted"] == true);
        let may_miss = one.is_none() && is_gone(other) || other.is_none() && is_gone(one);
        one != other && !may_miss && !unsure.contains(*key)
    };
    let difference = |key: &String| Difference {
        key: key.clone(),
        held: held.get(key).cloned(),
        shown: shown.get(key).cloned(),
    };
    keys.into_iter().filter(differs).map(difference).collect()
}

/// A text of a document; empty when there is none.
pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The items of a list.
pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Who reacted to a message, as its document says; none when it does not.
pub(super) fn reactions(message: &Value) -> Option<Reactions> {
    let of = |kind: &Value| (text(&kind["emoji"]), list(&kind["users"]).iter().map(text).collect());
    message["reactions"].as_array().map(|kinds| kinds.iter().map(of).collect())
}

/// A message; of one that is gone no more than that it was there.
pub(super) fn message(doc: &Value, gone: bool, reactions: &Reactions, pinned: bool) -> Value {
    let place = json!([doc["position"], doc["sender"]["id"], doc["thread_root_id"]]);
    if gone {
        return json!({"deleted": true, "place": place, "body": doc["body"]});
    }
    let files: Vec<&Value> = list(&doc["attachments"]).iter().map(|file| &file["id"]).collect();
    json!({
        "place": place, "body": doc["body"], "edited_at": doc["edited_at"], "format": doc["format"],
        "mentions": doc["mentions"], "mentions_room": doc["mentions_room"], "files": files,
        "reactions": reactions, "pinned": pinned, "created_at": doc["created_at"],
    })
}

/// A room: what everybody sees of it and the member's own settings.
pub(super) fn room(doc: &Value, own: (&Value, &Value, bool)) -> Value {
    let (notify, pinned, hidden) = own;
    json!({
        "kind": doc["kind"], "name": doc["name"], "topic": doc["topic"],
        "visibility": doc["visibility"], "posting": doc["posting"],
        "slow_mode_seconds": doc["slow_mode_seconds"], "retention_days": doc["retention_days"],
        "archived": doc["archived"], "notify": notify, "pinned": pinned, "hidden": hidden,
    })
}

/// A member, by the list or by an event.
pub(super) fn member(of: &Value) -> Value {
    json!({"role": of["role"], "muted_until": of["muted_until"]})
}

/// A user's names.
pub(super) fn user(of: &Value) -> Value {
    json!([of["username"], of["display_name"]])
}

/// The account of a client's own user.
pub(super) fn account(of: &Value) -> Value {
    json!({
        "username": of["username"], "display_name": of["display_name"], "bio": of["bio"],
        "role": of["role"], "preferences": of["preferences"], "settings": of["settings"],
    })
}

/// An entry of the inbox. Its words are made when it is read.
pub(super) fn notification(of: &Value) -> Value {
    json!({"kind": of["kind"], "read": of["read"], "room": of["room_id"],
           "message": of["message_id"], "actor": of["actor"]["id"]})
}

#[test]
fn differences_are_found_but_in_what_is_gone_or_not_known() {
    let facts = |all: &[(&str, Value)]| -> Facts {
        all.iter().map(|(key, fact)| ((*key).to_owned(), fact.clone())).collect()
    };
    let gone = json!({"deleted": true});
    let held = facts(&[("a", json!(1)), ("b", json!(2)), ("c", gone.clone()), ("e", json!(5))]);
    let shown = facts(&[("a", json!(1)), ("b", json!(3)), ("d", gone), ("f", json!(6))]);
    let found = |unsure: &[&str]| -> Vec<String> {
        let unsure = unsure.iter().map(|key| (*key).to_owned()).collect();
        differences(&held, &shown, &unsure).into_iter().map(|one| one.key).collect()
    };
    assert_eq!(found(&[]), ["b", "e", "f"]);
    assert_eq!(found(&["b", "f"]), ["e"]);
}
