//! Whom a text names: its words looked up, the longest member's name of each.

use std::time::Duration;

use decider::{Failure, ReadFrom};
use futures_util::{StreamExt, TryStreamExt, stream};
use schemas::events::RoomState;
use schemas::ids::{RoomId, UserId};
use schemas::values::{Body, Format, RoomKind, RoomMention, Username};

use super::LOOKUPS;
use crate::chat::Chat;
use crate::domain::access::{Standing, belongs};
use crate::domain::message::{self, MAX_NAMED, calls_by_right};

/// Members of a room in which each may call all.
const MAX_CALLED: u64 = 20;
/// How long the read model is waited for when it does not know a room yet.
const COUNTED_WITHIN: Duration = Duration::from_millis(500);

/// What a word means.
enum Meant {
    Member(UserId),
    Room(RoomMention),
}

impl Chat {
    /// The members of the room a text names, each once, and whether it calls the room.
    pub(super) async fn named(
        &self,
        standing: &Standing<'_>,
        body: &Body,
        format: Format,
    ) -> Result<(Vec<UserId>, Option<RoomMention>), Failure> {
        let words = message::mentioned(body.as_str(), format);
        let calls = words.iter().flatten().any(|word| call_of(word).is_some())
            && self.may_call(standing).await;
        let room = standing.room;
        let mut meant = stream::iter(words)
            .map(|word| async move { self.meant(room, &word, calls).await })
            .buffered(LOOKUPS);
        let (mut users, mut called) = (Vec::new(), None);
        while let Some(meant) = meant.try_next().await? {
            match meant {
                Some(Meant::Member(user)) if users.len() < MAX_NAMED && !users.contains(&user) => {
                    users.push(user);
                }
                Some(Meant::Room(call)) if called != Some(RoomMention::Room) => called = Some(call),
                _ => {}
            }
        }
        Ok((users, called))
    }

    /// The longest reading of a word that is a member's name, or a call of the room where `calls` allows it.
    async fn meant(
        &self,
        room: &RoomState,
        readings: &[Username],
        calls: bool,
    ) -> Result<Option<Meant>, Failure> {
        for reading in readings {
            if let Some(call) = call_of(reading).filter(|_| calls) {
                return Ok(Some(Meant::Room(call)));
            }
            let holder = self.lanes.holder(reading.as_str(), ReadFrom::Cache).await?;
            let Some(user) = holder else { continue };
            let member = self.lanes.member(&room.id, &user, ReadFrom::Cache).await?;
            if belongs(room, member.state.as_ref()) {
                return Ok(Some(Meant::Member(user)));
            }
        }
        Ok(None)
    }

    /// Whether `@room` and `@here` of this person are more than words.
    async fn may_call(&self, standing: &Standing<'_>) -> bool {
        if standing.room.kind == RoomKind::Direct || calls_by_right(standing) {
            return true;
        }
        // Only a count is wanted, a moment old is fine, and without it the words stay words.
        self.members_of(&standing.room.id).await.is_some_and(|members| members <= MAX_CALLED)
    }

    async fn members_of(&self, room: &RoomId) -> Option<u64> {
        let count = async || {
            self.index.member_count(room).await.unwrap_or_else(|error| {
                let error = telemetry::error_chain(&error);
                tracing::warn!(room.id = %room, error, "the members of a room are not counted");
                None
            })
        };
        if let Some(members) = count().await {
            return Some(members);
        }
        // It was made a moment ago.
        let head = self.log.head().await.ok()?;
        if self.index.wait_for(head, COUNTED_WITHIN).await { count().await } else { None }
    }
}

/// What a name means that is no user's.
fn call_of(name: &Username) -> Option<RoomMention> {
    match name.as_str() {
        "room" => Some(RoomMention::Room),
        "here" => Some(RoomMention::Here),
        _ => None,
    }
}
