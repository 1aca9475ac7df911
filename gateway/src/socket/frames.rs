//! Reading a client's frame: JSON text in, a frame or all that is wrong with it out.
//!
//! The table at the end is the one list of frames. A frame has `type`, an optional `id`, and fields. Those of a command
//! are what the path of its REST route holds and what its body holds, read by the same shape (`requests`).

use schemas::commands::{
    AddReaction, Caller, DeleteMessage, EditMessage, MarkRead, PostMessage, RemoveReaction,
};
use schemas::frames::FrameId;
use schemas::values::{Patch, PresenceStatus, StatusText};
use schemas::{MessageId, Rejection, RoomId, UserId};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::commands::{Answered, Outcome, carry_out};
use super::frame_id::{MAX_ID, as_written};
use crate::http::{Fields, Shape, Token, UpTo, json_value, shape};
use crate::limits::weight;
use crate::problem;
use crate::requests::Nothing;
use crate::requests::message::{MessageChange, NewMessage, deletion};
use crate::requests::reaction::ReactWith;
use crate::requests::receipt::MarkerFrame;
use crate::state::AppState;

/// People a socket may watch.
const MAX_WATCHED: usize = 200;

/// Why a text is no frame.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fault {
    /// It is JSON and not a frame: it is answered.
    Invalid {
        /// What the client calls it, as far as that can be read.
        id: Option<FrameId>,
        /// Names everything that is wrong.
        rejection: Rejection,
    },
    /// It is not JSON: the client does not speak this protocol.
    NotJson,
}

/// A client's frame.
#[derive(Debug)]
pub(crate) struct Frame {
    /// What the client calls it; given back with the answer.
    pub(crate) id: Option<FrameId>,
    /// Its type, as it stands on the wire.
    pub(crate) name: &'static str,
    pub(crate) content: Content,
}

/// What a frame asks for.
#[derive(Debug)]
pub(crate) enum Content {
    Hello(Hello),
    Resume(Resume),
    Ping(Ping),
    Typing(Typing),
    WatchPresence(WatchPresence),
    Presence(OwnPresence),
    Command(SocketCommand),
}

shape! {
    /// Authenticates the socket, and resumes.
    Hello {
        /// An access token.
        #[schemars(with = "Option<String>")]
        token: Option<Token>,
        /// The position to resume after.
        resume: Option<String>,
    }
    /// Resumes on a socket that is authenticated.
    Resume {
        /// The position to resume after.
        position: String,
    }
    /// Asks for a `pong`.
    Ping {}
    /// Says that the user is typing, or has stopped.
    Typing {
        /// The room in which the user writes.
        room_id: RoomId,
        /// The message that began the thread, when they type in one.
        thread_root_id: Option<MessageId>,
        /// Whether they are typing.
        active: bool,
    }
    /// Watches the presence of these people, in place of those watched before.
    WatchPresence {
        /// The users to watch: at most 200.
        #[schemars(with = "Vec<UserId>")]
        user_ids: UpTo<MAX_WATCHED, UserId>,
    }
    /// Says what the user is.
    OwnPresence {
        /// The status that others are to see.
        status: PresenceStatus,
        /// Their words about it.
        #[schemars(with = "Option<StatusText>")]
        text: Patch<StatusText>,
    }
}

/// Commands with the same key are carried out one after the other, in the order they came: posts to one room, changes
/// of one message, markers of one room.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum SequenceKey {
    Room(RoomId),
    Message(MessageId),
    Marker(RoomId),
}

