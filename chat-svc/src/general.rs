//! The room everybody belongs to: made once, by whichever instance comes first.

use std::time::Duration;

use eventlog::{AppendError, EventLog, Expect, LaneWrite, Stored};
use schemas::values::RoomName;
use schemas::{Actor, DecodeError, Lane, NameKey, RoomId, Timestamp};

use crate::call;
use crate::domain::room::{create_everyone, evolve, evolve_name};
use crate::service::BuildError;

/// Instances that start together may each find the name free; all but one then look again.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(25);

/// Finds the room of everybody by its unique name, or makes it. None when an ordinary channel has the name.
pub(crate) async fn ensure(
    log: &EventLog,
    names: &NameKey,
    name: &RoomName,
) -> Result<Option<RoomId>, BuildError> {
    let lane = names.room_name(name.as_str());
    for _ in 0..TRIES {
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
        let id = call::system_room_id();
        let Ok(facts) = create_everyone(&id, name, &holder, Timestamp::now(), names) else {
            continue;
        };
        let at = stored.map_or(0, |stored| stored.sequence);
        let writes = facts
            .into_iter()
            .map(|fact| {
                let expect = if fact.lane == lane { Expect::At(at) } else { Expect::Empty };
                LaneWrite::new(fact.lane, call::event(Actor::System, None, fact.data), expect)
            })
            .collect();
        match log.append(writes).await {
            Ok(appended) => {
                tracing::info!(room.id = %id, event.seq = appended.position.sequence, "made the room of everybody");
                return Ok(Some(id));
            }
            Err(AppendError::Conflict | AppendError::AlreadyCommitted) => {}
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(AppendError::Conflict.into())
}

async fn found(log: &EventLog, owner: &str, name: &RoomName) -> Result<Option<RoomId>, BuildError> {
    let mut room = None;
    if let Ok(id) = RoomId::parse(owner)
        && let Some(stored) = log.last(&Lane::Room(id.clone())).await?
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
        tracing::warn!(room.name = %name, "the room of everybody is not made: a channel has its name");
    }
    Ok(id)
}

/// One lane that cannot be read keeps nobody from the other rooms: whoever needs this one is told.
fn unreadable(stored: &Stored, error: &DecodeError) {
    let error = telemetry::error_chain(error);
    tracing::error!(event.seq = stored.sequence, error, "the room of everybody cannot be read");
}
