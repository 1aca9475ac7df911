//! Frames that say that a user is typing.

use std::rc::Rc;

use actix_web::rt;
use schemas::UserId;
use schemas::commands::{Caller, PostMessage};
use schemas::frames::{FrameId, ServerFrame};

use super::frames::Typing;
use super::session::Shared;
use crate::live::{Origin, TypingPlace};
use crate::typing::check;
use crate::unverified::may_send;

/// Places a socket may be typing in; with one more the first counts no longer as its own.
const MAX_PLACES: usize = 16;

impl Shared {
    /// The user types, or has stopped.
    pub(super) fn typing(
        self: &Rc<Self>,
        id: Option<FrameId>,
        frame: &Typing,
        caller: &Rc<Caller>,
    ) {
        let place = TypingPlace { room: frame.room_id, thread: frame.thread_root_id };
        let (hub, user) = (&self.app.hub, &caller.user_id);
        if !frame.active {
            self.typed_in.borrow_mut().retain(|other| *other != place);
            hub.ends_typing(user, &place);
            return self.heard(id);
        }
        self.types_in(&place);
        if hub.goes_on_typing(user, &place) {
            return self.heard(id);
        }
        let (shared, caller) = (Rc::clone(self), Rc::clone(caller));
        self.one_more_under_way();
        rt::spawn(async move {
            let (app, user) = (&shared.app, &caller.user_id);
            let may = async {
                // Where one may not post one does not type.
                may_send::<PostMessage>(app, Some(&caller)).await?;
                check(&app.hub, &app.log, &caller, &place).await
            };
            match may.await {
                Ok(()) => {
                    // They may have stopped, or gone, meanwhile.
                    if shared.typed_in.borrow().contains(&place) {
                        app.hub.begins_typing(user, &place, Origin::Here);
                    }
                    shared.heard(id);
                }
                Err(rejection) => {
                    shared.typed_in.borrow_mut().retain(|other| *other != place);
                    shared.declined(id, &rejection);
                }
            }
            shared.one_less_under_way();
        });
    }

    fn types_in(&self, place: &TypingPlace) {
        let mut places = self.typed_in.borrow_mut();
        if !places.contains(place) {
            if places.len() >= MAX_PLACES {
                places.remove(0);
            }
            places.push(*place);
        }
    }

    /// The socket has gone: its user does not type over it any more.
    pub(super) fn stops_typing(&self, user: &UserId) {
        for place in self.typed_in.take() {
            self.app.hub.ends_typing(user, &place);
        }
    }

    /// Answers a frame that led to nothing in the log, if it wants an answer.
    pub(super) fn heard(&self, id: Option<FrameId>) {
        if id.is_some() {
            self.answer(&ServerFrame::Ok { id, position: None, result: None });
        }
    }
}
