//! Handlers are functions, and a route is described by their signatures: what it takes and gives cannot differ from
//! what the handler takes and gives.
//!
//! ```text
//! async fn edit(call: Call, Path(message_id): Path<MessageId>, body: MessageChange) -> Done<Message>
//! ```
//!
//! The first argument is the [`Call`]. The others are read in their order, and the first that is at fault is
//! answered; a body and a query name all of their faults at once.

use std::marker::PhantomData;

use futures_util::future::LocalBoxFuture;
use schemars::SchemaGenerator;
use schemas::values::{Emoji, InvalidValue, ProviderId};
use schemas::{
    ChallengeId, Code, Digest, ErasureId, ExportId, MediaId, MessageId, NotificationId, Rejection,
    ReportId, RoomId, SessionId, UserId,
};

use super::answer::{Described, Outcome};
use super::call::Call;
use super::description::Description;
use super::fields::{Fields, Shape};

/// Characters of the code of an invitation at most.
const MAX_CODE: usize = 128;

/// Something a handler takes beside the call.
pub(crate) trait Argument: Sized {
    fn describe(description: &mut Description);

    /// Reads it.
    ///
    /// # Errors
    /// `validation_failed` or `not_found`.
    fn read(call: &Call) -> Result<Self, Rejection>;
}

/// A body. One that has no fields is read, and refused if it has some, but not described.
impl<S: Shape> Argument for S {
    fn describe(description: &mut Description) {
        if !S::FIELDS.is_empty() {
            description.body = Some(SchemaGenerator::subschema_for::<S>);
        }
    }

    fn read(call: &Call) -> Result<Self, Rejection> {
        Fields::of_body(&call.body)
    }
}

/// The query.
pub(crate) struct Query<S>(pub(crate) S);

impl<S: Shape> Argument for Query<S> {
    fn describe(description: &mut Description) {
        description.query = Some(S::json_schema);
    }

    fn read(call: &Call) -> Result<Self, Rejection> {
        Fields::of_query(&call.query).map(Self)
    }
}

/// A query that another server makes: parameters that are not known are passed over.
pub(crate) struct Foreign<S>(pub(crate) S);

impl<S: Shape> Argument for Foreign<S> {
    fn describe(description: &mut Description) {
        description.query = Some(S::json_schema);
    }

    fn read(call: &Call) -> Result<Self, Rejection> {
        Fields::of_foreign_query(&call.query).map(Self)
    }
}

/// A query that the handler reads once it knows that what the path names is there.
pub(crate) struct Unread<S> {
    query: String,
    of: PhantomData<fn() -> S>,
}

impl<S: Shape> Unread<S> {
    /// Reads it.
    ///
    /// # Errors
    /// `validation_failed`, naming every parameter at fault.
    pub(crate) fn read(&self) -> Result<S, Rejection> {
        Fields::of_query(&self.query)
    }
}

impl<S: Shape> Argument for Unread<S> {
    fn describe(description: &mut Description) {
        description.query = Some(S::json_schema);
    }

    fn read(call: &Call) -> Result<Self, Rejection> {
        Ok(Self { query: call.query.clone(), of: PhantomData })
    }
}

/// A type that stands for one parameter of a path, whose name goes with the type.
pub(crate) trait PathPart: Sized {
    const NAME: &'static str;

    /// None for what cannot be one, and so does not exist.
    fn parse(text: &str) -> Option<Self>;

    /// How what cannot be one is answered.
    fn refusal(_text: &str) -> Rejection {
        Rejection::not_found()
    }
}

macro_rules! path_parts {
    ($($type:ty = $name:literal;)*) => {
        $(impl PathPart for $type {
            const NAME: &'static str = $name;

            fn parse(text: &str) -> Option<Self> {
                <$type>::parse(text).ok()
            }
        })*
    };
}
path_parts! {
    UserId = "user_id";
    SessionId = "session_id";
    RoomId = "room_id";
    MessageId = "message_id";
    NotificationId = "notification_id";
    ChallengeId = "challenge_id";
    ErasureId = "erasure_id";
    ExportId = "export_id";
    ReportId = "report_id";
    ProviderId = "provider_id";
    MediaId = "media_id";
    // The key of an identity.
    Digest = "identity_id";
}

impl PathPart for String {
    /// The codes of invitations are no ids.
    const NAME: &'static str = "code";

