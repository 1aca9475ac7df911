//! Posting: one message, or several of one author in one room in a row.

use decider::{Answer, Fact, Failure, ReadFrom, Tries, UserCall, accepted, load, unavailable};
use eventlog::{AppendError, Appended, LaneWrite};
use schemas::commands::{MAX_POSTS, MessageOutcome, PostMessage, PostMessages, Reply};
use schemas::events::MessageState;
use schemas::ids::MessageId;
use schemas::{Code, Rejection, RoomId, UserId};

use super::InRoom;
use super::earlier_posts::claim;
use super::messages::Outcome;
use crate::call::{context, message_id};
use crate::chat::Chat;
use crate::dedup::Claim;
use crate::domain::access::Standing;
use crate::domain::message::{self, MessageRejection, NewMessage};
use crate::lanes::Media;

/// A post on its way.
struct Post<'a> {
    command: &'a PostMessage,
    claim: Option<Claim>,
    /// What it will be called, however often it is tried.
    id: MessageId,
    answer: Option<Result<Outcome, Rejection>>,
}

/// What is to become of a post.
enum Decided {
    /// It is written, with what happens to the media it carries.
    Write(MessageState, Vec<Fact>),
    /// It was written before.
    Repeat(Outcome),
}

impl<'a> Post<'a> {
    fn new(call: &UserCall, command: &'a PostMessage) -> Result<Self, Rejection> {
        let claim = claim(call, command)?;
        Ok(Self { command, claim, id: message_id(), answer: None })
    }

    /// Takes what became of it for the answer.
    ///
    /// # Errors
    /// [`Failure::Conflict`]: it is to be tried again.
    fn settle(&mut self, settled: Result<Outcome, Failure>) -> Result<(), Failure> {
        self.answer = match settled {
            Ok(outcome) => Some(Ok(outcome)),
            Err(Failure::Rejected(rejection) | Failure::Denied(rejection)) => Some(Err(rejection)),
            Err(Failure::Conflict) => return Err(Failure::Conflict),
        };
        Ok(())
    }

    /// What it is called, and what makes it unrepeatable.
    const fn name(&self) -> (&MessageId, Option<&Claim>) {
        (&self.id, self.claim.as_ref())
    }

    /// The event to write, behind the fence.
    fn write(&self, call: &UserCall, state: MessageState, seen: &InRoom) -> LaneWrite {
        let dedup = self.claim.as_ref().map(Claim::dedup);
        let fact =
            Fact { expect: seen.fence(), dedup, ..message::posted(state, seen.is_private()) };
        fact.into_write(call)
    }
}

impl Chat {
    pub(crate) async fn post_message(
        &self,
        call: &UserCall,
        cmd: PostMessage,
    ) -> Answer<MessageOutcome> {
        let post = Post::new(call, &cmd)?;
        let answer = self.retry(ReadFrom::Cache, |from| self.try_post(call, &post, from)).await;
        if let Err(rejection) = &answer {
            self.not_written(call, &post, rejection).await;
        }
        answer
    }

    /// A post that certainly was not written has not taken its author's turn in a room that is in slow mode.
    async fn not_written(&self, call: &UserCall, post: &Post<'_>, rejection: &Rejection) {
        if !matches!(rejection.code, Code::Unavailable | Code::RateLimited) {
            self.give_turn_back(&post.command.room_id, &call.user, &post.id).await;
        }
    }

    /// A message has not taken its author's turn after all.
    async fn give_turn_back(&self, room: &RoomId, user: &UserId, id: &MessageId) {
        if self.slow.give_back((*room, *user), id) {
            self.shared_turns.give_back((room, user), id).await;
        }
    }

