//! Sending what a resume has to say: in pieces, the next when the peer has read the last, and never more of it
//! in memory than a gateway can spare.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use readmodel::{Group, MessageDoc};
use schemas::frames::ServerFrame;
use schemas::{Event, MessageId, Sequence};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::changes::{answered_frame, message_frame};
use super::hub::Inner;
use super::join::{JoinError, Joining};
use super::memory::Remembered;
use super::plan::{Item, Plan, Step};
use super::ports::RESUME_UNIT;
use super::told::{Place, posted_as_now};
use super::wire;

/// Bytes that go out together.
const PIECE: usize = 64 * 1024;
/// Bytes that the plans of all resumes under way may take, and the pieces that wait for their peers.
const ALL_PLANS: usize = 32 * 1024 * 1024;
const ALL_PIECES: usize = 32 * 1024 * 1024;
/// Plans that are made at the same time.
const PLANNERS: usize = 8;
/// Bytes a permit stands for.
const UNIT: usize = 1_024;
/// How long a plan waits for others to be done.
const PATIENCE: Duration = Duration::from_secs(5);

/// What all resumes of a gateway together may take.
#[derive(Debug)]
pub(crate) struct Budget {
    planners: Arc<Semaphore>,
    plans: Arc<Semaphore>,
    pieces: Arc<Semaphore>,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            planners: Arc::new(Semaphore::new(PLANNERS)),
            plans: Arc::new(Semaphore::new(ALL_PLANS / UNIT)),
            pieces: Arc::new(Semaphore::new(ALL_PIECES / UNIT)),
        }
    }
}

/// So many bytes are taken until this is dropped.
pub(crate) type Taken = OwnedSemaphorePermit;

async fn take(from: &Arc<Semaphore>, permits: usize) -> Option<Taken> {
    let permits = u32::try_from(permits).unwrap_or(u32::MAX);
    let taken = Arc::clone(from).acquire_many_owned(permits);
    tokio::time::timeout(PATIENCE, taken).await.ok()?.ok()
}

impl Budget {
    /// A turn to make a plan; none when others take too long.
    pub(crate) async fn planner(&self) -> Option<Taken> {
        take(&self.planners, 1).await
    }

    /// Room for a plan.
    pub(crate) async fn plan(&self, bytes: usize) -> Option<Taken> {
        take(&self.plans, bytes.div_ceil(UNIT).min(ALL_PLANS / UNIT)).await
    }

    /// Room for a piece, however long that takes: who has it is put out when they do not read.
    async fn piece(&self) -> Option<Taken> {
        let permits = u32::try_from(PIECE / UNIT).unwrap_or(u32::MAX);
        Arc::clone(&self.pieces).acquire_many_owned(permits).await.ok()
    }

    /// Bytes that are taken now.
    pub(crate) fn taken(&self) -> usize {
        let free = self.plans.available_permits() + self.pieces.available_permits();
        (ALL_PLANS + ALL_PIECES).saturating_sub(free * UNIT)
    }
}

/// What a resume has sent.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    pub(crate) frames: u64,
    pub(crate) bytes: usize,
    charged: u64,
}

impl Joining {
    /// Sends what a plan says, at the pace at which the peer reads.
    pub(crate) async fn send(&self, mut plan: Plan, sent: &mut Sent) -> Result<(), JoinError> {
        let budget = &self.hub.inner.budget;
        // Given back when all of it is sent.
        let _held = plan.taken.take();
        loop {
            let steps = plan.next_piece(PIECE);
            if steps.is_empty() {
                return Ok(());
            }
            let taken = budget.piece().await;
            let frames = self.frames(&steps, &plan).await?;
            let bytes = frames.iter().map(Bytes::len).sum();
            if bytes == 0 {
                continue;
            }
            self.charge(bytes, sent);
            let mut run = BytesMut::with_capacity(bytes);
            frames.iter().for_each(|frame| run.extend_from_slice(frame));
            sent.frames += u64::try_from(frames.len()).unwrap_or(u64::MAX);
            drop(frames);
            self.push(run.freeze())?;
            if !self.outbox.drained().await {
                return Err(JoinError::Gone);
            }
            drop(taken);
        }
    }

