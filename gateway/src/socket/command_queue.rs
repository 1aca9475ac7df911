//! Commands of one socket that must be carried out in their order, waiting for their turn.
//!
//! While one is under way the others wait. What waits then are often posts to one room: of a bot, a bridge, a
//! user on a slow line. They go on together as one command, so that a socket is not limited to one post a
//! round trip; the command keeps their order.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Instant;

use schemas::commands::{Caller, MAX_POSTS};
use schemas::frames::FrameId;

use super::frames::SocketCommand;

/// Most text of posts that go together, in bytes: the command and its answer must fit into a message.
const MAX_TEXT: usize = 128 * 1024;

/// A command whose client waits for the answer.
#[derive(Debug)]
pub(super) struct PendingCommand {
    pub(super) id: Option<FrameId>,
    /// The type of its frame.
    pub(super) name: &'static str,
    pub(super) command: SocketCommand,
    /// What it was counted as storing.
    pub(super) bytes: u64,
    pub(super) caller: Rc<Caller>,
    pub(super) begun: Instant,
}

impl PendingCommand {
    /// PendingCommand now.
    pub(super) fn new(
        id: Option<FrameId>,
        name: &'static str,
        command: SocketCommand,
        bytes: u64,
        caller: &Rc<Caller>,
    ) -> Self {
        Self { id, name, command, bytes, caller: Rc::clone(caller), begun: Instant::now() }
    }
}

/// Commands with the same key, in the order they came.
#[derive(Debug, Default)]
pub(super) struct CommandQueue(VecDeque<PendingCommand>);

impl CommandQueue {
    pub(super) fn push(&mut self, pending: PendingCommand) {
        self.0.push_back(pending);
    }

    /// What comes next: one command, or as many posts in a row as may go together. Empty: nothing waits.
    pub(super) fn next(&mut self) -> Vec<PendingCommand> {
        let (mut count, mut text) = (0, 0);
        for pending in &self.0 {
            let SocketCommand::Post(post) = &pending.command else { break };
            text += post.body.as_str().len();
            if count == MAX_POSTS || (count > 0 && text > MAX_TEXT) {
                break;
            }
            count += 1;
        }
        self.0.drain(..count.max(1).min(self.0.len())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::fixture::{room, session, user};
    use crate::socket::frames::{Content, parse};

    fn pending(json: &str) -> PendingCommand {
        let Content::Command(command) = parse(json).unwrap().content else { panic!("{json}") };
        let role = schemas::values::Role::User;
        let caller = Rc::new(Caller { user_id: user(1), session_id: session(1), role });
        PendingCommand::new(None, "post", command, 0, &caller)
    }

    fn post(body: &str) -> PendingCommand {
        pending(&format!(r#"{{"type":"post","room_id":"{}","body":"{body}"}}"#, room(1)))
    }

    fn bodies(commands: Vec<PendingCommand>) -> Vec<String> {
        let body = |pending: PendingCommand| match pending.command {
            SocketCommand::Post(post) => post.body.to_string(),
            other => format!("{other:?}"),
        };
        commands.into_iter().map(body).collect()
    }

    #[test]
    fn posts_that_wait_go_together_in_their_order() {
        let mut queue = CommandQueue::default();
        assert!(queue.next().is_empty());
        (0..MAX_POSTS + 2).for_each(|n| queue.push(post(&n.to_string())));
        let expected: Vec<String> = (0..MAX_POSTS).map(|n| n.to_string()).collect();
        assert_eq!(bodies(queue.next()), expected);
        assert_eq!(bodies(queue.next()).len(), 2);
        assert!(queue.next().is_empty());
    }

    #[test]
    fn long_posts_go_fewer_at_a_time() {
        let mut queue = CommandQueue::default();
        let long = "x".repeat(7_000);
        (0..20).for_each(|_| queue.push(post(&long)));
        assert_eq!(queue.next().len(), MAX_TEXT / long.len());
    }

    #[test]
    fn other_commands_go_one_at_a_time() {
        let mut queue = CommandQueue::default();
        let delete =
            format!(r#"{{"type":"delete","message_id":"{}"}}"#, crate::live::fixture::message(1));
        queue.push(pending(&delete));
        queue.push(pending(&delete));
        assert_eq!(queue.next().len(), 1);
        assert_eq!(queue.next().len(), 1);
        assert!(queue.next().is_empty());
    }
}
