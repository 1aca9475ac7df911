//! Namespaces: what separates installations that share a NATS server, and the names and subjects that are made of one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ephemeral::{Ephemeral, EphemeralKind};
use crate::text::text_conversions;

/// Separates installations that share a NATS server. 1 to 32 characters of `[a-z0-9_]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Namespace(std::sync::Arc<str>);

/// A text is not a namespace, a digest or a lane.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {0}")]
pub struct InvalidSubject(pub(crate) &'static str);

impl Namespace {
    /// Parses a namespace.
    ///
    /// # Errors
    /// [`InvalidSubject`] when it is empty, over 32 characters or has another character than `[a-z0-9_]`.
    pub fn parse(text: &str) -> Result<Self, InvalidSubject> {
        let fits = (1..=32).contains(&text.len())
            && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'));
        if fits { Ok(Self(text.into())) } else { Err(InvalidSubject("namespace")) }
    }

    /// The namespace as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The stream that holds this namespace's events: `EVENTS_<ns>`.
    #[must_use]
    pub fn events_stream(&self) -> String {
        format!("EVENTS_{self}")
    }

    /// The stream that keeps what the notifier gave up on: `DEAD_LETTERS_<ns>`.
    #[must_use]
    pub fn dead_letters_stream(&self) -> String {
        format!("DEAD_LETTERS_{self}")
    }

    /// The subject dead letters of one consumer are stored on: `<ns>.dead.<consumer>`.
    #[must_use]
    pub fn dead_letters_subject(&self, consumer: &str) -> String {
        format!("{self}.dead.{consumer}")
    }

    /// Where dead letters of one consumer go to be handed to it again: `<ns>.dead.<consumer>.redrive`.
    #[must_use]
    pub fn redrives_subject(&self, consumer: &str) -> String {
        format!("{self}.dead.{consumer}.redrive")
    }

    /// Everything in the dead-letter stream that Tidings itself puts there: `<ns>.dead.>`.
    #[must_use]
    pub fn all_dead_letters(&self) -> String {
        format!("{self}.dead.>")
    }

    /// A KV bucket of this namespace, for secrets and short-lived state: `<ns>_<name>`.
    #[must_use]
    pub fn bucket(&self, name: &str) -> String {
        format!("{self}_{name}")
    }

    /// Every stored event: `<ns>.evt.>`.
    #[must_use]
    pub fn all_events(&self) -> String {
        format!("{self}.evt.>")
    }

    /// Every republished event: `<ns>.live.>`.
    #[must_use]
    pub fn all_live(&self) -> String {
        format!("{self}.live.>")
    }

    /// Where the projector says how far it is: `<ns>.checkpoint`. Outside `live.`, which only the
    /// server's republishing writes to, so that a reader of `live.` sees stored events and nothing else.
    #[must_use]
    pub fn checkpoint(&self) -> String {
        format!("{self}.checkpoint")
    }

    /// A barrier inbox under this namespace (see `bus`): `<ns>.barrier.<token>`.
    #[must_use]
    pub fn barrier(&self, token: &str) -> String {
        format!("{self}.barrier.{token}")
    }

    /// What processes tell each other and no stream stores: `<ns>.eph.<kind>`, or `<ns>.eph.<kind>.<about>` for
    /// what is about one room or gateway. Core NATS, never in a stream.
    #[must_use]
    pub fn ephemeral(&self, about: &Ephemeral<'_>) -> String {
        let kind = about.kind().as_str();
        match about {
            Ephemeral::Spending | Ephemeral::Presence | Ephemeral::Who | Ephemeral::Online => {
                format!("{self}.eph.{kind}")
            }
            Ephemeral::Typing(room) => format!("{self}.eph.{kind}.{room}"),
            Ephemeral::Gateway(id) => format!("{self}.eph.{kind}.{id}"),
        }
    }

    /// Where all of a kind is heard.
    #[must_use]
    pub fn all_ephemeral(&self, kind: EphemeralKind) -> String {
        format!("{self}.eph.{}", kind.pattern())
    }

    /// A command's subject: `<ns>.cmd.<service>.<name>`.
    #[must_use]
    pub fn command(&self, service: &str, name: &str) -> String {
        format!("{self}.cmd.{service}.{name}")
    }
}

text_conversions!(Namespace, InvalidSubject);
