//! What travels over a WebSocket: JSON text frames `{"type": ..., "id"?: ..., ...}`.
//!
//! Frames are not commands and not events: the gateway turns a client's frame into a command and an
//! event into a server's frame.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{MessageId, RoomId, SessionId, UserId};
use crate::position::Position;
use crate::rejection::Problem;
use crate::time::Timestamp;
use crate::values::{PresenceStatus, Secret, ShownStatus, StatusText};
use crate::views::{Account, Message, UnreadSummary};

/// What a client calls a frame: a number or a text, given back with the answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum FrameId {
    /// A whole number of 64 bits; on the way in any number.
    Number(serde_json::Number),
    /// Any other number, as the client wrote it (set by the gateway).
    #[serde(skip_deserializing)]
    #[schemars(skip)]
    Written(WrittenNumber),
    /// A text of at most 128 bytes (checked by the gateway).
    Text(String),
}

/// A number in the words of its sender: read as a binary fraction it might come out as another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WrittenNumber(String);

impl WrittenNumber {
    /// Takes JSON that is a number; none when it is something else.
    #[must_use]
    pub fn parse(json: &str) -> Option<Self> {
        let number: Result<serde_json::Number, _> = serde_json::from_str(json);
        number.ok().map(|_| Self(json.trim().to_owned()))
    }
}

impl Serialize for WrittenNumber {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw = serde_json::value::RawValue::from_string(self.0.clone());
        raw.map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

/// A frame from a client. Texts are raw here; the gateway parses them into values.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientFrame {
    /// Authenticates the socket; the first frame when the handshake did not.
    Hello {
        /// Given back with the answer.
        id: Option<FrameId>,
        /// An access token. Absent when the handshake has authenticated and only `resume` is wanted.
        token: Option<Secret>,
        /// Resume after this position.
        resume: Option<String>,
    },
    /// Posts a message to a room.
    Post {
        /// Given back with the answer.
        id: Option<FrameId>,
        /// The room.
        room_id: String,
        /// What the client calls the message.
        client_id: Option<String>,
        /// The text.
        body: String,
        /// How to read it.
        format: Option<crate::values::Format>,
        /// Attached files.
        attachments: Option<Vec<String>>,
        /// The message that began the thread.
        thread_root_id: Option<String>,
    },
    /// Changes the text of an own message.
    Edit {
        /// Given back with the answer.
        id: Option<FrameId>,
        /// The message.
        message_id: String,
        /// The new text.
        body: String,
    },
    /// Takes a message back.
    Delete {
        /// Given back with the answer.
        id: Option<FrameId>,
        /// The message.
        message_id: String,
    },
    /// Reacts to a message.
    React {
        /// Given back with the answer.
        id: Option<FrameId>,
        /// The message.
        message_id: String,
        /// One emoji.
        emoji: String,
    },
    /// Takes a reaction back.
    Unreact {
        /// Given back with the answer.
        id: Option<FrameId>,
        /// The message.
        message_id: String,
        /// One emoji.
        emoji: String,
    },
    /// Moves the read marker.
    Read {
        /// Given back with the answer.
        id: Option<FrameId>,
        /// The room.
        room_id: String,
        /// Up to which message.
        message_id: String,
        /// The thread whose marker is moved; none: the room's.
        thread_root_id: Option<String>,
    },
    /// The user is typing in a room, or has stopped. Sent every few seconds while they do; ends by itself 6 s after
    /// the last, with their message, and with the socket.
    Typing {
        /// Given back with the answer.
        id: Option<FrameId>,
        /// The room.
        room_id: String,
        /// The message that began the thread they are typing in.
        thread_root_id: Option<String>,
        /// Whether they are typing.
        active: bool,
    },
    /// Watches the presence of these people, in place of those watched before. Answered with a `presence` frame for
    /// each; from then on their changes are told.
    WatchPresence {
        /// Given back with the answer.
        id: Option<FrameId>,
        /// The users, at most 200; none to watch no one any more.
        user_ids: Vec<String>,
    },
    /// Says what the user is. `dnd`, `invisible` and `online` are chosen for all of their devices, `away` is said of the
    /// device that is idle (and `online` of one that was).
    Presence {
        /// Given back with the answer.
        id: Option<FrameId>,
        /// What they are.
        status: PresenceStatus,
        /// A text beside it: at most 100 characters on one line. Left out, the former one stays; null takes it away.
        text: Option<String>,
    },
    /// Resumes after a position, on a socket that is already authenticated.
    Resume {
        /// Given back with the answer.
        id: Option<FrameId>,
        /// The last position seen.
        position: String,
    },
    /// Asks for a `pong`.
    Ping {
        /// Given back.
        id: Option<FrameId>,
    },
}

