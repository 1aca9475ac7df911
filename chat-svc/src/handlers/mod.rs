//! One method of [`Chat`] for each command: load, decide, write, answer.
//!
//! Owns what each loads and under which expectations it writes: every right that was judged is a fence. It must not hold a
//! rule: those are in `domain`. What a command answers is API of the gateway: fields may be added.

mod additions;
mod bans;
mod blocks;
mod earlier_posts;
mod invites;
mod media;
mod members;
mod mentions;
mod messages;
mod pins;
mod posts;
mod prefs;
mod reach;
mod reactions;
mod reads;
mod reports;
mod rooms;
mod threads;

use std::sync::Arc;

use decider::{Expect, Fact, Failure, ReadFrom, Reads, Seen, UserCall};
use eventlog::Appended;
use futures_util::{StreamExt, TryStreamExt, stream};
use schemas::events::{MemberState, RoomState};
use schemas::values::UserRef;
use schemas::{Code, Lane, RefusalReason, Rejection, RoomId, UserId};

use crate::chat::Chat;
use crate::domain::access::{Denied, Standing};
use crate::domain::person::Person;

/// People of one command looked up at the same time.
const LOOKUPS: usize = 16;

/// What was loaded of a room and of the caller's relation to it.
struct InRoom {
    room: Arc<Seen<Option<RoomState>>>,
    person: Arc<Seen<Option<Person>>>,
    member: Arc<Seen<Option<MemberState>>>,
    member_lane: Lane,
}

impl InRoom {
    fn standing(&self) -> Result<Standing<'_>, Denied> {
        Standing::of(
            self.room.state.as_ref(),
            self.person.state.as_ref(),
            self.member.state.as_ref(),
        )
    }

    /// The room's and the caller's lane as they were read.
    fn reads(&self, room: &RoomId) -> Reads {
        let mut reads = Reads::default();
        reads.note(Lane::Room(*room), self.room.at);
        reads.note(self.member_lane, self.member.at);
        reads
    }

    /// Whether the caller does not want others to see how far they have read.
    fn is_private(&self) -> bool {
        self.person.state.as_ref().is_some_and(|person| !person.read_receipts)
    }

    /// What must be true for something the caller says in the room to be written: nothing has happened
    /// to their membership since it was judged.
    fn fence(&self) -> Expect {
        Expect::Fence { lane: self.member_lane, at: self.member.at }
    }
}

impl Chat {
    /// Loads a room and the caller's relation to it.
    async fn see(&self, call: &UserCall, room: &RoomId, from: ReadFrom) -> Result<InRoom, Failure> {
        let (state, person, member) = tokio::try_join!(
            self.lanes.room(room, from),
            self.lanes.person(&call.user, from),
            self.lanes.member(room, &call.user, from),
        )?;
        let member_lane = Lane::Member(*room, call.user);
        Ok(InRoom { room: state, person, member, member_lane })
    }

    /// Writes something the caller says in a room, behind the fence.
    async fn commit_fenced(
        &self,
        call: &UserCall,
        fact: Fact,
        seen: &InRoom,
    ) -> Result<Appended, Failure> {
        decider::commit_fenced(&self.log, call, fact, seen.fence()).await
    }

    /// The accounts that are meant, each of which must exist.
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
        // A user who has just registered may be unknown to the cache, not to the log.
        for from in [ReadFrom::Cache, ReadFrom::Log] {
            if let Some(found) = self.look_up(user, from).await? {
                return Ok(found);
            }
        }
        let detail = "there is no such user";
        Err(Rejection::field(Code::NotFound, pointer, "not_found", detail).into())
    }

    /// Users who cannot act are not added to a room.
    async fn all_active(&self, users: &[UserId], pointer: &str) -> Result<(), Failure> {
        stream::iter(users.iter().cloned().enumerate())
            .map(|(index, user)| async move {
                let person = self.lanes.person(&user, ReadFrom::Cache).await?;
                if person.state.as_ref().is_none_or(|person| !person.suspended) {
                    return Ok(());
                }
                let (pointer, detail) = (format!("{pointer}/{index}"), "the user is suspended");
                let reason = RefusalReason::UserSuspended;
                Err(Rejection::field_because(reason, &pointer, "suspended", detail).into())
            })
            .buffered(LOOKUPS)
            .try_collect()
            .await
    }

    async fn look_up(&self, user: &UserRef, from: ReadFrom) -> Result<Option<UserId>, Failure> {
        match user {
            UserRef::Name(name) => self.lanes.holder(name.as_str(), from).await,
            UserRef::Id(id) => {
                let person = self.lanes.person(id, from).await?;
                Ok(person.state.as_ref().map(|person| person.id))
            }
        }
    }
}
