//! What a client's frame asks for, as a command: parsed, sent, answered. The same commands as over REST.

use schemas::commands::{
    Accepted, CallContext, Caller, DeleteMessage, EditMessage, MarkRead, MessageOutcome,
    PostMessage, PostMessages,
};
use schemas::frames::ClientFrame;
use schemas::values::{Body, ClientId, InvalidValue};
use schemas::views::Message;
use schemas::{Code, FieldError, MediaId, MessageId, Position, Rejection, RoomId};

use crate::commands::send;
use crate::limits::weight;
use crate::problem::invalid;
use crate::repeats;
use crate::state::AppState;

/// Files a message may carry.
const MAX_ATTACHMENTS: usize = 10;

/// A command of a frame.
#[derive(Debug, Clone)]
pub(crate) enum Order {
    Post(PostMessage),
    Edit(EditMessage),
    Delete(DeleteMessage),
    Read(MarkRead),
}

/// Orders with the same key are carried out one after the other, in the order they came: posts to one
/// room, changes of one message, markers of one room.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Room(RoomId),
    Message(MessageId),
    Marker(RoomId),
}

/// What an order led to.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) position: Option<Position>,
    pub(crate) message: Option<Message>,
}

impl Order {
    /// Reads the fields of a frame; none for a frame that is no order.
    pub(crate) fn read(frame: ClientFrame) -> Option<Result<Self, Rejection>> {
        let mut faults = Faults::default();
        let order = match frame {
            ClientFrame::Post { .. } => read_post(frame, &mut faults)?,
            ClientFrame::Edit { message_id, body, .. } => {
                let message_id = faults.id("/message_id", MessageId::parse(&message_id));
                let body = faults.value("/body", Body::parse(&body));
                message_id
                    .zip(body)
                    .map(|(message_id, body)| Self::Edit(EditMessage { message_id, body }))
            }
            ClientFrame::Delete { message_id, .. } => faults
                .id("/message_id", MessageId::parse(&message_id))
                .map(|message_id| Self::Delete(DeleteMessage { message_id })),
            ClientFrame::Read { room_id, message_id, .. } => {
                let room_id = faults.id("/room_id", RoomId::parse(&room_id));
                let message_id = faults.id("/message_id", MessageId::parse(&message_id));
                room_id
                    .zip(message_id)
                    .map(|(room_id, message_id)| Self::Read(MarkRead { room_id, message_id }))
            }
            ClientFrame::Hello { .. } | ClientFrame::Resume { .. } | ClientFrame::Ping { .. } => {
                return None;
            }
        };
        Some(match order {
            Some(order) if faults.0.is_empty() => Ok(order),
            _ => Err(invalid(faults.0)),
        })
    }

    /// How many bytes it may have stored.
    pub(crate) fn weight(&self) -> u64 {
        match self {
            Self::Post(post) => weight(post),
            Self::Edit(edit) => weight(edit),
            Self::Delete(delete) => weight(delete),
            Self::Read(read) => weight(read),
        }
    }

    pub(crate) fn key(&self) -> Key {
        match self {
            Self::Post(post) => Key::Room(post.room_id.clone()),
            Self::Edit(edit) => Key::Message(edit.message_id.clone()),
            Self::Delete(delete) => Key::Message(delete.message_id.clone()),
            Self::Read(read) => Key::Marker(read.room_id.clone()),
        }
    }

    /// Has it carried out.
    pub(crate) async fn carry_out(
        self,
        app: &AppState,
        caller: &Caller,
    ) -> Result<Outcome, Rejection> {
        let context = context(caller);
        let (position, outcome) = match self {
            Self::Post(post) => {
                let accepted = send(&app.bus, &context, &post).await?;
                (accepted.position, Some(accepted.result))
            }
            Self::Edit(edit) => {
                let accepted = send(&app.bus, &context, &edit).await?;
                (accepted.position, Some(accepted.result))
            }
            Self::Delete(delete) => (send(&app.bus, &context, &delete).await?.position, None),
            Self::Read(read) => (send(&app.bus, &context, &read).await?.position, None),
        };
        if let Some(position) = &position {
            app.hub.heard(position);
        }
        let message = match outcome {
            Some(outcome) => repeats::shown(app, vec![outcome]).await?.pop(),
            None => None,
        };
        Ok(Outcome { position, message })
    }
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
    let mut messages = repeats::shown(app, written).await?.into_iter();
    let mut outcome = |position| Outcome { position, message: messages.next() };
    Ok(positions.into_iter().map(|position| position.map(&mut outcome)).collect())
}

