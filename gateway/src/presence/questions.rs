//! Questions to all other gateways that not all have answered yet.

use std::collections::{HashMap, HashSet};

use parking_lot::Mutex;
use schemas::UserId;
use tokio::sync::oneshot;

use super::words::GatewayId;

/// A question to all other gateways.
struct Question {
    users: Vec<UserId>,
    waiting: HashSet<GatewayId>,
    answered: Option<oneshot::Sender<()>>,
}

/// Questions that are not answered by all yet.
#[derive(Default)]
pub(super) struct Questions(Mutex<(u64, HashMap<u64, Question>)>);

impl Questions {
    /// Begins one; what is returned ends when all have answered.
    pub(super) fn begin(
        &self,
        users: Vec<UserId>,
        waiting: HashSet<GatewayId>,
    ) -> (u64, oneshot::Receiver<()>) {
        let (answered, wait) = oneshot::channel();
        let (number, open) = &mut *self.0.lock();
        *number += 1;
        open.insert(*number, Question { users, waiting, answered: Some(answered) });
        (*number, wait)
    }

    /// It is not waited for any more.
    pub(super) fn end(&self, number: u64) {
        self.0.lock().1.remove(&number);
    }

    /// The people a question is about, for the gateway that has answered it.
    pub(super) fn users(&self, number: u64) -> Option<Vec<UserId>> {
        self.0.lock().1.get(&number).map(|question| question.users.clone())
    }

    pub(super) fn answered(&self, number: u64, by: &GatewayId) {
        if let Some(question) = self.0.lock().1.get_mut(&number) {
            question.waiting.remove(by);
            if question.waiting.is_empty()
                && let Some(answered) = question.answered.take()
            {
                let _ = answered.send(());
            }
        }
    }
}
