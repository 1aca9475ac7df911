//! Legal holds, as their lanes say, for those who remove something for good.
//!
//! What is removed is listed in the log first. A hold that stands in the log before the list is seen when it is asked for
//! after that, and nothing is removed then; one behind the list has come when it was decided already.

use decider::{Expect, Failure};
use eventlog::{EventLog, Stored};
use schemas::ids::{RoomId, UserId};
use schemas::{EventData, Lane};

/// Whether a room is held, or one of these users.
pub(crate) async fn are_held(
    log: &EventLog,
    room: &RoomId,
    users: impl IntoIterator<Item = UserId>,
) -> Result<bool, Failure> {
    let lanes: Vec<Lane> = std::iter::once(Lane::RoomHold(room.clone()))
        .chain(users.into_iter().map(Lane::UserHold))
        .collect();
    for stored in log.last_many(&lanes).await?.into_iter().flatten() {
        if is_in_force(&stored)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What must be true when something of a user's in a room is removed: that they are not held since. None when they, or the
/// room, are held now.
pub(crate) async fn unheld(
    log: &EventLog,
    room: &RoomId,
    user: &UserId,
) -> Result<Option<Expect>, Failure> {
    let lane = Lane::UserHold(user.clone());
    let last = log.last(&lane).await?;
    let own = last.as_ref().map(is_in_force).transpose()?.unwrap_or(false);
    if own || are_held(log, room, []).await? {
        return Ok(None);
    }
    Ok(Some(Expect::Fence { lane, at: last.map_or(0, |stored| stored.sequence) }))
}

fn is_in_force(stored: &Stored) -> Result<bool, Failure> {
    let EventData::Hold(event) = stored.event()?.data else { return Ok(false) };
    Ok(event.in_force().is_some())
}

#[cfg(test)]
mod tests {
    use decider::Call;
    use eventlog::{AppendError, Connect, Topology};
    use schemas::commands::CallContext;
    use schemas::events::{Held, HoldLifted, HoldPlaced, HoldState, MessageDeleted};
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

    async fn write(log: &EventLog, fact: decider::Fact) -> Result<(), AppendError> {
        let call = Call::new("test", CallContext::default());
        log.append(vec![fact.into_write(&call)]).await.map(drop)
    }

    #[tokio::test]
    async fn a_hold_refuses_what_was_decided_before_it() {
        let server = testbed::Nats::start().await;
        let namespace = Namespace::parse("holds").unwrap();
        let connect = Connect { url: server.url(), client_name: "holds".to_owned(), namespace };
        let log = EventLog::connect(connect).await.unwrap();
        log.ensure_topology(&Topology::default()).await.unwrap();
        let fact = |expect: Expect, lane: Lane, data: EventData| {
            write(&log, decider::Fact::expecting(expect, lane, data))
        };
        let fence = unheld(&log, &room(), &user()).await.unwrap().unwrap();
        let hold = placed(Held::User(user()));
        let place = HoldPlaced { hold: hold.clone() };
        fact(Expect::Empty, Lane::UserHold(user()), place.into()).await.unwrap();
        let late = fact(fence, Lane::Timeline(room()), deletion().into()).await;
        assert!(matches!(late, Err(AppendError::Conflict)), "{late:?}");
        assert!(unheld(&log, &room(), &user()).await.unwrap().is_none());
        assert!(are_held(&log, &room(), [user()]).await.unwrap());
        assert!(!are_held(&log, &room(), []).await.unwrap());
        let lifted_at = Timestamp::from_millis(0);
        let reason = Reason::parse("it is over").unwrap();
        let lift = HoldLifted { hold, lifted_by: user(), reason, lifted_at };
        fact(Expect::Any, Lane::UserHold(user()), lift.into()).await.unwrap();
        let fence = unheld(&log, &room(), &user()).await.unwrap().unwrap();
        fact(fence, Lane::Timeline(room()), deletion().into()).await.unwrap();
        // That of a room holds everything in it.
        let place = HoldPlaced { hold: placed(Held::Room(room())) };
        fact(Expect::Empty, Lane::RoomHold(room()), place.into()).await.unwrap();
        assert!(unheld(&log, &room(), &user()).await.unwrap().is_none());
        assert!(are_held(&log, &room(), []).await.unwrap());
    }
}