/// A frame from the server.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    /// The socket is authenticated.
    Welcome {
        /// The id of the `hello` that it answers.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<FrameId>,
        /// The session it belongs to.
        session_id: SessionId,
        /// Who it belongs to.
        user: Box<Account>,
        /// Everything up to here is in the read model or was sent; what comes is after it.
        position: Position,
        /// The server pings this often; a client that has heard nothing for twice as long reconnects.
        heartbeat_ms: u32,
        /// Whether a resume is under way: what was missed follows, then `resumed`.
        resumed: bool,
        /// What waits for the user, as `GET /v1/users/me/unread` says it; null when it is not known at once: ask there.
        unread: Option<UnreadSummary>,
        /// The build of the server and of the web app it serves; another one after a reconnect means that the app is to
        /// be loaded anew.
        build: String,
    },
    /// A client's frame was carried out.
    Ok {
        /// The frame's id.
        id: Option<FrameId>,
        /// The place in the log after which its effect can be read.
        #[serde(skip_serializing_if = "Option::is_none")]
        position: Option<Position>,
        /// The message it made or changed.
        #[serde(skip_serializing_if = "Option::is_none")]
        result: Option<Box<Message>>,
    },
    /// A client's frame was refused.
    Error {
        /// The frame's id.
        id: Option<FrameId>,
        /// The problem, as REST would answer it.
        error: Box<Problem>,
    },
    /// Something happened.
    Event {
        /// What, such as `message.posted`.
        event: String,
        /// Where; absent for what concerns the user alone.
        #[serde(skip_serializing_if = "Option::is_none")]
        room_id: Option<RoomId>,
        /// Its place in the log.
        position: Position,
        /// The place of the last event told to members on the room's timeline (messages, reactions, pins) before
        /// this one; null for the first, for events of other kinds, and in a resume.
        previous: Option<Position>,
        /// The document after the event.
        data: Box<serde_json::Value>,
    },
    /// What the client holds of a room may have holes: it is to load the room anew. Events of the room after
    /// this place are sent as always.
    Reload {
        /// Which room.
        room_id: RoomId,
        /// Load the room as of this place or later.
        position: Position,
    },
    /// All that was missed has been sent.
    Resumed {
        /// Everything up to here was sent.
        position: Position,
        /// How many frames that took.
        count: u64,
    },
    /// What was missed cannot be sent; load anew.
    Reset {
        /// Why: `unknown_position`, `unknown_epoch`, `too_far_behind`, `views_behind`, `unreadable`.
        reason: String,
    },
    /// The answer to `ping`.
    Pong {
        /// The frame's id.
        id: Option<FrameId>,
    },
    /// Another member is typing, told every 3 s while they are; or has stopped. A client that has heard nothing for
    /// 6 s forgets it. Of a room at most 5 members are told at a time.
    Typing {
        /// The room.
        room_id: RoomId,
        /// The message that began the thread they are typing in; absent for the main timeline.
        #[serde(skip_serializing_if = "Option::is_none")]
        thread_root_id: Option<MessageId>,
        /// The user.
        user_id: UserId,
        /// Whether they are typing.
        active: bool,
    },
    /// How a watched person appears.
    Presence {
        /// The user.
        user_id: UserId,
        /// How they appear: the device in use counts; who is invisible, or not to be seen by the watcher, is offline.
        status: ShownStatus,
        /// Their own words about it.
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<StatusText>,
        /// When they were last seen, once they are offline, if that is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        last_seen_at: Option<Timestamp>,
    },
    /// The socket is about to be closed.
    Closing {
        /// The close code that follows.
        code: u16,
        /// Why, in words.
        reason: String,
        /// Milliseconds to wait before coming back, different for every socket, so that a crowd does not
        /// come back at once.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u32>,
    },
}

macro_rules! close_codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $reason:literal, $reconnect:literal;)*) => {
        /// Why the server closes a socket, and what the client is to do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum CloseCode { $($(#[$doc])* $variant,)* }

        impl CloseCode {
            /// Every close code, in the order of the table.
            pub const ALL: &'static [CloseCode] = &[$(CloseCode::$variant),*];

            /// The number on the wire (RFC 6455, section 7.4).
            #[must_use]
            pub const fn code(self) -> u16 {
                match self { $(Self::$variant => $code,)* }
            }

            /// The reason in words.
            #[must_use]
            pub const fn reason(self) -> &'static str {
                match self { $(Self::$variant => $reason,)* }
            }

            /// What the client is to do: `fix`, `log_in`, `resume`, `wait_and_resume` or `resume_elsewhere`.
            #[must_use]
            pub const fn verdict(self) -> &'static str {
                match self { $(Self::$variant => $reconnect,)* }
            }
        }
    };
}

close_codes! {
    /// A frame that is not understood: not JSON, an unknown type, before `hello`.
    BadFrame = 4400, "bad frame", "fix";
    /// The session ended.
    SessionEnded = 4401, "session ended", "log_in";
    /// No `hello` in time.
    HelloTimeout = 4408, "no hello in time", "resume";
    /// The user has too many sockets.
    TooManySockets = 4409, "too many sockets", "wait_and_resume";
    /// A frame over 64 KiB.
    FrameTooLarge = 4413, "frame too large", "fix";
    /// Too many frames for too long.
    RateLimited = 4429, "rate limited", "wait_and_resume";
    /// The client reads too slowly.
    SlowConsumer = 4508, "slow consumer", "resume";
    /// This gateway is about to stop.
    Draining = 4503, "draining", "resume_elsewhere";
    /// The server stops.
    Shutdown = 1001, "shutdown", "resume";
}
