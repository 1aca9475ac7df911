//! What the server obeys of what a user prefers: who may reach them, which mails they get, what others see.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::invalid::{InvalidValue, invalid};
use crate::time::Timestamp;
use crate::values::Patch;

/// Longest delay of a mail, in minutes: a day.
pub const MAX_EMAIL_DELAY_MINUTES: u16 = 1440;

/// Who may reach a user in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// Every user.
    #[default]
    Everyone,
    /// Users who are in a room with them, rooms every user belongs to and direct rooms of two apart.
    SharedRooms,
    /// No user but those they wrote to.
    #[serde(rename = "nobody")]
    NoUser,
}

/// What a user gets mails about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailAbout {
    /// Mentions, direct messages and answers in threads they follow.
    All,
    /// Mentions and direct messages.
    #[default]
    Mentions,
    /// Nothing but their account.
    None,
}

/// Minutes a mail waits for the user to read what it is about: at most [`MAX_EMAIL_DELAY_MINUTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "u64", into = "u64")]
#[schemars(with = "u16")]
pub struct EmailDelay(u16);

impl EmailDelay {
    /// The minutes.
    #[must_use]
    pub const fn minutes(self) -> u16 {
        self.0
    }
}

impl Default for EmailDelay {
    fn default() -> Self {
        Self(15)
    }
}

impl TryFrom<u64> for EmailDelay {
    type Error = InvalidValue;
    fn try_from(minutes: u64) -> Result<Self, InvalidValue> {
        u16::try_from(minutes)
            .ok()
            .filter(|minutes| *minutes <= MAX_EMAIL_DELAY_MINUTES)
            .map(Self)
            .ok_or_else(|| {
                let detail = format!("must be from 0 to {MAX_EMAIL_DELAY_MINUTES} minutes");
                invalid("out_of_range", detail)
            })
    }
}

impl From<EmailDelay> for u64 {
    fn from(delay: EmailDelay) -> u64 {
        delay.0.into()
    }
}

/// What a user prefers, as the server obeys it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Preferences {
    /// Who may write to the user in direct rooms.
    pub direct_messages: Reach,
    /// Who may add the user to rooms.
    pub added_to_rooms: Reach,
    /// What the user gets mails about.
    pub email: MailAbout,
    /// Minutes a mail waits for the user to read what it is about; 0 to 1440.
    pub email_delay_minutes: EmailDelay,
    /// Whether others see how far the user has read.
    pub read_receipts: bool,
    /// Whether others see that the user is there.
    pub presence: bool,
    /// No mails until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub do_not_disturb_until: Option<Timestamp>,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            direct_messages: Reach::default(),
            added_to_rooms: Reach::default(),
            email: MailAbout::default(),
            email_delay_minutes: EmailDelay::default(),
            read_receipts: true,
            presence: true,
            do_not_disturb_until: None,
        }
    }
}

impl Preferences {
    /// Whether everything is as it was before the user chose; such preferences are left out of events.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the user does not want to be disturbed at a moment.
    #[must_use]
    pub fn undisturbed_at(&self, now: Timestamp) -> bool {
        self.do_not_disturb_until.is_some_and(|until| until > now)
    }
}

/// A change of preferences. What is absent stays as it is; only what may be absent is emptied by null.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PreferencesPatch {
    /// Who may write to the user in direct rooms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Reach")]
    pub direct_messages: Option<Reach>,
    /// Who may add the user to rooms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Reach")]
    pub added_to_rooms: Option<Reach>,
    /// What the user gets mails about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "MailAbout")]
    pub email: Option<MailAbout>,
    /// Minutes a mail waits for the user to read what it is about; 0 to 1440.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "EmailDelay")]
    pub email_delay_minutes: Option<EmailDelay>,
    /// Whether others see how far the user has read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    pub read_receipts: Option<bool>,
    /// Whether others see that the user is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    pub presence: Option<bool>,
    /// No mails until then.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[schemars(with = "Option<Timestamp>")]
    pub do_not_disturb_until: Patch<Timestamp>,
}

/// The schema of a change, or none, as a command carries it: there a field that clients clear by null is a [`Patch`].
pub(crate) fn carried(generator: &mut SchemaGenerator) -> Schema {
    let until = generator.subschema_for::<Patch<Timestamp>>();
    let mut change = PreferencesPatch::json_schema(generator);
    if let Some(fields) = change.get_mut("properties").and_then(Value::as_object_mut) {
        fields.insert("do_not_disturb_until".to_owned(), until.to_value());
    }
    json_schema!({"anyOf": [change, {"type": "null"}]})
}

impl PreferencesPatch {
    /// The preferences after the change.
    #[must_use]
    pub fn apply(&self, to: &Preferences) -> Preferences {
        Preferences {
            direct_messages: self.direct_messages.unwrap_or(to.direct_messages),
            added_to_rooms: self.added_to_rooms.unwrap_or(to.added_to_rooms),
            email: self.email.unwrap_or(to.email),
            email_delay_minutes: self.email_delay_minutes.unwrap_or(to.email_delay_minutes),
            read_receipts: self.read_receipts.unwrap_or(to.read_receipts),
            presence: self.presence.unwrap_or(to.presence),
            do_not_disturb_until: self.do_not_disturb_until.clone().apply(to.do_not_disturb_until),
        }
    }
}
