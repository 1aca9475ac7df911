//! One method of [`Chat`] for each command: load, decide, write, answer.

mod members;
mod mentions;
mod messages;
mod posts;
mod reads;
mod rooms;

use std::sync::Arc;

use eventlog::{Appended, DedupId, Expect, LaneWrite};
use futures_util::{StreamExt, TryStreamExt, stream};
use schemas::events::{MemberState, RoomState};
use schemas::values::UserRef;
use schemas::{Code, Lane, Rejection, RoomId, UserId};

use crate::call::Call;
use crate::chat::Chat;
use crate::decision::{Failure, ReadAt};
use crate::domain::Fact;
use crate::domain::access::{Denied, Standing};
use crate::domain::person::Person;
use crate::lanes::{Freshness, Snapshot};

/// People of one command looked up at the same time.
const LOOKUPS: usize = 16;

/// What was loaded of a room and of the caller's relation to it.
struct Seen {
    room: Arc<Snapshot<RoomState>>,
    person: Arc<Snapshot<Person>>,
    member: Arc<Snapshot<MemberState>>,
    member_lane: Lane,
}

impl Seen {
    fn standing(&self) -> Result<Standing<'_>, Denied> {
        Standing::of(
            self.room.state.as_ref(),
            self.person.state.as_ref(),
            self.member.state.as_ref(),
        )
    }

    /// The room's and the caller's lane as they were read.
    fn read_at(&self, room: &RoomId) -> ReadAt {
        let mut read = ReadAt::default();
        read.note(Lane::Room(room.clone()), self.room.sequence);
        read.note(self.member_lane.clone(), self.member.sequence);
        read
    }

    /// What must be true for something the caller says in the room to be written: nothing has happened
    /// to his membership since it was judged.
    fn fence(&self) -> Expect {
        Expect::Fence { lane: self.member_lane.clone(), at: self.member.sequence }
    }
}

impl Chat {
    /// Loads a room and the caller's relation to it.
    async fn see(&self, call: &Call, room: &RoomId, how: Freshness) -> Result<Seen, Failure> {
        let (state, person, member) = tokio::try_join!(
            self.lanes.room(room, how),
            self.lanes.person(&call.actor, how),
            self.lanes.member(room, &call.actor, how),
        )?;
        let member_lane = Lane::Member(room.clone(), call.actor.clone());
        Ok(Seen { room: state, person, member, member_lane })
    }

    /// Writes something the caller says in a room, behind the fence.
    async fn commit_fenced(
        &self,
        call: &Call,
        command: &str,
        fact: Fact,
        seen: &Seen,
    ) -> Result<Appended, Failure> {
        let write = LaneWrite::new(fact.lane, call.event(fact.data), seen.fence());
        let write = match &call.key {
            None => write,
            Some(key) => write.dedup(DedupId::of([call.actor.as_str(), command, key.as_str()])),
        };
        Ok(self.log.append(vec![write]).await?)
    }

    /// Who is meant. Everybody named must exist.
    async fn resolve(&self, users: &[UserRef], pointer: &str) -> Result<Vec<UserId>, Failure> {
        stream::iter(users.iter().cloned().enumerate())
            .map(|(index, user)| async move {
                let pointer = format!("{pointer}/{index}");
                self.resolve_one(&user, &pointer).await
            })
            .buffered(LOOKUPS)
            .try_collect()
            .await
    }

    async fn resolve_one(&self, user: &UserRef, pointer: &str) -> Result<UserId, Failure> {
        // Somebody who has just registered may be unknown to the cache, not to the log.
        for how in [Freshness::Cached, Freshness::Fresh] {
            if let Some(found) = self.look_up(user, how).await? {
                return Ok(found);
            }
        }
        let detail = "there is no such user";
        Err(Rejection::field(Code::NotFound, pointer, "not_found", detail).into())
    }

    /// Nobody who cannot act is brought into a room.
    async fn all_active(&self, users: &[UserId], pointer: &str) -> Result<(), Failure> {
        stream::iter(users.iter().cloned().enumerate())
            .map(|(index, user)| async move {
                let person = self.lanes.person(&user, Freshness::Cached).await?;
                if person.state.as_ref().is_none_or(|person| !person.suspended) {
                    return Ok(());
                }
                let (pointer, detail) = (format!("{pointer}/{index}"), "the user is suspended");
                Err(Rejection::field(Code::Conflict, &pointer, "suspended", detail).into())
            })
            .buffered(LOOKUPS)
            .try_collect()
            .await
    }

    async fn look_up(&self, user: &UserRef, how: Freshness) -> Result<Option<UserId>, Failure> {
        match user {
            UserRef::Name(name) => self.lanes.holder(name.as_str(), how).await,
            UserRef::Id(id) => {
                let person = self.lanes.person(id, how).await?;
                Ok(person.state.as_ref().map(|person| person.id.clone()))
            }
        }
    }
}