/// Declares the frames: `control` frames are answered by the socket itself, `commands` are sent to a service.
macro_rules! frames {
    (
        control { $($control:literal => $content:ident($shape:ident);)* }
        commands { $(
            $name:literal => $variant:ident($command:ident)
                from $place:ident: $id:ty, $body:ident via $build:expr, in turn by $key:ident;
        )* }
    ) => {
        /// A command of a frame.
        #[derive(Debug, Clone)]
        pub(crate) enum SocketCommand { $($variant($command),)* }

        /// The types of frames, for an answer to an unknown one.
        const NAMES: &[&str] = &[$($control,)* $($name,)*];

        #[cfg(test)]
        const FIELDS: &[(&str, Option<&str>, &[&str])] = &[
            $(($control, None, $shape::FIELDS),)*
            $(($name, Some(stringify!($place)), $body::FIELDS),)*
        ];

        /// Reads the fields of a type; none when one is at fault, which is then on record.
        fn content(kind: &str, fields: &mut Fields) -> Option<(&'static str, Content)> {
            match kind {
                $($control => {
                    Some(($control, Content::$content(<$shape as Shape>::read(fields)?)))
                })*
                $($name => {
                    let place: Option<$id> = fields.take(stringify!($place));
                    let body = <$body as Shape>::read(fields);
                    let command = ($build)(body?, place?);
                    Some(($name, Content::Command(SocketCommand::$variant(command))))
                })*
                _ => {
                    fields.refuse("type", "invalid_value", format!("must be one of {}", NAMES.join(", ")));
                    fields.pass_over_rest();
                    None
                }
            }
        }

        impl SocketCommand {
            /// How many bytes it may have stored.
            pub(crate) fn weight(&self) -> u64 {
                match self { $(Self::$variant(command) => weight(command),)* }
            }

            pub(crate) fn key(&self) -> SequenceKey {
                match self { $(Self::$variant(command) => SequenceKey::$key(command.$place),)* }
            }

            /// Has it carried out.
            pub(crate) async fn carry_out(
                self,
                app: &AppState,
                caller: &Caller,
            ) -> Result<Outcome, Rejection> {
                match self {
                    $(Self::$variant(command) => {
                        let message = <<$command as schemas::commands::Command>::Output as Answered>::message;
                        carry_out(&command, message, app, caller).await
                    })*
                }
            }
        }
    };
}
frames! {
    control {
        "hello" => Hello(Hello);
        "resume" => Resume(Resume);
        "ping" => Ping(Ping);
        "typing" => Typing(Typing);
        "watch_presence" => WatchPresence(WatchPresence);
        "presence" => Presence(OwnPresence);
    }
    commands {
        "post" => Post(PostMessage) from room_id: RoomId, NewMessage via NewMessage::command, in turn by Room;
        "edit" => Edit(EditMessage) from message_id: MessageId, MessageChange via MessageChange::command, in turn by Message;
        "delete" => Delete(DeleteMessage) from message_id: MessageId, Nothing via deletion, in turn by Message;
        "react" => React(AddReaction) from message_id: MessageId, ReactWith via ReactWith::added, in turn by Message;
        "unreact" => Unreact(RemoveReaction) from message_id: MessageId, ReactWith via ReactWith::removed, in turn by Message;
        "read" => Read(MarkRead) from room_id: RoomId, MarkerFrame via MarkerFrame::command, in turn by Marker;
    }
}

/// What can be read of a frame whatever else is wrong with it.
#[derive(Deserialize)]
struct Probe {
    #[serde(default)]
    id: Option<FrameId>,
}

/// Reads a frame.
pub(crate) fn parse(text: &str) -> Result<Frame, Fault> {
    let given = match json_value(text) {
        Ok(Value::Object(given)) => given,
        Ok(_) => return Err(invalid(None, problem::bad("a frame is a JSON object"))),
        Err(error) => return Err(unreadable(text, &error)),
    };
    let mut fields = Fields::of_object(given);
    let id: Option<Option<FrameId>> = fields.take("id");
    let id = id.and_then(|id| match id.map(|id| as_written(text, id)) {
        Some(None) => {
            fields.refuse("id", "too_long", format!("must have at most {MAX_ID} bytes"));
            None
        }
        id => Some(id.flatten()),
    });
    let named = id.clone().flatten();
    let kind: Option<String> = fields.take("type");
    let content = match &kind {
        Some(kind) => content(kind, &mut fields),
        None => {
            fields.pass_over_rest();
            None
        }
    };
    let frame = id.zip(content).map(|(id, (name, content))| Frame { id, name, content });
    fields.finish(frame).map_err(|rejection| invalid(named, rejection))
}

/// JSON that must not be taken is answered all the same: a field named twice, half of a character, a number or a depth
/// beyond all bounds. The parser stops at the first of them; what follows may not be JSON at all.
fn unreadable(text: &str, error: &serde_json::Error) -> Fault {
    if serde_json::from_str::<IgnoredAny>(text).is_err() {
        return Fault::NotJson;
    }
    let id = serde_json::from_str(text).ok().and_then(|probe: Probe| as_written(text, probe.id?));
    let (code, what) = match error.is_data() {
        true => ("duplicate", "a field is named twice"),
        false => ("invalid_value", "a text, a number or a depth is not acceptable"),
    };
    let detail = format!("{what}, at column {}", error.column());
    invalid(id, Rejection::field(schemas::Code::ValidationFailed, "", code, detail))
}

