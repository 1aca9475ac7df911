//! The audit trail, for admins.

use schemas::commands::NoteAuditRead;
use schemas::event::{Actor, Outline};
use schemas::events::AuditQuery;
use schemas::values::{EventType, SubjectId};
use schemas::views::Page;
use schemas::{Epoch, Position, Sequence, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::paging::place;
use crate::audit::{Entry, Trail};
use crate::cursor::List;
use crate::http::{Call, Done, Limit, Query, Reply, shape};

shape! {
    /// Which events. All conditions that are given must hold.
    EventQuery {
        /// Who caused them: a user's id, or `system`.
        #[schemars(with = "Option<String>")]
        actor: Option<Actor>,
        /// Their type, such as `room.created.v1`.
        r#type: Option<EventType>,
        /// The id of what they happened to, such as `usr_...`, `room_...` or `msg_...`.
        subject: Option<SubjectId>,
        /// At or after this moment.
        since: Option<Timestamp>,
        /// Before this moment.
        until: Option<Timestamp>,
        /// How many items: 1 to 200. Defaults to 50.
        #[schemars(with = "Option<u32>", range(min = 1, max = 200))]
        limit: Limit,
        /// `next_cursor` of the previous page.
        cursor: Option<String>,
    }
}

/// An event of the log.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct AuditedEvent {
    /// Its place in the log.
    position: Position,
    /// What happened. `unreadable` for an event that is damaged.
    r#type: String,
    /// Who caused it: a user's id, or `system`; null when that cannot be read.
    actor: Option<String>,
    /// The id of what it happened to; null when that cannot be read.
    subject: Option<String>,
    /// When it happened.
    time: Timestamp,
    /// What the event holds, without bodies, titles and settings. Null for an event that this server cannot read.
    data: Value,
}

/// Newest first. A page may be short although there is a next one.
pub(crate) async fn list(call: Call, Query(query): Query<EventQuery>) -> Done<Page<AuditedEvent>> {
    let EventQuery { actor, r#type, subject, since, until, limit, cursor } = query;
    let query = AuditQuery { actor, kind: r#type, subject, since, until };
    let epoch = call.epoch();
    let scope = format!("{query:?}");
    let list = List { epoch: &epoch, parts: vec!["admin/events", &scope] };
    let before: Option<Sequence> = place(&list, cursor.as_deref())?;
    let bodies = call.state.config.audit_bodies;
    let position = match bodies {
        true => call.send(&NoteAuditRead { query: query.clone(), before }).await?.position,
        false => None,
    };
    let (log, store) = (&call.state.log, call.state.read_model.current());
    let trail = Trail { log, store, query: &query, bodies };
    let found = trail.page(before, limit.items()).await?;
    let next_cursor = found.next.and_then(|next| list.cursor(&next));
    let items = found.entries.into_iter().map(|entry| view(entry, &epoch)).collect();
    Ok(Reply::ok(&Page { items, next_cursor }).at(position))
}

fn view(entry: Entry, epoch: &Epoch) -> AuditedEvent {
    let Entry { sequence, outline, data, stored_at } = entry;
    let position = epoch.at(sequence);
    match outline {
        Some(Outline { kind, subject, time, actor }) => AuditedEvent {
            position,
            r#type: kind,
            actor: Some(actor),
            subject: Some(subject),
            time,
            data,
        },
        None => AuditedEvent {
            position,
            r#type: "unreadable".to_owned(),
            actor: None,
            subject: None,
            time: stored_at,
            data,
        },
    }
}
