//! Notifications.

use schemas::commands::SendNotification;
use schemas::values::{Notice, Title, UserRef};
use schemas::{Code, Rejection, UserId};

use crate::http::shape;

/// Users one notification goes to at most, when they are named.
const MAX_USERS: usize = 100;

shape! {
    /// A notification to write into inboxes: of the users in `user_ids`, or with `everyone` of all there are.
    NewNotification {
        /// The recipients; 1 to 100.
        user_ids: Option<Vec<UserId>>,
        /// `true`: every account is a recipient.
        everyone: Option<bool>,
        /// In place of `user_ids`: user ids or `@username`; 1 to 100.
        users: Option<Vec<UserRef>>,
        /// One line; at most 200 characters.
        title: Title,
        /// The text; at most 4,000 characters.
        body: Notice,
    }
}

/// Who a notification is for.
enum Recipients {
    Everyone,
    Named { users: Vec<UserRef>, pointer: &'static str },
}

impl NewNotification {
    /// The command, and the field that names the recipients.
    ///
    /// # Errors
    /// `validation_failed` without recipients, for too many, and for more than one way of naming them.
    pub(crate) fn command(self) -> Result<(SendNotification, &'static str), Rejection> {
        let Self { user_ids, everyone, users, title, body } = self;
        match recipients(user_ids, everyone, users)? {
            Recipients::Everyone => {
                let command = SendNotification { users: Vec::new(), everyone: true, title, body };
                Ok((command, "/everyone"))
            }
            Recipients::Named { users, pointer } => {
                if !(1..=MAX_USERS).contains(&users.len()) {
                    return Err(refused(pointer, "out_of_range", "must have 1 to 100"));
                }
                Ok((SendNotification { users, everyone: false, title, body }, pointer))
            }
        }
    }
}

fn recipients(
    ids: Option<Vec<UserId>>,
    everyone: Option<bool>,
    users: Option<Vec<UserRef>>,
) -> Result<Recipients, Rejection> {
    match (ids, everyone.unwrap_or(false), users) {
        (None, true, None) => Ok(Recipients::Everyone),
        (Some(ids), false, None) => {
            let users = ids.into_iter().map(UserRef::Id).collect();
            Ok(Recipients::Named { users, pointer: "/user_ids" })
        }
        (None, false, Some(users)) => Ok(Recipients::Named { users, pointer: "/users" }),
        (None, false, None) => {
            Err(refused("/user_ids", "required", "is required, unless `everyone` is true"))
        }
        _ => {
            let detail = "give either user_ids or everyone";
            Err(refused("/user_ids", "not_allowed", detail))
        }
    }
}

fn refused(pointer: &'static str, code: &'static str, detail: &str) -> Rejection {
    Rejection::field(Code::ValidationFailed, pointer, code, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Fields;

    fn read(body: &str) -> Result<(SendNotification, &'static str), Rejection> {
        Fields::of_body::<NewNotification>(body.as_bytes()).and_then(NewNotification::command)
    }

    #[track_caller]
    fn refused_at(body: &str) -> String {
        read(body).unwrap_err().errors[0].pointer.clone()
    }

    #[test]
    fn recipients_are_named_in_one_way() {
        let id = "usr_06f1jxm9d5v7s8k2a3b4c5d6e8";
        let text = r#""title":"t","body":"b""#;
        let (command, pointer) = read(&format!(r#"{{"user_ids":["{id}"],{text}}}"#)).unwrap();
        assert_eq!((command.users.len(), command.everyone, pointer), (1, false, "/user_ids"));
        let (command, _) = read(&format!(r#"{{"everyone":true,{text}}}"#)).unwrap();
        assert_eq!((command.users.len(), command.everyone), (0, true));
        let (command, pointer) = read(&format!(r#"{{"users":["@ada"],{text}}}"#)).unwrap();
        assert_eq!((command.users.len(), pointer), (1, "/users"));
        for wrong in [
            format!("{{{text}}}"),
            format!(r#"{{"everyone":false,{text}}}"#),
            format!(r#"{{"user_ids":[],{text}}}"#),
            format!(r#"{{"user_ids":["{id}"],"everyone":true,{text}}}"#),
            format!(r#"{{"user_ids":["{id}"],"users":["{id}"],{text}}}"#),
        ] {
            assert_eq!(refused_at(&wrong), "/user_ids", "{wrong}");
        }
        assert_eq!(refused_at(&format!(r#"{{"user_ids":["@ada"],{text}}}"#)), "/user_ids/0");
    }
}
