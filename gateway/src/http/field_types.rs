//! The types fields can have: how each is read from JSON, or from the text of a query.

use schemas::frames::FrameId;
use schemas::media::{Checksum, ContentType, Filename};
use schemas::preferences::{MailAbout, Reach};
use schemas::values::{
    Bio, Body, ClientId, DisplayName, Email, Emoji, EventType, Format, InvalidValue, MessageHas,
    NewPassword, Notice, Notify, Patch, Posting, PresenceStatus, Reason, ReportStatus, Role,
    RoomKind, RoomName, RoomRole, Secret, StatusText, SubjectId, Title, Topic, UserRef, Username,
    VerificationKind, Visibility,
};
use schemas::{
    Actor, CodeChallenge, MediaId, MessageId, OneTimeCode, ReportId, RoomId, Settings, Timestamp,
    UserId,
};
use serde_json::Value;

use super::browser::RefreshBy;
use super::fields::{Field, FromField, Pointer};
use super::head::METHOD_NAMES;
use super::route::UNMATCHED;

/// Longest password or token, in bytes, that is checked.
const MAX_SECRET: usize = 4096;
/// Longest template of a path, in bytes.
const MAX_TEMPLATE: usize = 200;
/// Items of a page when the client does not say, and at most.
const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 200;

macro_rules! texts {
    ($($type:ty),*) => {
        $(impl FromField for $type {
            fn from_field(field: Field<'_>) -> Option<Self> {
                field.parsed(<$type>::parse)
            }
        })*
    };
}
texts!(
    CodeChallenge,
    Username,
    Email,
    DisplayName,
    RoomName,
    Body,
    StatusText,
    Title,
    Notice,
    Reason,
    ClientId,
    Emoji,
    UserRef,
    NewPassword,
    OneTimeCode,
    EventType,
    SubjectId,
    Filename,
    ContentType,
    Checksum
);

macro_rules! optional_texts {
    ($($type:ty),* $(,)?) => {
        $(impl FromField for $type {
            const EMPTY_IS_NULL: bool = true;

            fn from_field(field: Field<'_>) -> Option<Self> {
                field.parsed(<$type>::parse)
            }
        })*
    };
}
optional_texts!(Topic, Bio);

macro_rules! parsed {
    ($($type:ty, $detail:literal;)*) => {
        $(impl FromField for $type {
            fn from_field(field: Field<'_>) -> Option<Self> {
                let wrong = || InvalidValue { code: "invalid_format", detail: $detail.to_owned() };
                field.parsed(|text| <$type>::parse(text).map_err(|_| wrong()))
            }
        })*
    };
}
parsed! {
    UserId, "must be a user id";
    Actor, "must be a user id, or system";
    RoomId, "must be a room id";
    MessageId, "must be a message id";
    MediaId, "must be a media id";
    ReportId, "must be a report id";
    Timestamp, "must be an RFC 3339 date and time of the years 0001 to 9999";
}

macro_rules! choices {
    ($($type:ty),*) => {
        $(impl FromField for $type {
            fn from_field(field: Field<'_>) -> Option<Self> {
                field.parsed(|text| {
                    // The error's text lists the choices and repeats the one that was sent: only the list is kept.
                    serde_json::from_value(Value::String(text.to_owned())).map_err(|error| {
                        let error = error.to_string();
                        let list = error.split("expected ").nth(1).unwrap_or("another value");
                        InvalidValue { code: "invalid_value", detail: format!("must be {list}") }
                    })
                })
            }
        })*
    };
}
choices!(
    Notify,
    Posting,
    Role,
    ReportStatus,
    RoomKind,
    RoomRole,
    Visibility,
    Format,
    MessageHas,
    PresenceStatus,
    VerificationKind,
    RefreshBy,
    Reach,
    MailAbout
);

impl FromField for String {
    fn from_field(field: Field<'_>) -> Option<Self> {
        field.parsed(|text| Ok(text.to_owned()))
    }
}