fn context(caller: &Caller) -> CallContext {
    CallContext {
        caller: Some(caller.clone()),
        traceparent: Some(telemetry::current_or_new_traceparent()),
        ..CallContext::default()
    }
}

fn read_post(frame: ClientFrame, faults: &mut Faults) -> Option<Option<Order>> {
    let ClientFrame::Post { room_id, client_id, body, format, attachments, thread_root_id, .. } =
        frame
    else {
        return None;
    };
    let room_id = faults.id("/room_id", RoomId::parse(&room_id));
    let client_id = client_id.and_then(|id| faults.value("/client_id", ClientId::parse(&id)));
    let body = faults.value("/body", Body::parse(&body));
    let attachments = attachments.unwrap_or_default();
    if attachments.len() > MAX_ATTACHMENTS {
        faults.add("/attachments", "too_long", format!("at most {MAX_ATTACHMENTS} attachments"));
    }
    let attachments: Vec<MediaId> = attachments
        .iter()
        .take(MAX_ATTACHMENTS)
        .enumerate()
        .filter_map(|(n, id)| faults.id(&format!("/attachments/{n}"), MediaId::parse(id)))
        .collect();
    let thread_root_id =
        thread_root_id.and_then(|id| faults.id("/thread_root_id", MessageId::parse(&id)));
    let format = format.unwrap_or_default();
    Some(room_id.zip(body).map(|(room_id, body)| {
        Order::Post(PostMessage { room_id, client_id, body, format, attachments, thread_root_id })
    }))
}

/// What is wrong with a frame, field by field.
#[derive(Default)]
struct Faults(Vec<FieldError>);

impl Faults {
    fn add(&mut self, pointer: &str, code: &str, detail: String) {
        self.0.push(FieldError { pointer: pointer.to_owned(), code: code.to_owned(), detail });
    }

    fn id<T>(&mut self, pointer: &str, read: Result<T, schemas::ids::InvalidId>) -> Option<T> {
        read.map_err(|error| self.add(pointer, "invalid_format", error.to_string())).ok()
    }

    fn value<T>(&mut self, pointer: &str, read: Result<T, InvalidValue>) -> Option<T> {
        read.map_err(|error| self.add(pointer, error.code, error.detail)).ok()
    }
}

/// The stable name of how an order went, for the figures.
pub(crate) fn outcome_name(result: &Result<Outcome, Rejection>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(Rejection { code, .. }) => Code::as_str(*code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::fixture::{message, room};

    fn read(json: &str) -> Result<Order, Rejection> {
        Order::read(serde_json::from_str(json).unwrap()).unwrap()
    }

    #[test]
    fn every_field_at_fault_is_named() {
        let faults = read(
            r#"{"type":"post","room_id":"room_*","client_id":"a b","body":" ","attachments":["x"],"thread_root_id":">"}"#,
        );
        let pointers: Vec<String> =
            faults.unwrap_err().errors.into_iter().map(|fault| fault.pointer).collect();
        assert_eq!(
            pointers,
            ["/room_id", "/client_id", "/body", "/attachments/0", "/thread_root_id"]
        );
    }

    #[test]
    fn posts_to_a_room_wait_for_each_other_and_markers_do_not() {
        let (room, message) = (room(1), message(1));
        let post = read(&format!(r#"{{"type":"post","room_id":"{room}","body":"a"}}"#)).unwrap();
        let mark =
            read(&format!(r#"{{"type":"read","room_id":"{room}","message_id":"{message}"}}"#));
        assert_eq!(post.key(), Key::Room(room.clone()));
        assert_eq!(mark.unwrap().key(), Key::Marker(room));
    }
}
