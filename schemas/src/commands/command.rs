//! What every command is: where it goes, who asks, what is answered; and the table in which a file declares its own.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::ids::{SessionId, TraceParent, UserId};
use crate::position::Position;
use crate::rejection::Rejection;
use crate::values::{IdempotencyKey, Role};

/// A command: where it goes and what it answers.
pub trait Command: Serialize + DeserializeOwned + Send + 'static {
    /// The service that carries it out.
    const SERVICE: &'static str;
    /// Its name within the service.
    const NAME: &'static str;
    /// What the service answers when it was carried out.
    type Output: Serialize + DeserializeOwned + Send + 'static;
}

/// Who is asking, as the gateway has authenticated them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Caller {
    /// The account.
    pub user_id: UserId,
    /// The session.
    pub session_id: SessionId,
    /// The account's role when its token was made; services look it up again before an admin act.
    pub role: Role,
}

/// The circumstances of a command.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct CallContext {
    /// Who is asking; none before login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<Caller>,
    /// What the client called the request, so that a repeat finds its first result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<IdempotencyKey>,
    /// The trace the request belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<TraceParent>,
    /// Milliseconds the asker will wait; 0 means the default of 5 s.
    #[serde(default)]
    pub deadline_ms: u32,
    /// The address the request came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// What the client calls itself; at most 256 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

/// A command as it travels.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Request<C> {
    /// Who is asking, and under which circumstances.
    pub context: CallContext,
    /// What is asked for.
    pub command: C,
}

/// A command was carried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Accepted<T> {
    /// The place in the log after which its effect can be read; none when nothing was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// The answer.
    pub result: T,
}

/// A service's answer to a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply<T> {
    /// It was carried out.
    Accepted(Accepted<T>),
    /// It was refused and nothing was written.
    Rejected(Rejection),
}

/// The command was refused and nothing was written.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "what the schemas of all replies have in common")]
struct Refused {
    rejected: Rejection,
}

impl<T: JsonSchema> JsonSchema for Reply<T> {
    fn schema_name() -> Cow<'static, str> {
        reply_name(&T::schema_name()).into()
    }

    fn schema_id() -> Cow<'static, str> {
        format!("{}::Reply<{}>", module_path!(), T::schema_id()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let accepted = generator.subschema_for::<Accepted<T>>();
        let refused = generator.subschema_for::<Refused>();
        json_schema!({
            "description": "What a service answers to a command.",
            "oneOf": [
                {
                    "type": "object",
                    "properties": {"accepted": accepted},
                    "required": ["accepted"],
                    "additionalProperties": false,
                },
                refused,
            ],
        })
    }
}

/// What the schema of a reply is called, by that of what it holds.
fn reply_name(held: &str) -> String {
    if held == "null" {
        return "EmptyReply".to_owned();
    }
    if let Some(item) = held.strip_prefix("Array_of_") {
        return format!("{item}ListReply");
    }
    let optional = held.strip_prefix("Nullable_").map(|value| format!("Optional{value}Reply"));
    optional.unwrap_or_else(|| format!("{held}Reply"))
}

impl<T> From<Result<Accepted<T>, Rejection>> for Reply<T> {
    fn from(answer: Result<Accepted<T>, Rejection>) -> Self {
        match answer {
            Ok(accepted) => Self::Accepted(accepted),
            Err(rejection) => Self::Rejected(rejection),
        }
    }
}

impl<T> From<Reply<T>> for Result<Accepted<T>, Rejection> {
    fn from(reply: Reply<T>) -> Self {
        match reply {
            Reply::Accepted(accepted) => Ok(accepted),
            Reply::Rejected(rejection) => Err(rejection),
        }
    }
}

/// The service that owns accounts.
pub const AUTH: &str = "auth";
/// The service that owns rooms, members and messages.
pub const CHAT: &str = "chat";
/// The service that owns inboxes.
pub const NOTIFY: &str = "notify";

/// A command as documents describe it.
#[derive(Debug, Clone)]
pub struct Described {
    /// The service that carries it out.
    pub service: &'static str,
    /// Its name within the service.
    pub name: &'static str,
    /// What it does.
    pub about: String,
    /// The schema of the command itself, which travels in a [`Request`].
    pub command: Schema,
    /// The schema of a [`Reply`] to it.
    pub reply: Schema,
}

impl Described {
    /// A command, with references into the definitions of a document.
    pub(super) fn of<C>(generator: &mut SchemaGenerator) -> Self
    where
        C: Command + JsonSchema,
        C::Output: JsonSchema,
    {
        let command = generator.subschema_for::<C>();
        let reply = generator.subschema_for::<Reply<C::Output>>();
        let alone = C::json_schema(generator);
        let about = alone.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
        Self { service: C::SERVICE, name: C::NAME, about, command, reply }
    }
}

macro_rules! commands {
    ($($(#[$doc:meta])* $service:ident / $name:literal : $command:ident -> $output:ty
        { $($(#[$fdoc:meta])* $field:ident : $type:ty),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
            #[serde(deny_unknown_fields)]
            pub struct $command { $($(#[$fdoc])* pub $field: $type,)* }

            impl crate::commands::command::Command for $command {
                const SERVICE: &'static str = $service;
                const NAME: &'static str = $name;
                type Output = $output;
            }
        )*
        pub(super) const NAMES: &[(&str, &str)] = &[$(($service, $name)),*];

        pub(super) fn describe(
            generator: &mut schemars::SchemaGenerator,
            into: &mut Vec<crate::commands::Described>,
        ) {
            $(into.push(crate::commands::Described::of::<$command>(generator));)*
        }
    };
}
pub(super) use commands;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::Session;

    #[test]
    fn replies_are_called_after_what_they_hold() {
        assert_eq!(Reply::<Session>::schema_name(), "SessionReply");
        assert_eq!(Reply::<Vec<Session>>::schema_name(), "SessionListReply");
        assert_eq!(Reply::<Option<UserId>>::schema_name(), "OptionalUserIdReply");
        assert_eq!(Reply::<()>::schema_name(), "EmptyReply");
    }
}
