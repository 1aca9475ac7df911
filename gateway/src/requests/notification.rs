//! Notifications.

use schemas::commands::SendNotification;
use schemas::values::{Notice, Title, UserRef};
use schemas::{Code, Rejection};

use crate::http::shape;

/// Users one notification goes to at most.
const MAX_USERS: usize = 100;

shape! {
    /// A notification to write into inboxes.
    NewNotification {
        /// The recipients: user ids or `@username`; 1 to 100.
        users: Vec<UserRef>,
        /// One line; at most 200 characters.
        title: Title,
        /// The text; at most 4,000 characters.
        body: Notice,
    }
}

impl NewNotification {
    /// # Errors
    /// `validation_failed` without recipients, and for too many.
    pub(crate) fn command(self) -> Result<SendNotification, Rejection> {
        let Self { users, title, body } = self;
        if !(1..=MAX_USERS).contains(&users.len()) {
            let detail = format!("must have 1 to {MAX_USERS}");
            return Err(Rejection::field(Code::ValidationFailed, "/users", "out_of_range", detail));
        }
        Ok(SendNotification { users, title, body })
    }
}