    fn charge(&self, bytes: usize, sent: &mut Sent) {
        sent.bytes += bytes;
        let all = u64::try_from(sent.bytes).unwrap_or(u64::MAX);
        let begun = all.div_ceil(RESUME_UNIT).saturating_mul(RESUME_UNIT);
        if begun > sent.charged {
            self.hub.inner.charge.charge(&self.user, begun - sent.charged);
            sent.charged = begun;
        }
    }

    async fn frames(&self, steps: &[Step], plan: &Plan) -> Result<Vec<Bytes>, JoinError> {
        let inner = &self.hub.inner;
        let mut docs = inner.documents_of(steps, plan.through).await?;
        // Documents are newer than the plan: who was put out of a room since is not shown what came after.
        let rooms = inner.state.lock().routing.rooms_of(&self.user).cloned();
        let rooms = rooms.ok_or(JoinError::Gone)?;
        docs.retain(|_, doc| rooms.contains(&doc.room_id));
        let mut frames = Vec::with_capacity(steps.len());
        for step in steps {
            let place = Place { epoch: &inner.epoch, sequence: step.at, previous: None };
            let frame = match &step.item {
                Item::Told { told, own } => {
                    let own = told.own.as_ref().filter(|_| *own);
                    Some(wire::without_previous(own.unwrap_or(&told.frame)))
                }
                Item::Posted { text, replies } => inner.post(text, place, *replies).await,
                Item::Message(id) => match docs.get(id) {
                    Some(doc) => {
                        let sender = inner.names.sender(&doc.sender_id).await;
                        message_frame(doc, plan.after, place, sender)
                    }
                    None => None,
                },
                Item::Answered(room, id) => match docs.get(id) {
                    Some(doc) => {
                        let sender = inner.names.sender(&doc.sender_id).await;
                        answered_frame(doc, place, sender)
                    }
                    None => Some(reload(place, room)),
                },
                Item::Reload(room) => Some(reload(place, room)),
                Item::Frame(frame) => Some(frame.clone()),
            };
            frames.extend(frame);
        }
        Ok(frames)
    }
}

fn reload(place: Place<'_>, room: &schemas::RoomId) -> Bytes {
    let position = place.epoch.at(place.sequence);
    wire::frame(&ServerFrame::Reload { room_id: room.clone(), position })
}

impl Inner {
    /// The messages that steps name. Those of an answered message must be as new as the answers; where the
    /// read model is behind they are left out.
    async fn documents_of(
        &self,
        steps: &[Step],
        through: Sequence,
    ) -> Result<HashMap<MessageId, MessageDoc>, JoinError> {
        let mut ids = Vec::new();
        let mut answered = Vec::new();
        for step in steps {
            match &step.item {
                Item::Message(id) => ids.push(id.clone()),
                Item::Answered(_, id) => answered.push(id.clone()),
                _ => {}
            }
        }
        if !answered.is_empty() {
            let groups = &[Group::Conversations];
            if self.read.wait_for_groups(groups, through, PATIENCE).await.is_ok() {
                ids.append(&mut answered);
            }
        }
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let found = self.read.current().messages(&ids).await?;
        Ok(found.into_iter().map(|doc| (doc.id.clone(), doc)).collect())
    }

    async fn post(&self, text: &Remembered, place: Place<'_>, replies: u64) -> Option<Bytes> {
        // It was read when the plan was made.
        let event = Event::decode(&text.payload).ok()?;
        let sender = self.names.sender(super::told::sender_of(&event)?).await;
        posted_as_now(&event, place, sender, replies)
    }
}
