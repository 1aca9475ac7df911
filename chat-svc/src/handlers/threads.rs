//! Threads: following and reading them.

use std::time::Duration;

use decider::{Answer, Fact, Failure, ReadFrom, UserCall, accepted};
use schemas::commands::{Accepted, FollowThread, MarkThreadRead, ReadOutcome, UnfollowThread};
use schemas::ids::MessageId;

use super::InRoom;
use super::reads::read_up_to;
use crate::call::context;
use crate::chat::Chat;
use crate::domain::message::{Message, MessageRejection};
use crate::domain::thread::{self, Follows};
use crate::index::Following;
use crate::recent::Marker;

/// How long the read model is waited for, to know whether the caller follows a thread.
const KNOWN_WITHIN: Duration = Duration::from_secs(2);

/// The message that begins a thread, and the caller in its room.
struct InThread {
    root: Message,
    seen: InRoom,
}

impl Chat {
    pub(crate) async fn follow_thread(&self, call: &UserCall, cmd: FollowThread) -> Answer<()> {
        self.retry(ReadFrom::Cache, |from| self.try_follow(call, &cmd, from)).await
    }

    async fn try_follow(
        &self,
        call: &UserCall,
        cmd: &FollowThread,
        from: ReadFrom,
    ) -> Result<Accepted<()>, Failure> {
        let InThread { root, seen } = self.thread(call, &cmd.thread_root_id, from).await?;
        let standing = seen.standing()?;
        let follows = self.follows(call, &root.state.id).await?;
        let fact = thread::follow(&standing, &root, follows, &context(call))?;
        self.commit_own(call, fact, &seen).await
    }

    pub(crate) async fn unfollow_thread(&self, call: &UserCall, cmd: UnfollowThread) -> Answer<()> {
        self.retry(ReadFrom::Cache, |from| self.try_unfollow(call, &cmd, from)).await
    }

    async fn try_unfollow(
        &self,
        call: &UserCall,
        cmd: &UnfollowThread,
        from: ReadFrom,
    ) -> Result<Accepted<()>, Failure> {
        let InThread { root, seen } = self.thread(call, &cmd.thread_root_id, from).await?;
        let standing = seen.standing()?;
        let follows = self.follows(call, &root.state.id).await?;
        let fact = thread::unfollow(&standing, &root, follows, &context(call))?;
        self.commit_own(call, fact, &seen).await
    }

    pub(crate) async fn mark_thread_read(
        &self,
        call: &UserCall,
        cmd: MarkThreadRead,
    ) -> Answer<ReadOutcome> {
        self.retry(ReadFrom::Cache, |from| self.try_mark_thread_read(call, &cmd, from)).await
    }

    pub(super) async fn try_mark_thread_read(
        &self,
        call: &UserCall,
        cmd: &MarkThreadRead,
        from: ReadFrom,
    ) -> Result<Accepted<ReadOutcome>, Failure> {
        let InThread { root, seen } = self.thread(call, &cmd.thread_root_id, from).await?;
        let standing = seen.standing()?;
        let answer = self.message(&cmd.message_id).await?;
        let reached = self.thread_marker(call, &root.state.id).await;
        let before = reached.as_ref().map_or(0, |reached| reached.posted);
        let cx = context(call);
        let fact = thread::mark_read(&standing, &root, answer.as_ref(), before, &cx)?;
        let answer = answer.ok_or(MessageRejection::NoSuchMessage)?;
        let wanted = Marker { message: answer.state.id, posted: answer.posted };
        let Some(fact) = fact else { return Ok(read_up_to(None, reached.unwrap_or(wanted))) };
        let appended = self.commit_fenced(call, fact, &seen).await?;
        self.recent.read_thread(&root.state.id, &call.user, &wanted);
        Ok(read_up_to(Some(appended.position), wanted))
    }

    async fn thread(
        &self,
        call: &UserCall,
        root: &MessageId,
        from: ReadFrom,
    ) -> Result<InThread, Failure> {
        let (root, seen) = self.message_in_room(call, root, from).await?;
        Ok(InThread { root, seen })
    }

    /// Writes what the caller does for themselves, if it changes anything.
    async fn commit_own(
        &self,
        call: &UserCall,
        fact: Option<Fact>,
        seen: &InRoom,
    ) -> Result<Accepted<()>, Failure> {
        let Some(fact) = fact else { return Ok(accepted(Some(self.end().await?), ())) };
        let appended = self.commit_fenced(call, fact, seen).await?;
        Ok(accepted(Some(appended.position), ()))
    }

    /// Whether the caller follows a thread, by the read model as of now: most follow by what they wrote or by being
    /// named. Where it cannot be said an event is written, which changes nothing if it was not needed.
    async fn follows(&self, call: &UserCall, root: &MessageId) -> Result<Follows, Failure> {
        let head = self.log.head().await?;
        if !self.index.wait_for(head, KNOWN_WITHIN).await {
            return Ok(Follows::Unknown);
        }
        Ok(match self.index.following(root, &call.user).await? {
            Some(Following { follows: true, .. }) => Follows::Yes,
            Some(Following { follows: false, .. }) => Follows::No,
            None => Follows::Never,
        })
    }

    /// How far the caller has read a thread: what this process remembers, or the read model where it knows of more.
    async fn thread_marker(&self, call: &UserCall, root: &MessageId) -> Option<Marker> {
        let known = self.recent.thread_marker(root, &call.user);
        match self.index.following(root, &call.user).await {
            Ok(found) => {
                let further =
                    |found: &Marker| known.as_ref().is_none_or(|known| found.posted > known.posted);
                found.and_then(|found| found.marker).filter(further).or(known)
            }
            Err(error) => {
                tracing::warn!(error = %telemetry::error_chain(&error), "a thread's marker is not known");
                known
            }
        }
    }
}
