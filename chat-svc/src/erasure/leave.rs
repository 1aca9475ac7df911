//! Leaving every room.

use std::collections::BTreeSet;

use decider::{Failure, ReadFrom, Reads};
use schemas::events::MemberState;
use schemas::values::RoomKind;
use schemas::{Lane, RoomId};

use super::{Eraser, Work, call};
use crate::domain::member::{Departing, depart};

impl Eraser {
    /// Leaves every room the person is in, by what the log says.
    pub(super) async fn leave_all(&mut self, work: &Work) -> Result<(), Failure> {
        let lanes = self.chat.log.member_lanes(None, Some(&work.user)).await?;
        let of_lane = |lane: Lane| {
            let Lane::Member(room, _) = lane else { return None };
            Some(room)
        };
        let mut rooms: BTreeSet<RoomId> = lanes.into_iter().filter_map(of_lane).collect();
        rooms.extend(self.general);
        for room in rooms {
            self.lease.keep().await?;
            let left = self.chat.retry(ReadFrom::Log, |_| self.leave(work, &room)).await;
            left.map_err(Failure::from)?;
        }
        Ok(())
    }

    async fn leave(&self, work: &Work, id: &RoomId) -> Result<(), Failure> {
        let lanes = &self.chat.lanes;
        let (room, member) = tokio::try_join!(
            lanes.room(id, ReadFrom::Log),
            lanes.member(id, &work.user, ReadFrom::Log),
        )?;
        let Some(state) = &room.state else { return Ok(()) };
        let mut reads = Reads::default();
        reads.note(Lane::Room(*id), room.at);
        reads.note(Lane::Member(*id, work.user), member.at);
        let others = match state.everyone || state.kind == RoomKind::Direct {
            true => Vec::new(),
            false => self.others(work, id, &mut reads).await?,
        };
        if let Some(name) = &state.name {
            let lane = self.chat.names.room_name(name.as_str());
            let at = self.chat.log.last(&lane).await?.map_or(0, |stored| stored.sequence);
            reads.note(lane, at);
        }
        let who = Departing {
            user: &work.user,
            member: member.state.as_ref(),
            since: work.registered_at,
        };
        let facts = depart(state, &who, &others, &self.chat.names);
        self.chat.commit(&call(), facts, &reads).await?;
        Ok(())
    }

    /// What the lanes of a room's other members say, former ones included.
    async fn others(
        &self,
        work: &Work,
        id: &RoomId,
        reads: &mut Reads,
    ) -> Result<Vec<MemberState>, Failure> {
        let lanes = self.chat.log.member_lanes(Some(id), None).await?;
        let own = Lane::Member(*id, work.user);
        let lanes: Vec<Lane> = lanes.into_iter().filter(|lane| *lane != own).collect();
        let mut members = Vec::with_capacity(lanes.len());
        for stored in self.chat.log.last_many(&lanes).await?.into_iter().flatten() {
            if let Some(member) = stored.event()?.data.membership() {
                reads.note(stored.lane, stored.sequence);
                members.push(member.clone());
            }
        }
        Ok(members)
    }
}
