//! Events of the audit trail.

use schemas::event::{Actor, EventData};
use schemas::events::{AuditQuery, AuditRead};
use schemas::values::{EventType, SubjectId};

use super::{now, user_id};

pub(super) fn audits(full: bool) -> Vec<EventData> {
    let query = AuditQuery {
        actor: full.then(|| Actor::User(user_id(4))),
        kind: full.then(|| EventType::parse("message.posted.v1").unwrap()),
        subject: full.then(|| SubjectId::parse(user_id(4).as_str()).unwrap()),
        since: full.then(now),
        until: full.then(now),
    };
    vec![AuditRead { user_id: user_id(1), query, before: full.then_some(41) }.into()]
}
