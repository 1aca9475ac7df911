//! Commands of frames, carried out: sent to their service, answered. The same commands as over REST.

use schemas::commands::{
    Accepted, AddReaction, CallContext, Caller, Command, DeleteMessage, EditMessage, MarkRead,
    MessageOutcome, PostMessage, PostMessages, ReadOutcome, RemoveReaction,
};
use schemas::views::Message;
use schemas::{Code, Position, Rejection};

use crate::commands::send;
use crate::repeats;
use crate::rereading::{Unmoved, read_again};
use crate::state::AppState;
use crate::unverified::may_send;

/// What a command led to.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) position: Option<Position>,
    /// The message that was created or changed.
    pub(crate) message: Option<Message>,
}

/// What a service answers to a command that a frame can carry.
pub(crate) trait Answered {
    /// The message to show to the client, if there is one.
    fn message(self) -> Option<MessageOutcome>;
}

impl Answered for MessageOutcome {
    fn message(self) -> Option<MessageOutcome> {
        Some(self)
    }
}

macro_rules! without_message {
    ($($output:ty),*) => {
        $(impl Answered for $output {
            fn message(self) -> Option<MessageOutcome> {
                None
            }
        })*
    };
}
without_message!((), ReadOutcome);

/// What is left to do once a command of a frame was carried out and changed nothing; where that was written.
pub(crate) trait Unchanged: Command {
    async fn unchanged(
        &self,
        _app: &AppState,
        _context: &CallContext,
        _result: &Self::Output,
    ) -> Option<Position> {
        None
    }
}

impl Unchanged for PostMessage {}
impl Unchanged for EditMessage {}
impl Unchanged for DeleteMessage {}
impl Unchanged for AddReaction {}
impl Unchanged for RemoveReaction {}
impl Unchanged for MarkRead {
    async fn unchanged(
        &self,
        app: &AppState,
        context: &CallContext,
        result: &ReadOutcome,
    ) -> Option<Position> {
        let (room, thread) = (Some(&self.room_id), self.thread_root_id.as_ref());
        read_again(app, context, Unmoved { room, thread, at: result }).await
    }
}

/// Sends a command and makes its answer; `message` says which part of it is a message.
pub(super) async fn carry_out<C: Unchanged + Clone + Sync>(
    command: &C,
    message: fn(C::Output) -> Option<MessageOutcome>,
    app: &AppState,
    caller: &Caller,
) -> Result<Outcome, Rejection> {
    may_send::<C>(app, Some(caller)).await?;
    let context = context(caller);
    let Accepted { mut position, result } = send(&app.bus, &context, command).await?;
    if position.is_none() {
        position = command.unchanged(app, &context, &result).await;
    }
    if let Some(position) = &position {
        app.hub.heard(position);
    }
    let message = match message(result) {
        Some(outcome) => repeats::shown((app, &caller.user_id), "", vec![outcome]).await?.pop(),
        None => None,
    };
    Ok(Outcome { position, message })
}

/// Has posts to one room carried out in their order, as one command; what each led to, in the same order.
pub(crate) async fn carry_out_posts(
    posts: Vec<PostMessage>,
    app: &AppState,
    caller: &Caller,
) -> Vec<Result<Outcome, Rejection>> {
    let count = posts.len();
    match try_posts(posts, app, caller).await {
        Ok(outcomes) => outcomes,
        Err(rejection) => vec![Err(rejection); count],
    }
}

async fn try_posts(
    posts: Vec<PostMessage>,
    app: &AppState,
    caller: &Caller,
) -> Result<Vec<Result<Outcome, Rejection>>, Rejection> {
    let count = posts.len();
    may_send::<PostMessages>(app, Some(caller)).await?;
    let accepted = send(&app.bus, &context(caller), &PostMessages { posts }).await?;
    if accepted.result.len() != count {
        return Err(Rejection::new(Code::Internal, "not every post was answered"));
    }
    if let Some(position) = &accepted.position {
        app.hub.heard(position);
    }
    let mut written = Vec::with_capacity(count);
    let mut positions = Vec::with_capacity(count);
    for reply in accepted.result {
        positions.push(Result::from(reply).map(|accepted: Accepted<MessageOutcome>| {
            written.push(accepted.result);
            accepted.position
        }));
    }
    let mut messages = repeats::shown((app, &caller.user_id), "", written).await?.into_iter();
    let mut outcome = |position| Outcome { position, message: messages.next() };
    Ok(positions.into_iter().map(|position| position.map(&mut outcome)).collect())
}

fn context(caller: &Caller) -> CallContext {
    CallContext {
        caller: Some(*caller),
        traceparent: Some(telemetry::current_or_new_traceparent()),
        ..CallContext::default()
    }
}

/// The stable name of how a command went, for the metrics.
pub(crate) fn outcome_name(result: &Result<Outcome, Rejection>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(Rejection { code, .. }) => Code::as_str(*code),
    }
}
