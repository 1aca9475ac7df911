//! Who is typing: whether they may, and what gateways tell each other of it.
//!
//! Owns the rule and the words on the bus; who is told when is the hub's (`live::typing`). Nothing here is stored, and
//! nothing asks the read model: rights are two direct gets of the log, when a user begins and every ten seconds.

use std::time::Duration;

use bus::{Bus, Ephemeral, EphemeralKind};
use eventlog::EventLog;
use schemas::commands::Caller;
use schemas::values::{Posting, Role, RoomRole};
use schemas::{
    Code, EventData, Lane, MessageId, RefusalReason, Rejection, RoomId, Timestamp, UserId,
};
use serde::{Deserialize, Serialize};
use telemetry::{Shutdown, error_chain};

use crate::documents::role_in;
use crate::failure;
use crate::live::{Hub, Origin, Telling, TypingPlace};

/// How often it is looked whether there is something to tell.
const EVERY: Duration = Duration::from_millis(100);
/// How soon the subscription is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// What one gateway tells the others.
#[derive(Serialize, Deserialize)]
struct Told {
    /// Which one: its own words come back to it.
    gateway: String,
    room_id: RoomId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    thread_root_id: Option<MessageId>,
    user_id: UserId,
    active: bool,
}

/// Whether a user may write where they say they type, judged by the log.
///
/// # Errors
/// `not_found` for a room the user is not in; `forbidden` when they are muted, or only admins post in the room's main
/// timeline; `blocked` when one blocks the other in a room of two; `conflict` for an archived room; `unavailable` when
/// the log does not answer.
pub(crate) async fn check(
    hub: &Hub,
    log: &EventLog,
    caller: &Caller,
    place: &TypingPlace,
) -> Result<(), Rejection> {
    let (room, user) = (&place.room, &caller.user_id);
    if !hub.is_in(room, user) {
        return Err(no_such_room());
    }
    let lanes = [Lane::Room(*room), Lane::Member(*room, *user)];
    let mut last = Vec::new();
    for stored in log.last_many(&lanes).await.map_err(failure::log)?.into_iter().flatten() {
        let event =
            stored.event().map_err(|error| failure::unreadable(log, stored.sequence, &error))?;
        last.push(event.data);
    }
    judge(&last, caller.role, place.thread.is_some())
}

fn no_such_room() -> Rejection {
    Rejection::new(Code::NotFound, "no such room")
}

/// What the last events of a room and of a membership say, where there are such.
fn judge(last: &[EventData], role: Role, in_thread: bool) -> Result<(), Rejection> {
    let (mut room, mut member) = (None, None);
    for data in last {
        if let EventData::Room(event) = data {
            room = Some(event.after());
        } else if let EventData::Member(event) = data {
            member = Some(event.after());
        }
    }
    if room.is_some_and(|room| room.archived) {
        return Err(Rejection::because(RefusalReason::RoomArchived, "the room is archived"));
    }
    if member.is_some_and(|member| !member.present || member.banned) {
        return Err(no_such_room());
    }
    if member.is_some_and(|member| member.blocks || member.blocked) {
        return Err(Rejection::new(Code::Blocked, "you cannot write to this user"));
    }
    let muted = member.and_then(|member| member.muted_until);
    if muted.is_some_and(|until| until > Timestamp::now()) {
        return Err(Rejection::because(RefusalReason::Muted, "you are muted in this room"));
    }
    let Some(room) = room.filter(|room| room.posting == Posting::Admins && !in_thread) else {
        return Ok(());
    };
    let own = member.map_or(RoomRole::Member, |member| member.role);
    if role_in(room.everyone, own, role) >= RoomRole::Admin {
        Ok(())
    } else {
        Err(Rejection::because(RefusalReason::OnlyAdminsPost, "only admins post in this room"))
    }
}

/// Tells sockets and other gateways who is typing, and listens to the others, until asked to stop.
pub(crate) async fn share(hub: Hub, bus: Bus, gateway: String, shutdown: Shutdown) {
    tokio::select! {
        () = shutdown.wait() => {}
        () = tell(&hub, &bus, &gateway) => {}
        () = listen(&hub, &bus, &gateway) => {}
    }
}

async fn tell(hub: &Hub, bus: &Bus, gateway: &str) {
    let mut ticks = service::ticks(EVERY);
    loop {
        ticks.tick().await;
        for Telling { place, user, active, .. } in hub.tell_typing() {
            let told = Told {
                gateway: gateway.to_owned(),
                room_id: place.room,
                thread_root_id: place.thread,
                user_id: user,
                active,
            };
            let sent = bus.publish_ephemeral(Ephemeral::Typing(&told.room_id), &told).await;
            if let Err(error) = sent {
                tracing::debug!(error = %error_chain(&error), "other gateways are not told");
            }
        }
    }
}

async fn listen(hub: &Hub, bus: &Bus, gateway: &str) {
    loop {
        match bus.ephemeral::<Told>(EphemeralKind::Typing).await {
            Ok(mut feed) => {
                while let Some(told) = feed.next().await {
                    if told.gateway == gateway {
                        continue;
                    }
                    let place = TypingPlace { room: told.room_id, thread: told.thread_root_id };
                    if told.active {
                        hub.begins_typing(&told.user_id, &place, Origin::Elsewhere);
                    } else {
                        hub.ends_typing(&told.user_id, &place);
                    }
                }
            }
            Err(error) => {
                tracing::warn!(error = %error_chain(&error), "other gateways are not heard");
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use schemas::events::{RoomChanged, RoomState};
    use schemas::values::RoomKind;

    use super::*;
    use crate::live::fixture::room;

    /// Who may post there may be seen typing there: chat-svc judges posts by the same roles.
    #[test]
    fn in_a_room_of_everybody_those_type_who_look_after_the_installation() {
        let blank = RoomState::begun(room(1), RoomKind::Channel, Timestamp::from_millis(1));
        let room = RoomState { everyone: true, posting: Posting::Admins, ..blank };
        let last: [EventData; 1] = [RoomChanged { room }.into()];
        let may = |role: Role, in_thread: bool| judge(&last, role, in_thread).is_ok();
        assert_eq!(
            [Role::User, Role::Moderator, Role::Admin].map(|role| may(role, false)),
            [false, true, true]
        );
        assert!(may(Role::User, true));
    }
}
