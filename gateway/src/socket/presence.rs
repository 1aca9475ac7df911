//! Frames about presence.

use std::collections::HashSet;
use std::rc::Rc;

use actix_web::rt;
use schemas::commands::Caller;
use schemas::frames::FrameId;

use super::frames::{OwnPresence, WatchPresence};
use super::session::Shared;

impl Shared {
    /// The user says what they are.
    pub(super) fn presence(&self, id: Option<FrameId>, frame: OwnPresence, caller: &Caller) {
        let OwnPresence { status, text } = frame;
        self.app.presence.set(&caller.user_id, self.outbox.id(), status, text);
        self.heard(id);
    }

    /// The client wants to know of these people. It is told of each before it is answered.
    pub(super) fn watch_presence(
        self: &Rc<Self>,
        id: Option<FrameId>,
        frame: WatchPresence,
        caller: &Caller,
    ) {
        let mut list = frame.user_ids.0;
        let mut seen = HashSet::new();
        list.retain(|user| seen.insert(*user));
        let (shared, user) = (Rc::clone(self), caller.user_id);
        self.one_more_under_way();
        rt::spawn(async move {
            match shared.app.presence.watch(&user, &shared.outbox, list).await {
                Ok(()) => shared.heard(id),
                Err(rejection) => shared.declined(id, &rejection),
            }
            shared.one_less_under_way();
        });
    }
}
