//! Entries about answers in threads: one unread entry speaks for a thread to each of its followers.
//!
//! Who follows is read off the documents when the answer is projected. Of a thread with many followers none is told by
//! an entry: an answer must not cost a write for each.

use futures_util::future::try_join_all;
use readmodel::{Anchor, FollowerDoc, Group, MembershipDoc, NotificationDoc, ReadStore};
use schemas::ids::UserId;
use schemas::values::NotificationKind;
use telemetry::error_chain;

use crate::channel::{Cause, Done, Failed};
use crate::inbox::Inbox;
use crate::later::notice_of;
use crate::policy::{Answered, Notice};
use crate::reader::Reader;

/// Followers of a thread who are told of an answer by an entry, if they are not more.
const MOST_TOLD: usize = 50;
/// Followers looked at; some may have left the room since.
const LOOKED_AT: usize = 1_000;
/// Answers after a deleted one that are looked through.
const LATER: usize = 200;

fn failed(error: impl std::error::Error) -> Failed {
    Failed::for_now(error_chain(&error))
}

impl Inbox {
    /// Tells the followers of a thread of an answer.
    pub(crate) async fn answered(
        &self,
        answered: &Answered,
        cause: &Cause,
    ) -> Result<Done, Failed> {
        // Where the conversations have stopped no follower since is known: the mention and the direct message do
        // not depend on this.
        self.caught_up(Group::Conversations, answered.notice.posted).await;
        let mut done = Done::Before;
        for user in self.followers(answered).await? {
            let notice = Notice { user_id: user, ..answered.notice };
            if self.tell(&notice, cause).await? == Done::Now {
                done = Done::Now;
            }
        }
        Ok(done)
    }

    /// The followers to be told: none where there are too many.
    async fn followers(&self, answered: &Answered) -> Result<Vec<UserId>, Failed> {
        let (root, notice) = (&answered.root, &answered.notice);
        let store = self.read_model.current();
        let followers = store.followers(root, LOOKED_AT).await.map_err(failed)?;
        let users: Vec<UserId> = followers.iter().map(|one| one.user_id).collect();
        let members = store.memberships(&notice.room_id, &users).await.map_err(failed)?;
        let own = |user: &UserId| -> Option<&MembershipDoc> {
            members.iter().find(|own| own.user_id == *user)
        };
        let follows = |one: &&FollowerDoc| one.follows(own(&one.user_id));
        let present: Vec<&FollowerDoc> = followers.iter().filter(follows).collect();
        if present.len() > MOST_TOLD {
            return Ok(Vec::new());
        }
        let answer = store.message(&notice.message_id).await.map_err(failed)?;
        let number = answer.and_then(|answer| answer.thread_number);
        // Who has read past the answer already, or began to follow after it, is not told of it.
        let behind = |one: &&FollowerDoc| number.is_none_or(|number| one.marker < number);
        let told = present.into_iter().filter(behind).map(|one| &one.user_id);
        Ok(told.filter(|user| !answered.told.contains(user)).cloned().collect())
    }

    /// Whether an unread entry speaks for a thread. One whose message was read past or deleted does not, though the
    /// delivery that reads or removes it may not have been handled yet.
    pub(crate) async fn thread_spoken_for(
        &self,
        store: &dyn ReadStore,
        notice: &Notice,
        reader: &Reader,
    ) -> Result<bool, Failed> {
        let unread = store.unread_about_room(&notice.user_id, &notice.room_id).await;
        let mut unread = unread.map_err(failed)?;
        unread.retain(|entry| entry.thread_root_id == notice.thread_root_id);
        let about = unread.iter().filter_map(|entry| entry.message_id.as_ref());
        let messages = try_join_all(about.map(|message| store.message(message))).await;
        let stands = |message: &readmodel::MessageDoc| {
            message.deleted_at.is_none() && !reader.is_past(message)
        };
        Ok(messages.map_err(failed)?.iter().flatten().any(stands))
    }

    /// The entry of a thread goes with its answer. What was answered after it had none of its own, as that one spoke
    /// for it: the next unread answer gets one.
    pub(crate) async fn speak_for_the_next_answer(
        &self,
        gone: &NotificationDoc,
        cause: &Cause,
    ) -> Result<(), Failed> {
        let (Some(room), Some(root), Some(message)) =
            (&gone.room_id, &gone.thread_root_id, &gone.message_id)
        else {
            return Ok(());
        };
        let store = self.read_model.current();
        let threads = std::slice::from_ref(root);
        let reader = Reader::load(store.as_ref(), &gone.user_id, room, threads).await;
        let reader = reader.map_err(failed)?;
        let Some(message) = store.message(message).await.map_err(failed)? else { return Ok(()) };
        if gone.read || !reader.follows(root) {
            return Ok(());
        }
        let unheard = self.unheard_by(&gone.user_id).await?;
        let later = store.thread(root, Anchor::After(message.number), LATER).await;
        let next = later.map_err(failed)?.into_iter().find(|next| {
            let heard = !unheard.contains(&next.sender_id);
            next.deleted_at.is_none() && heard && !reader.is_past(next)
        });
        let Some(next) = next else { return Ok(()) };
        let notice = notice_of(&next, gone.user_id, NotificationKind::ThreadReply);
        self.settle(&notice, &cause.with_repeated(true)).await.map(drop)
    }
}