fn invalid(id: Option<FrameId>, rejection: Rejection) -> Fault {
    Fault::Invalid { id, rejection }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::fixture::{message, room};
    use schemas::Code;
    use schemas::frames::WrittenNumber;
    use std::collections::BTreeSet;

    #[track_caller]
    fn invalid(text: &str, expected: Option<&FrameId>) -> Vec<String> {
        match parse(text) {
            Err(Fault::Invalid { id, rejection }) => {
                assert_eq!(id.as_ref(), expected, "{text}");
                assert_eq!(rejection.code, Code::ValidationFailed);
                rejection.errors.into_iter().map(|fault| fault.pointer).collect()
            }
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn any_number_or_text_is_an_id() {
        for (id, json) in [
            ("7", "7"),
            ("-1.5", "-1.5"),
            ("18446744073709551615", "18446744073709551615"),
            ("\"a\"", "\"a\""),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("0.10000000000000000000001", "0.10000000000000000000001"),
            ("1e2", "1e2"),
            (" -0 ", "-0"),
        ] {
            let frame = parse(&format!(r#"{{"type":"ping","id":{id}}}"#)).unwrap();
            assert_eq!(serde_json::to_string(&frame.id.unwrap()).unwrap(), json);
        }
        assert_eq!(parse(r#"{"type":"ping","id":null}"#).unwrap().id, None);
    }

    #[test]
    fn what_is_json_and_no_frame_is_answered_with_its_id() {
        let one = FrameId::Number(1.into());
        let one = || Some(&one);
        assert_eq!(invalid(r#"{"type":"dance","id":1,"to":"music"}"#, one()), ["/type"]);
        assert_eq!(invalid(r#"{"type":"ping","id":1,"extra":true}"#, one()), ["/extra"]);
        assert_eq!(
            invalid(r#"{"type":"post","id":1,"room_id":"x"}"#, one()),
            ["/room_id", "/body"]
        );
        assert_eq!(invalid(r#"{"id":1}"#, one()), ["/type"]);
        assert_eq!(invalid(r#"{"type":"ping","id":{}}"#, None), ["/id"]);
        assert_eq!(invalid(r#"{"type":"ping","type":"ping","id":1}"#, one()), [""]);
        // A text that was cut between the halves of an emoji.
        assert_eq!(invalid(r#"{"type":"edit","body":"\ud83d","id":1}"#, one()), [""]);
        assert_eq!(invalid(r#"{"type":"\ud800"}"#, None), [""]);
        assert_eq!(invalid(r#"{"type":"ping","id":1e400}"#, None), [""]);
        let deep = format!(r#"{{"id":1,"deep":{}{}}}"#, "[".repeat(200), "]".repeat(200));
        assert_eq!(invalid(&deep, one()), [""]);
        assert_eq!(invalid("[]", None), [""; 0]);
        assert_eq!(invalid("7", None), [""; 0]);
        let long = format!(r#"{{"type":"ping","id":"{}"}}"#, "x".repeat(129));
        assert_eq!(invalid(&long, None), ["/id"]);
        let long = format!(r#"{{"type":"ping","id":{}}}"#, "7".repeat(129));
        assert_eq!(invalid(&long, None), ["/id"]);
        let precise = FrameId::Written(WrittenNumber::parse("1.10").unwrap());
        assert_eq!(invalid(r#"{"type":"ping","type":"ping","id":1.10}"#, Some(&precise)), [""]);
    }

    #[test]
    fn what_is_no_json_is_no_frame() {
        let deep = "[".repeat(10_000);
        let broken = r#"{"type":"\ud800",}"#;
        for text in ["", "hello", "{", broken, r#"{"type":"\u12"}"#, &deep] {
            assert_eq!(parse(text).err(), Some(Fault::NotJson), "{text:.40}");
        }
        let then_broken = r#"{"type":"ping","type":"ping",}"#;
        assert_eq!(parse(then_broken).err(), Some(Fault::NotJson));
    }

    #[test]
    fn every_field_at_fault_is_named() {
        let pointers = invalid(
            r#"{"type":"post","room_id":"room_*","client_id":"a b","body":" ","attachments":["x"],"thread_root_id":">","also":1}"#,
            None,
        );
        let expected =
            ["/room_id", "/client_id", "/body", "/attachments/0", "/thread_root_id", "/also"];
        assert_eq!(pointers, expected);
        let many = format!(
            r#"{{"type":"post","room_id":"{}","body":"a","attachments":[{}]}}"#,
            room(1),
            ["7"; 11].join(",")
        );
        assert_eq!(invalid(&many, None), ["/attachments"]);
    }

    #[test]
    fn posts_to_a_room_wait_for_each_other_and_markers_do_not() {
        let key = |json: &str| match parse(json).unwrap().content {
            Content::Command(command) => command.key(),
            other => panic!("{other:?}"),
        };
        let (room, message) = (room(1), message(1));
        let post = key(&format!(r#"{{"type":"post","room_id":"{room}","body":"a"}}"#));
        let mark =
            key(&format!(r#"{{"type":"read","room_id":"{room}","message_id":"{message}"}}"#));
        assert_eq!((post, mark), (SequenceKey::Room(room), SequenceKey::Marker(room)));
    }

    /// The schema that clients are given is made of [`schemas::frames::ClientFrame`]; this table is what is read.
    #[test]
    fn frames_are_read_as_their_schema_says() {
        let schema = schemars::schema_for!(schemas::frames::ClientFrame).to_value();
        let described: BTreeSet<(String, BTreeSet<String>)> = schema["oneOf"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| {
                let fields = one["properties"].as_object().unwrap().keys();
                let fields = fields.filter(|name| !["type", "id"].contains(&name.as_str()));
                let name = one["properties"]["type"]["const"].as_str().unwrap();
                (name.to_owned(), fields.cloned().collect())
            })
            .collect();
        let read: BTreeSet<(String, BTreeSet<String>)> = FIELDS
            .iter()
            .map(|(name, place, fields)| {
                let fields = fields.iter().chain(place).map(|field| (*field).to_owned());
                ((*name).to_owned(), fields.collect())
            })
            .collect();
        assert_eq!(read, described);
    }
}