impl FromField for Secret {
    fn from_field(field: Field<'_>) -> Option<Self> {
        field.parsed(|text| {
            if text.len() > MAX_SECRET {
                return Err(InvalidValue { code: "too_long", detail: "is too long".to_owned() });
            }
            Ok(Self::new(text))
        })
    }
}

/// A token that a frame brings. Of any length: what is no token is refused by the check of tokens, not by the reading
/// of frames.
#[derive(Debug)]
pub(crate) struct Token(pub(crate) Secret);

impl FromField for Token {
    fn from_field(field: Field<'_>) -> Option<Self> {
        field.parsed(|text| Ok(Self(Secret::new(text))))
    }
}

impl FromField for u32 {
    fn from_field(mut field: Field<'_>) -> Option<Self> {
        let number = match field.value.take() {
            None => return field.refuse("required", "is required"),
            Some(Value::String(text)) if field.textual => text.parse().ok(),
            Some(value) => value.as_u64().and_then(|number| Self::try_from(number).ok()),
        };
        match number {
            Some(number) => Some(number),
            None => field.refuse("wrong_type", "must be a whole number from 0 to 4294967295"),
        }
    }
}

/// A number of bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bytes(pub(crate) u64);

impl FromField for Bytes {
    fn from_field(mut field: Field<'_>) -> Option<Self> {
        match field.value.take().map(|value| value.as_u64()) {
            None => field.refuse("required", "is required"),
            Some(Some(0)) => field.refuse("out_of_range", "must be at least 1"),
            Some(Some(bytes)) => Some(Self(bytes)),
            Some(None) => field.refuse("wrong_type", "must be a whole number"),
        }
    }
}

impl FromField for bool {
    fn from_field(mut field: Field<'_>) -> Option<Self> {
        match field.value.take() {
            None => field.refuse("required", "is required"),
            Some(Value::Bool(value)) => Some(value),
            Some(Value::String(text)) if field.textual && text == "true" => Some(true),
            Some(Value::String(text)) if field.textual && text == "false" => Some(false),
            Some(_) => field.refuse("wrong_type", "must be true or false"),
        }
    }
}

impl FromField for Settings {
    fn from_field(mut field: Field<'_>) -> Option<Self> {
        let object = match field.value.take() {
            None => return field.refuse("required", "is required"),
            Some(Value::Object(object)) => object,
            Some(_) => return field.refuse("wrong_type", "must be an object"),
        };
        match Self::parse(object) {
            Ok(settings) => Some(settings),
            Err(invalid) => field.refuse(invalid.code, invalid.detail),
        }
    }
}

impl<T: FromField> FromField for Option<T> {
    fn from_field(field: Field<'_>) -> Option<Self> {
        if field.absent() || field.null::<T>() {
            Some(None)
        } else {
            T::from_field(field).map(Some)
        }
    }
}

impl<T: FromField> FromField for Patch<T> {
    fn from_field(field: Field<'_>) -> Option<Self> {
        if field.absent() {
            Some(Self::Keep)
        } else if field.null::<T>() {
            Some(Self::Clear)
        } else {
            T::from_field(field).map(Self::Set)
        }
    }
}

impl<T: FromField> FromField for Vec<T> {
    fn from_field(mut field: Field<'_>) -> Option<Self> {
        let items = match field.value.take() {
            None => return field.refuse("required", "is required"),
            Some(Value::Array(items)) => items,
            Some(_) => return field.refuse("wrong_type", "must be a list"),
        };
        let parsed: Vec<Option<T>> = items
            .into_iter()
            .enumerate()
            .map(|(index, value)| {
                let pointer = Pointer::Item(&field.pointer, index);
                let errors = &mut *field.errors;
                T::from_field(Field { value: Some(value), textual: false, pointer, errors })
            })
            .collect();
        parsed.into_iter().collect()
    }
}

/// A list of at most `N` items.
#[derive(Debug)]
pub(crate) struct UpTo<const N: usize, T>(pub(crate) Vec<T>);

