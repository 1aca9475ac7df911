//! Orders of one socket that must be carried out in their order, waiting for their turn.
//!
//! While one is under way the others wait. What waits then are often posts to one room: a bot, a bridge, a
//! person on a slow line. They go on together as one command, so that a socket is not limited to one post a
//! round trip; the command keeps their order.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Instant;

use schemas::commands::{Caller, MAX_POSTS};
use schemas::frames::FrameId;

use super::orders::Order;

/// Most text of posts that go together, in bytes: the command and its answer must fit into a message.
const MAX_TEXT: usize = 128 * 1024;

/// An order somebody waits for the answer to.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) id: Option<FrameId>,
    /// The type of its frame.
    pub(super) name: &'static str,
    pub(super) order: Order,
    /// What it was counted as storing.
    pub(super) bytes: u64,
    pub(super) caller: Rc<Caller>,
    pub(super) begun: Instant,
}

impl Asked {
    /// Asked now.
    pub(super) fn new(
        id: Option<FrameId>,
        name: &'static str,
        order: Order,
        bytes: u64,
        caller: &Rc<Caller>,
    ) -> Self {
        Self { id, name, order, bytes, caller: Rc::clone(caller), begun: Instant::now() }
    }
}

/// Orders with the same key, in the order they came.
#[derive(Debug, Default)]
pub(super) struct Chain(VecDeque<Asked>);

impl Chain {
    pub(super) fn push(&mut self, asked: Asked) {
        self.0.push_back(asked);
    }

    /// What comes next: one order, or as many posts in a row as may go together. Empty: nothing waits.
    pub(super) fn next(&mut self) -> Vec<Asked> {
        let (mut count, mut text) = (0, 0);
        for asked in &self.0 {
            let Order::Post(post) = &asked.order else { break };
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

    fn asked(json: &str) -> Asked {
        let order = Order::read(serde_json::from_str(json).unwrap()).unwrap().unwrap();
        let role = schemas::values::Role::User;
        let caller = Rc::new(Caller { user_id: user(1), session_id: session(1), role });
        Asked::new(None, "post", order, 0, &caller)
    }

    fn post(body: &str) -> Asked {
        asked(&format!(r#"{{"type":"post","room_id":"{}","body":"{body}"}}"#, room(1)))
    }

    fn bodies(orders: Vec<Asked>) -> Vec<String> {
        let body = |asked: Asked| match asked.order {
            Order::Post(post) => post.body.to_string(),
            other => format!("{other:?}"),
        };
        orders.into_iter().map(body).collect()
    }

    #[test]
    fn posts_that_wait_go_together_in_their_order() {
        let mut chain = Chain::default();
        assert!(chain.next().is_empty());
        (0..MAX_POSTS + 2).for_each(|n| chain.push(post(&n.to_string())));
        let expected: Vec<String> = (0..MAX_POSTS).map(|n| n.to_string()).collect();
        assert_eq!(bodies(chain.next()), expected);
        assert_eq!(bodies(chain.next()).len(), 2);
        assert!(chain.next().is_empty());
    }

    #[test]
    fn long_posts_go_fewer_at_a_time() {
        let mut chain = Chain::default();
        let long = "x".repeat(7_000);
        (0..20).for_each(|_| chain.push(post(&long)));
        assert_eq!(chain.next().len(), MAX_TEXT / long.len());
    }

    #[test]
    fn other_orders_go_one_at_a_time() {
        let mut chain = Chain::default();
        let delete =
            format!(r#"{{"type":"delete","message_id":"{}"}}"#, crate::live::fixture::message(1));
        chain.push(asked(&delete));
        chain.push(asked(&delete));
        assert_eq!(chain.next().len(), 1);
        assert_eq!(chain.next().len(), 1);
        assert!(chain.next().is_empty());
    }
}
