//! Sending what a resume has to say: in pieces, the next when the peer has read the last, and never more of it
//! in memory than a gateway can spare.

use std::collections::HashMap;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use readmodel::{Group, MessageDoc};
use schemas::{Event, EventData, MessageId, Sequence, Timestamp};

use super::budget::{PIECE, Sent};
use super::frames::message::{as_posted, changed_frame, document_frame, has_beside, sender_of};
use super::frames::{Place, reload};
use super::hub::Inner;
use super::join::{JoinError, Joining};
use super::memory::Remembered;
use super::plan::{Item, Plan, Step};
use super::ports::RESUME_UNIT;
use super::wire;
use crate::reactions;

/// How long the documents of messages that are told whole are waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long those of edited and deleted ones are.
const PATIENCE_WITH_TEXTS: Duration = Duration::from_millis(500);

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
            let frames = self.frames(&steps, &plan, sent).await?;
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

    async fn frames(
        &self,
        steps: &[Step],
        plan: &Plan,
        sent: &mut Sent,
    ) -> Result<Vec<Bytes>, JoinError> {
        let inner = &self.hub.inner;
        let mut docs = inner.documents_of(steps, plan.through).await?;
        sent.newest = docs.values().map(MessageDoc::told).fold(sent.newest, Sequence::max);
        // Documents are newer than the plan: who was put out of a room since is not shown what came after.
        let rooms = inner.state.lock().routing.rooms_of(&self.user).cloned();
        let rooms = rooms.ok_or(JoinError::Gone)?;
        docs.retain(|_, doc| rooms.contains(&doc.room_id));
        let store = inner.read.current();
        let reactions = reactions::shown(store.as_ref(), &self.user, docs.values()).await?;
        let mut frames = Vec::with_capacity(steps.len());
        for step in steps {
            let place = Place { epoch: &inner.epoch, sequence: step.at, previous: None };
            let named = async |id: &MessageId| {
                let doc = docs.get(id)?;
                let sender = inner.names.sender(&doc.sender_id).await;
                Some((doc, sender, reactions.of(id)))
            };
            let frame = match &step.item {
                Item::Broadcast { broadcast, to_self } => {
                    let own = broadcast.self_frame.as_ref().filter(|_| *to_self);
                    Some(wire::without_previous(own.unwrap_or(&broadcast.frame)))
                }
                Item::Text { broadcast, message } => match named(message).await {
                    Some((doc, sender, reactions)) if has_beside(doc) => {
                        changed_frame(doc, place, sender, reactions)
                    }
                    Some(_) | None => Some(wire::without_previous(&broadcast.frame)),
                },
                Item::Posted { text, replies } => inner.post(text, place, *replies).await,
                Item::Whole(room, id) => match named(id).await {
                    Some((doc, sender, reactions)) => {
                        document_frame(doc, plan.after, place, sender, reactions)
                    }
                    None => Some(reload(place, room)),
                },
                Item::Message(id) => match named(id).await {
                    Some((doc, sender, reactions)) => {
                        document_frame(doc, plan.after, place, sender, reactions)
                    }
                    None => None,
                },
                Item::Changed(room, id) => match named(id).await {
                    Some((doc, sender, reactions)) => changed_frame(doc, place, sender, reactions),
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

impl Inner {
    /// The messages that steps name. Those that are told whole, edited or deleted must be as new as the plan; where the
    /// read model is behind they are left out.
    async fn documents_of(
        &self,
        steps: &[Step],
        through: Sequence,
    ) -> Result<HashMap<MessageId, MessageDoc>, JoinError> {
        let (mut ids, mut whole, mut texts) = (Vec::new(), Vec::new(), Vec::new());
        for step in steps {
            match &step.item {
                Item::Message(id) => ids.push(*id),
                Item::Whole(_, id) | Item::Changed(_, id) => whole.push(*id),
                Item::Text { message, .. } => texts.push(*message),
                Item::Broadcast { .. } | Item::Posted { .. } | Item::Reload(_) | Item::Frame(_) => {
                }
            }
        }
        // These can be told without their documents, so they are not worth a long wait.
        let patience = if whole.is_empty() { PATIENCE_WITH_TEXTS } else { PATIENCE };
        whole.append(&mut texts);
        if !whole.is_empty() {
            let groups = &[Group::Conversations];
            if self.read.wait_for_groups(groups, through, patience).await.is_ok() {
                ids.append(&mut whole);
            }
        }
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let found = self.read.current().messages(&ids).await?;
        Ok(found.into_iter().map(|doc| (doc.id, doc)).collect())
    }

    async fn post(
        &self,
        text: &Remembered,
        place: Place<'_>,
        replies: (u64, Option<Timestamp>),
    ) -> Option<Bytes> {
        // It was read when the plan was made.
        let EventData::Message(event) = Event::decode(&text.payload).ok()?.data else {
            return None;
        };
        let sender = self.names.sender(sender_of(&event)).await;
        as_posted(&event, place, sender, replies)
    }
}