    /// Takes the author's turn in a room that is in slow mode: here first, where most that come too soon are known, and
    /// then among all copies.
    async fn take_turn(&self, call: &UserCall, post: &Post<'_>, pause: u32) -> Result<(), Failure> {
        let (room, id) = (&post.command.room_id, &post.id);
        let client_id = post.claim.as_ref().map(|claim| &claim.client_id);
        let turn = (*room, call.user);
        let taken =
            self.slow.take(turn, pause, id, client_id).map_err(MessageRejection::TooSoon)?;
        if !taken {
            return Ok(());
        }
        let refused: Failure = match self.shared_turns.take((room, &call.user), pause, id).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(left)) => MessageRejection::TooSoon(left).into(),
            Err(failure) => failure,
        };
        self.slow.give_back((*room, call.user), id);
        Err(refused)
    }

    async fn try_post(
        &self,
        call: &UserCall,
        post: &Post<'_>,
        from: ReadFrom,
    ) -> Result<Outcome, Failure> {
        let seen = self.see(call, &post.command.room_id, from).await?;
        match self.decide(call, &seen.standing()?, post).await? {
            Decided::Repeat(outcome) => Ok(outcome),
            Decided::Write(state, media) => {
                let write = post.write(call, state.clone(), &seen);
                self.write_one(call, post, state, write, media).await
            }
        }
    }

    /// Writes a post together with what happens to its media: all of it or nothing. The post comes last, so that who
    /// reads as far as it sees everything.
    async fn write_one(
        &self,
        call: &UserCall,
        post: &Post<'_>,
        state: MessageState,
        write: LaneWrite,
        media: Vec<Fact>,
    ) -> Result<Outcome, Failure> {
        let mut writes: Vec<LaneWrite> =
            media.into_iter().map(|fact| fact.into_write(call)).collect();
        writes.push(write);
        let _writing = self.under_way.begin(std::iter::once(post.name()));
        match self.log.append(writes).await {
            Ok(appended) => self.written(post, state, &appended).await,
            Err(AppendError::AlreadyCommitted) => self.posted_before(post, state).await,
            Err(error) => Err(error.into()),
        }
    }

    /// The log has a post of this claim with files already, or this very one: the media know the messages they are
    /// attached to, the newest last.
    async fn posted_before(
        &self,
        post: &Post<'_>,
        state: MessageState,
    ) -> Result<Outcome, Failure> {
        let unknown = || unavailable("it is not known where this was posted; send it again");
        let first = post.command.attachments.first().ok_or_else(unknown)?;
        let media = load::<Media>(&self.log, first).await?.state.ok_or_else(unknown)?;
        for used in media.uses.iter().rev().filter(|used| used.room_id == state.room_id) {
            let Some(message) = self.message(&used.message_id).await? else { continue };
            if message.state.id == post.id {
                return Ok(self.outcome(message.posted, message.state, None, false));
            }
            if let Some(claim) = &post.claim
                && message.state.client_id.as_ref() == Some(&claim.client_id)
            {
                let earlier = self.repeat_at(claim, post.command, message.posted).await?;
                return earlier.ok_or_else(|| unknown().into());
            }
        }
        Err(unknown().into())
    }

    /// Several posts to one room: sent to the log at once, in order, and answered each on its own.
    pub(crate) async fn post_messages(
        &self,
        call: &UserCall,
        cmd: PostMessages,
    ) -> Answer<Vec<Reply<MessageOutcome>>> {
        let posts = in_one_room(&cmd.posts)?;
        let posts: Result<Vec<Post<'_>>, Rejection> =
            posts.iter().map(|post| Post::new(call, post)).collect();
        let mut posts = posts?;
        let mut tries = Tries::new(ReadFrom::Cache);
        while let Err(failure) = self.try_posts(call, &mut posts, tries.read_from()).await {
            if let Err(rejection) = tries.again(&self.metrics.commands, failure).await {
                for post in &mut posts {
                    post.answer.get_or_insert_with(|| Err(rejection.clone()));
                }
                break;
            }
        }
        for post in &posts {
            if let Some(Err(rejection)) = &post.answer {
                self.not_written(call, post, rejection).await;
            }
        }
        let answers: Vec<Reply<MessageOutcome>> =
            posts.into_iter().filter_map(|post| post.answer).map(Reply::from).collect();
        let written = answers.iter().rev().find_map(|answer| match answer {
            Reply::Accepted(accepted) => accepted.position,
            Reply::Rejected(_) => None,
        });
        Ok(accepted(written, answers))
    }

    /// Tries those that have no answer yet. On an error they are to be tried again, or given it for an answer.
    async fn try_posts(
        &self,
        call: &UserCall,
        posts: &mut [Post<'_>],
        from: ReadFrom,
    ) -> Result<(), Failure> {
        let mut open: Vec<&mut Post<'_>> =
            posts.iter_mut().filter(|post| post.answer.is_none()).collect();
        let Some(first) = open.first() else { return Ok(()) };
        let seen = self.see(call, &first.command.room_id, from).await?;
        let standing = seen.standing()?;
        let mut writing = Vec::with_capacity(open.len());
        for post in &mut open {
            match self.decide(call, &standing, post).await {
                // Those with files are written each by itself, behind those before it.
                Ok(Decided::Write(state, media)) if !media.is_empty() => {
                    self.write_run(call, &seen, std::mem::take(&mut writing)).await?;
                    let write = post.write(call, state.clone(), &seen);
                    let settled = self.write_one(call, post, state, write, media).await;
                    post.settle(settled)?;
                }
                Ok(Decided::Write(state, _)) => writing.push((post, state)),
                Ok(Decided::Repeat(outcome)) => post.answer = Some(Ok(outcome)),
                Err(Failure::Rejected(rejection)) => post.answer = Some(Err(rejection)),
                Err(failure @ (Failure::Denied(_) | Failure::Conflict)) => return Err(failure),
            }
        }
        self.write_run(call, &seen, writing).await
    }

    /// Writes posts without files, one behind the other.
    async fn write_run(
        &self,
        call: &UserCall,
        seen: &InRoom,
        writing: Vec<(&mut &mut Post<'_>, MessageState)>,
    ) -> Result<(), Failure> {
        if writing.is_empty() {
            return Ok(());
        }
        let writes: Vec<LaneWrite> =
            writing.iter().map(|(post, state)| post.write(call, state.clone(), seen)).collect();
        let _writing = self.under_way.begin(writing.iter().map(|(post, _)| post.name()));
        let appended = self.log.append_run(writes).await;
        let mut conflict = false;
        for ((post, state), appended) in writing.into_iter().zip(appended) {
            let settled = match appended {
                Ok(appended) => self.written(post, state, &appended).await,
                Err(AppendError::Conflict) => Err(Failure::Conflict),
                Err(error) => Err(error.into()),
            };
            conflict |= post.settle(settled).is_err();
        }
        if conflict { Err(Failure::Conflict) } else { Ok(()) }
    }

    async fn decide(
        &self,
        call: &UserCall,
        standing: &Standing<'_>,
        post: &Post<'_>,
    ) -> Result<Decided, Failure> {
        let Post { command, claim, id, .. } = post;
        let cx = context(call);
        standing.role()?;
        let slowed = standing.slowed();
        if let Some(claim) = claim
            && let Some(outcome) = self.earlier(claim, command, slowed.is_some()).await?
        {
            // The caller who lost the answer may have lost the right to write since: it was written all the same.
            return Ok(Decided::Repeat(outcome));
        }
        standing.may_post(command.thread_root_id.is_some(), cx.now)?;
        self.reaches_other(call, standing.room).await?;
        self.check_thread(standing, command).await?;
        let (mentions, mentions_room) = self.named(standing, &command.body, command.format).await?;
        let client_id = claim.as_ref().map(|claim| &claim.client_id);
        let (files, media) = self.attachments(call, id, command).await?;
        let new = NewMessage { id, command, client_id, mentions, mentions_room, files };
        let state = message::post(standing, new, &cx)?;
        if let Some(pause) = slowed {
            self.take_turn(call, post, pause).await?;
        }
        Ok(Decided::Write(state, media))
    }

    /// A message was appended; if the log had it already, answers with the first.
    async fn written(
        &self,
        post: &Post<'_>,
        state: MessageState,
        appended: &Appended,
    ) -> Result<Outcome, Failure> {
        let posted = appended.position.sequence;
        if let Some(claim) = &post.claim {
            self.dedup.note(claim);
            if appended.duplicate {
                // A repeat takes no turn.
                self.give_turn_back(&claim.room, &claim.sender, &post.id).await;
                let earlier = self.repeat_at(claim, post.command, posted).await?;
                return earlier.ok_or_else(|| unavailable("the message id was in use").into());
            }
        }
        self.metrics.posted();
        self.recent.wrote(&state.id, &state.room_id, posted);
        self.recent.has_read(&state, posted);
        Ok(self.outcome(posted, state, None, false))
    }

    async fn check_thread(
        &self,
        standing: &Standing<'_>,
        cmd: &PostMessage,
    ) -> Result<(), Failure> {
        let Some(root) = &cmd.thread_root_id else { return Ok(()) };
        let root = self.message(root).await?;
        Ok(message::thread_root(standing, root.as_ref())?)
    }
}

/// The posts of a command, which must be some and all to one room.
fn in_one_room(posts: &[PostMessage]) -> Result<&[PostMessage], Rejection> {
    let refused =
        |detail| Err(Rejection::field(Code::ValidationFailed, "/posts", "invalid", detail));
    match posts {
        [] => refused("there must be at least one post"),
        [..] if posts.len() > MAX_POSTS => refused("there are too many posts"),
        [first, rest @ ..] if rest.iter().any(|post| post.room_id != first.room_id) => {
            refused("all posts must be to one room")
        }
        _ => Ok(posts),
    }
}
