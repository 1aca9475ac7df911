//! The room every user belongs to: created once, by whichever instance comes first.

use std::time::Duration;

use decider::{Call, Reads, fresh_id};
use eventlog::{AppendError, EventLog, Stored};
use schemas::commands::CallContext;
use schemas::values::RoomName;
use schemas::{DecodeError, Lane, NameKey, RoomId, Timestamp};
use tokio::time::Instant;

use crate::domain::room::{create_everyone, evolve, evolve_name};
use crate::error::BuildError;

/// Instances that start together may each find the name free; all but one then look again.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(25);
/// How long a log that does not answer is asked again: a machine that is busy with much else is slow at first.
const PATIENCE: Duration = Duration::from_secs(120);
/// Before it is asked again.
const AGAIN: Duration = Duration::from_millis(500);

/// Finds the room every user belongs to by its unique name, or creates it. None when an ordinary channel has the name. A
/// log that does not answer is asked again, and `waits` is told why: it may have stored what it did not acknowledge, and that
/// is found then.
pub(crate) async fn ensure(
    log: &EventLog,
    names: &NameKey,
    name: &RoomName,
    waits: impl Fn(String),
) -> Result<Option<RoomId>, BuildError> {
    let deadline = Instant::now() + PATIENCE;
    let mut met = 0;
    loop {
        let error = match find_or_create(log, names, name).await {
            Ok(found) => return Ok(found),
            Err(error) => error,
        };
        match &error {
            BuildError::Append(AppendError::Conflict | AppendError::AlreadyCommitted)
                if met < TRIES =>
            {
                met += 1;
                tokio::time::sleep(PAUSE).await;
            }
            _ if may_pass(&error) && Instant::now() < deadline => {
                let reason = telemetry::error_chain(&error);
                tracing::warn!(room.name = %name, error = reason, "the room every user belongs to is not there yet; trying again");
                waits(format!("trying again: {reason}"));
                tokio::time::sleep(AGAIN).await;
            }
            _ => return Err(error),
        }
    }
}

/// Whether the log did not answer in time, and may a moment later.
const fn may_pass(error: &BuildError) -> bool {
    match error {
        BuildError::Log(error) => error.may_pass(),
        BuildError::Append(error) => error.may_pass(),
        BuildError::Bus(_) => false,
    }
}

/// One try.
async fn find_or_create(
    log: &EventLog,
    names: &NameKey,
    name: &RoomName,
) -> Result<Option<RoomId>, BuildError> {
    let lane = names.room_name(name.as_str());
    let call = Call::new("create_everyone", CallContext::default());
    let stored = log.last(&lane).await?;
    let mut holder = None;
    if let Some(stored) = &stored {
        match stored.event() {
            Ok(event) => evolve_name(&mut holder, &event.data),
            Err(error) => {
                unreadable(stored, &error);
                return Ok(None);
            }
        }
    }
    if let Some(owner) = &holder {
        return found(log, owner, name).await;
    }
    let id = RoomId::from_uuid(fresh_id());
    let facts = create_everyone(&id, name, &holder, Timestamp::now(), names);
    let facts = facts.map_err(|_| AppendError::Conflict)?;
    let mut reads = Reads::default();
    reads.note(lane, stored.map_or(0, |stored| stored.sequence));
    let facts = reads.stamp(facts).into_iter();
    let appended = log.append(facts.map(|fact| fact.into_write(&call)).collect()).await?;
    tracing::info!(room.id = %id, event.seq = appended.position.sequence, "created the room every user belongs to");
    Ok(Some(id))
}

async fn found(log: &EventLog, owner: &str, name: &RoomName) -> Result<Option<RoomId>, BuildError> {
    let mut room = None;
    if let Ok(id) = RoomId::parse(owner)
        && let Some(stored) = log.last(&Lane::Room(id)).await?
    {
        match stored.event() {
            Ok(event) => evolve(&mut room, &event.data),
            Err(error) => {
                unreadable(&stored, &error);
                return Ok(Some(id));
            }
        }
    }
    let id = room.filter(|room| room.everyone).map(|room| room.id);
    if id.is_none() {
        tracing::warn!(room.name = %name, "the room every user belongs to is not created: a channel has its name");
    }
    Ok(id)
}

/// One lane that cannot be read keeps no user from the other rooms: a command about this one is refused.
fn unreadable(stored: &Stored, error: &DecodeError) {
    let error = telemetry::error_chain(error);
    tracing::error!(
        event.seq = stored.sequence,
        error,
        "the room every user belongs to cannot be read"
    );
}
