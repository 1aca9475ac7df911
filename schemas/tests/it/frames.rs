//! Frames of clients, as they are written.

use schemas::frames::{ClientFrame, FrameId};
use serde_json::{Map, Value, json};

const fn is_react(frame: &ClientFrame) -> bool {
    matches!(frame, ClientFrame::React { .. })
}

/// A frame as a client would write it.
pub(crate) fn rewritten(frame: &ClientFrame) -> Value {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value);
        }
    };
    let named = |id: &Option<FrameId>| id.as_ref().map(|id| json!(id));
    let text = |text: &str| Some(json!(text));
    match frame {
        ClientFrame::Hello { id, token, resume } => {
            put("type", text("hello"));
            put("id", named(id));
            put("token", token.as_ref().map(|token| json!(token.expose())));
            put("resume", resume.as_ref().map(|resume| json!(resume)));
        }
        ClientFrame::Post { id, room_id, client_id, body, format, attachments, thread_root_id } => {
            put("type", text("post"));
            put("id", named(id));
            put("room_id", text(room_id));
            put("client_id", client_id.as_ref().map(|id| json!(id)));
            put("body", text(body));
            put("format", format.as_ref().map(|format| json!(format)));
            put("attachments", attachments.as_ref().map(|all| json!(all)));
            put("thread_root_id", thread_root_id.as_ref().map(|id| json!(id)));
        }
        ClientFrame::Edit { id, message_id, body } => {
            put("type", text("edit"));
            put("id", named(id));
            put("message_id", text(message_id));
            put("body", text(body));
        }
        ClientFrame::Delete { id, message_id } => {
            put("type", text("delete"));
            put("id", named(id));
            put("message_id", text(message_id));
        }
        ClientFrame::React { .. }
        | ClientFrame::Unreact { .. }
        | ClientFrame::Read { .. }
        | ClientFrame::Typing { .. }
        | ClientFrame::WatchPresence { .. }
        | ClientFrame::Presence { .. } => return rewritten_other(frame),
        ClientFrame::Resume { id, position } => {
            put("type", text("resume"));
            put("id", named(id));
            put("position", text(position));
        }
        ClientFrame::Ping { id } => {
            put("type", text("ping"));
            put("id", named(id));
        }
    }
    Value::Object(fields)
}

/// The same for the other frames.
fn rewritten_other(frame: &ClientFrame) -> Value {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value);
        }
    };
    let named = |id: &Option<FrameId>| id.as_ref().map(|id| json!(id));
    let text = |text: &str| Some(json!(text));
    match frame {
        ClientFrame::React { id, message_id, emoji }
        | ClientFrame::Unreact { id, message_id, emoji } => {
            put("type", text(if is_react(frame) { "react" } else { "unreact" }));
            put("id", named(id));
            put("message_id", text(message_id));
            put("emoji", text(emoji));
        }
        ClientFrame::Read { id, room_id, message_id, thread_root_id } => {
            put("type", text("read"));
            put("id", named(id));
            put("room_id", text(room_id));
            put("message_id", text(message_id));
            put("thread_root_id", thread_root_id.as_ref().map(|id| json!(id)));
        }
        ClientFrame::Typing { id, room_id, thread_root_id, active } => {
            put("type", text("typing"));
            put("id", named(id));
            put("room_id", text(room_id));
            put("thread_root_id", thread_root_id.as_ref().map(|id| json!(id)));
            put("active", Some(json!(active)));
        }
        ClientFrame::WatchPresence { id, user_ids } => {
            put("type", text("watch_presence"));
            put("id", named(id));
            put("user_ids", Some(json!(user_ids)));
        }
        ClientFrame::Presence { id, status, text: words } => {
            put("type", text("presence"));
            put("id", named(id));
            put("status", Some(json!(status)));
            put("text", words.as_ref().map(|words| json!(words)));
        }
        ClientFrame::Hello { .. }
        | ClientFrame::Post { .. }
        | ClientFrame::Edit { .. }
        | ClientFrame::Delete { .. }
        | ClientFrame::Resume { .. }
        | ClientFrame::Ping { .. } => {}
    }
    Value::Object(fields)
}

/// One of each, with everything it can hold.
pub(crate) fn frames() -> Vec<Value> {
    vec![
        json!({"type": "hello", "id": 1, "token": "t", "resume": "a:1"}),
        json!({"type": "post", "id": "x", "room_id": "room_x", "client_id": "c", "body": "b", "format": "plain",
               "attachments": ["media_x"], "thread_root_id": "msg_x"}),
        json!({"type": "edit", "id": 2.5, "message_id": "msg_x", "body": "b"}),
        json!({"type": "delete", "id": -3, "message_id": "msg_x"}),
        json!({"type": "read", "id": 4, "room_id": "room_x", "message_id": "msg_x"}),
        json!({"type": "react", "id": 5, "message_id": "msg_x", "emoji": "\u{1f44d}"}),
        json!({"type": "unreact", "message_id": "msg_x", "emoji": "x"}),
        json!({"type": "typing", "id": 6, "room_id": "room_x", "thread_root_id": "msg_x", "active": true}),
        json!({"type": "watch_presence", "id": 7, "user_ids": ["user_x", "user_y"]}),
        json!({"type": "presence", "id": 8, "status": "dnd", "text": "in a meeting"}),
        json!({"type": "resume", "id": 5, "position": "a:1"}),
        json!({"type": "ping", "id": 18_446_744_073_709_551_615_u64}),
    ]
}
