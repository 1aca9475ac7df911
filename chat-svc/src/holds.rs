//! Legal holds, as their lanes say, for those who remove something for good.
//!
//! What is removed is listed in the log first. A hold that stands in the log before the list is seen when it is asked for
//! after that, and nothing is removed then; one behind the list has come when it was decided already.

use decider::{Expect, Failure};
use eventlog::{EventLog, Stored};
use schemas::ids::{RoomId, UserId};
use schemas::{EventData, Lane, NameKey};

/// Whether one of these rooms is held, or one of these users.
pub(crate) async fn are_held(
    log: &EventLog,
    rooms: impl IntoIterator<Item = RoomId>,
    users: impl IntoIterator<Item = UserId>,
) -> Result<bool, Failure> {
    let rooms = rooms.into_iter().map(Lane::RoomHold);
    let lanes: Vec<Lane> = rooms.chain(users.into_iter().map(Lane::UserHold)).collect();
    for stored in log.last_many(&lanes).await?.into_iter().flatten() {
        if is_in_force(&stored)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What must be true when something of a user's in a room is removed: that no hold was placed since. None when they, or the
/// room, are held now.
///
/// An event has one fence, and there are holds of two kinds. Who places one relies on being an admin, which is noted on the
/// roll of admins in the same batch: as long as nothing has come onto that, nothing is held that was not.
pub(crate) async fn unheld(
    log: &EventLog,
    names: &NameKey,
    room: &RoomId,
    user: &UserId,
) -> Result<Option<Expect>, Failure> {
    let lane = names.admins();
    // Before the holds: one that is placed after they were read has moved it.
    let at = log.last(&lane).await?.map_or(0, |stored| stored.sequence);
    if are_held(log, [*room], [*user]).await? {
        return Ok(None);
    }
    Ok(Some(Expect::Fence { lane, at }))
}

fn is_in_force(stored: &Stored) -> Result<bool, Failure> {
    let EventData::Hold(event) = stored.event()?.data else { return Ok(false) };
    Ok(event.in_force().is_some())
}

#[cfg(test)]
mod tests {
    use decider::{Call, Fact};
    use eventlog::{AppendError, Connect, Topology};
    use schemas::commands::CallContext;
    use schemas::events::{Held, HoldLifted, HoldPlaced, HoldState, MessageDeleted, NameClaimed};
    use schemas::values::Reason;
    use schemas::{MessageId, Namespace, Timestamp};
    use uuid::Uuid;

    use super::*;

    fn user() -> UserId {
        UserId::from_uuid(Uuid::from_u128(1))
    }

    fn room() -> RoomId {
        RoomId::from_uuid(Uuid::from_u128(2))
    }

    fn placed(held: Held) -> HoldState {
        let (reason, placed_at) =
            (Reason::parse("a court asks").unwrap(), Timestamp::from_millis(0));
        HoldState { held, reason, placed_by: user(), placed_at }
    }

    fn deletion() -> MessageDeleted {
        MessageDeleted {
            message_id: MessageId::from_uuid(Uuid::from_u128(3)),
            room_id: room(),
            sender_id: user(),
            posted: 1,
            thread_root_id: None,
            created_at: Timestamp::from_millis(0),
            deleted_at: Timestamp::from_millis(0),
            reason: None,
        }
    }

    async fn write(log: &EventLog, facts: Vec<Fact>) -> Result<(), AppendError> {
        let call = Call::new("test", CallContext::default());
        log.append(facts.into_iter().map(|fact| fact.into_write(&call)).collect()).await.map(drop)
    }

    fn names() -> NameKey {
        NameKey::new(&[7; 32])
    }

    /// As auth-svc writes what happens to a hold.
    fn by_an_admin(lane: Lane, data: impl Into<EventData>) -> Vec<Fact> {
        let relied_on = NameClaimed { owner: user().to_string() };
        vec![
            Fact::expecting(Expect::Any, names().admins(), relied_on),
            Fact::expecting(Expect::Any, lane, data),
        ]
    }

    #[tokio::test]
    async fn a_hold_of_either_kind_refuses_what_was_decided_before_it() {
        let server = testbed::Nats::start().await;
        let namespace = Namespace::parse("holds").unwrap();
        let connect = Connect { url: server.url(), client_name: "holds".to_owned(), namespace };
        let log = EventLog::connect(connect).await.unwrap();
        log.ensure_topology(&Topology::default()).await.unwrap();
        let fence = async || unheld(&log, &names(), &room(), &user()).await.unwrap();
        let delete = async |fence: Expect| {
            write(&log, vec![Fact::expecting(fence, Lane::Timeline(room()), deletion())]).await
        };
        delete(fence().await.unwrap()).await.unwrap();
        let kinds = [
            (Held::User(user()), Lane::UserHold(user())),
            (Held::Room(room()), Lane::RoomHold(room())),
        ];
        for (held, lane) in kinds {
            let before = fence().await.unwrap();
            let hold = placed(held);
            let place = HoldPlaced { hold: hold.clone() };
            write(&log, by_an_admin(lane, place)).await.unwrap();
            let late = delete(before).await;
            assert!(matches!(late, Err(AppendError::Conflict)), "{late:?}");
            assert!(fence().await.is_none());
            assert!(are_held(&log, [room()], [user()]).await.unwrap());
            let of_room = are_held(&log, [room()], []).await.unwrap();
            assert_eq!(of_room, lane == Lane::RoomHold(room()));
            let (lifted_by, lifted_at) = (user(), Timestamp::from_millis(0));
            let reason = Reason::parse("it is over").unwrap();
            let lift = HoldLifted { hold, lifted_by, reason, lifted_at };
            write(&log, by_an_admin(lane, lift)).await.unwrap();
            delete(fence().await.unwrap()).await.unwrap();
        }
    }
}