    fn parse(text: &str) -> Option<Self> {
        let fits = text.len() <= MAX_CODE && text.bytes().all(|b| b.is_ascii_alphanumeric());
        fits.then(|| text.to_owned())
    }
}

/// The token of a link in a mail.
pub(crate) struct LinkToken(pub(crate) String);

impl PathPart for LinkToken {
    const NAME: &'static str = "token";

    fn parse(text: &str) -> Option<Self> {
        <String as PathPart>::parse(text).map(Self)
    }
}

impl PathPart for Code {
    const NAME: &'static str = "code";

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|code| code.as_str() == text).copied()
    }
}

/// The number of a dead letter, written in one way only.
pub(crate) struct DeadLetterId(pub(crate) u64);

impl PathPart for DeadLetterId {
    const NAME: &'static str = "dead_letter_id";

    fn parse(text: &str) -> Option<Self> {
        let number: u64 = text.parse().ok()?;
        (number > 0 && number.to_string() == text).then_some(Self(number))
    }
}

/// All that is left of a path, whatever it is.
pub(crate) struct Rest(pub(crate) String);

impl PathPart for Rest {
    const NAME: &'static str = "*rest";

    fn parse(text: &str) -> Option<Self> {
        Some(Self(text.to_owned()))
    }
}

/// The name of a JSON Schema.
pub(crate) struct SchemaName(pub(crate) String);

impl PathPart for SchemaName {
    const NAME: &'static str = "name";

    fn parse(text: &str) -> Option<Self> {
        Some(Self(text.to_owned()))
    }
}

impl PathPart for Emoji {
    const NAME: &'static str = "emoji";

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }

    /// Whether there is such a thing is not the question: it is named as a field of the frame is.
    fn refusal(text: &str) -> Rejection {
        let fault = |invalid: InvalidValue| {
            Rejection::field(Code::ValidationFailed, "/emoji", invalid.code, invalid.detail)
        };
        Self::parse(text).err().map_or_else(Rejection::not_found, fault)
    }
}

/// The parameters of the path, in their order: one, or a pair.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: PathPart> Path<T> {
    const NAME: &'static [&'static str] = &[T::NAME];
}

impl<A: PathPart, B: PathPart> Path<(A, B)> {
    const NAMES: &'static [&'static str] = &[A::NAME, B::NAME];
}

impl<T: PathPart> Argument for Path<T> {
    fn describe(description: &mut Description) {
        description.path = Self::NAME;
    }

    fn read(call: &Call) -> Result<Self, Rejection> {
        part(call, 0).map(Self)
    }
}

impl<A: PathPart, B: PathPart> Argument for Path<(A, B)> {
    fn describe(description: &mut Description) {
        description.path = Self::NAMES;
    }

    fn read(call: &Call) -> Result<Self, Rejection> {
        Ok(Self((part(call, 0)?, part(call, 1)?)))
    }
}

fn part<T: PathPart>(call: &Call, place: usize) -> Result<T, Rejection> {
    let text = call.path.get(place).ok_or_else(Rejection::not_found)?;
    T::parse(text).ok_or_else(|| T::refusal(text))
}

/// A function that answers calls; `Arguments` are those behind the call.
pub(crate) trait Handler<Arguments>: Clone + Send + Sync + 'static {
    fn describe() -> Description;

    fn call(&self, call: Call) -> LocalBoxFuture<'static, Outcome>;
}

macro_rules! handlers {
    ($(($($argument:ident $name:ident),*))*) => {
        $(impl<F, Fut, R, $($argument),*> Handler<($($argument,)*)> for F
        where
            F: Fn(Call, $($argument),*) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future<Output = Result<R, Rejection>> + 'static,
            R: Described,
            $($argument: Argument + 'static,)*
        {
            fn describe() -> Description {
                let mut description = Description::default();
                $($argument::describe(&mut description);)*
                R::describe(&mut description);
                description
            }

            fn call(&self, call: Call) -> LocalBoxFuture<'static, Outcome> {
                let handler = self.clone();
                Box::pin(async move {
                    $(let $name = $argument::read(&call)?;)*
                    handler(call, $($name),*).await.map(R::into_answer)
                })
            }
        })*
    };
}
handlers! { () (A a) (A a, B b) (A a, B b, C c) }