impl<const N: usize, T: FromField> FromField for UpTo<N, T> {
    fn from_field(field: Field<'_>) -> Option<Self> {
        match &field.value {
            Some(Value::Array(items)) if items.len() > N => {
                field.refuse("too_long", format!("must have at most {N} items"))
            }
            _ => Vec::from_field(field).map(Self),
        }
    }
}

/// The longest text a client may call a frame, in bytes.
const MAX_FRAME_ID: usize = 128;

impl FromField for FrameId {
    fn from_field(mut field: Field<'_>) -> Option<Self> {
        match field.value.take() {
            None => field.refuse("required", "is required"),
            Some(Value::Number(number)) => Some(Self::Number(number)),
            Some(Value::String(text)) if text.len() <= MAX_FRAME_ID => Some(Self::Text(text)),
            Some(Value::String(_)) => field.refuse("too_long", "must have at most 128 bytes"),
            Some(_) => field.refuse("wrong_type", "must be a number or a text"),
        }
    }
}

/// An HTTP status.
#[derive(Debug, Clone, Copy, schemars::JsonSchema)]
#[schemars(transparent)]
pub(crate) struct HttpStatus(pub(crate) u16);

impl FromField for HttpStatus {
    fn from_field(field: Field<'_>) -> Option<Self> {
        let status = match &field.value {
            Some(Value::String(text)) if field.textual && text.len() == 3 => text.parse().ok(),
            _ => None,
        };
        match status.filter(|status| (100..=599).contains(status)) {
            Some(status) => Some(Self(status)),
            None => field.refuse("out_of_range", "must be a number from 100 to 599"),
        }
    }
}

/// The name of an HTTP method, as logs have it.
#[derive(Debug, Clone, Copy, schemars::JsonSchema)]
#[schemars(transparent)]
pub(crate) struct MethodName(pub(crate) &'static str);

impl FromField for MethodName {
    fn from_field(field: Field<'_>) -> Option<Self> {
        let detail = "must be GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS or OTHER";
        let wrong = || InvalidValue { code: "invalid_value", detail: detail.to_owned() };
        let known = |text: &str| METHOD_NAMES.into_iter().find(|name| *name == text);
        field.parsed(|text| known(text).map(Self).ok_or_else(wrong))
    }
}

/// The template of a path, as logs have it: 1 to 200 visible ASCII characters.
#[derive(Debug, Clone, schemars::JsonSchema)]
#[schemars(transparent)]
pub(crate) struct PathTemplate(pub(crate) String);

impl FromField for PathTemplate {
    fn from_field(field: Field<'_>) -> Option<Self> {
        let detail = "must be like /v1/rooms/{room_id}, or unmatched";
        let wrong = || InvalidValue { code: "invalid_format", detail: detail.to_owned() };
        let fits = |text: &str| {
            (text.starts_with('/') || text == UNMATCHED)
                && text.len() <= MAX_TEMPLATE
                && text.bytes().all(|b| b.is_ascii_graphic())
        };
        field.parsed(|text| fits(text).then(|| Self(text.to_owned())).ok_or_else(wrong))
    }
}

/// How many items a page has: 50 when nothing is said, 1 to 200.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit(u32);

impl Limit {
    /// As a number of items.
    pub(crate) fn items(self) -> usize {
        usize::try_from(self.0).unwrap_or(0)
    }
}

impl FromField for Limit {
    fn from_field(field: Field<'_>) -> Option<Self> {
        if field.absent() {
            return Some(Self(DEFAULT_LIMIT));
        }
        let number = match &field.value {
            Some(Value::String(text)) if field.textual => text.parse().ok(),
            _ => None,
        };
        match number.filter(|number| (1..=MAX_LIMIT).contains(number)) {
            Some(number) => Some(Self(number)),
            None => field.refuse("out_of_range", "must be a number from 1 to 200"),
        }
    }
}
