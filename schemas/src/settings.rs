//! The one free-form value of an account: what clients keep of their own, which the server stores and never
//! interprets. Bounded where it is parsed, because nothing else bounds what a client may nest or repeat.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::invalid::InvalidValue;

/// Most bytes of settings, as compact JSON.
pub const MAX_SETTINGS_BYTES: usize = 16 * 1024;
/// Most levels of objects and lists, the settings themselves being the first.
pub const MAX_SETTINGS_LEVELS: usize = 16;

/// Client settings: an object of at most 16 KiB as compact JSON and 16 levels.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Map<String, Value>", into = "Map<String, Value>")]
#[schemars(with = "Map<String, Value>")]
pub struct Settings(Map<String, Value>);

impl Settings {
    /// Takes an object that keeps within the limits.
    ///
    /// # Errors
    /// [`InvalidValue`]: `too_deep`, `out_of_range` for a number beyond 64 bits, or `too_long`.
    pub fn parse(object: Map<String, Value>) -> Result<Self, InvalidValue> {
        let refused = |code, detail: String| InvalidValue { code, detail };
        if !object.values().all(|value| fits(value, MAX_SETTINGS_LEVELS - 1)) {
            let detail = format!("settings must have at most {MAX_SETTINGS_LEVELS} levels");
            return Err(refused("too_deep", detail));
        }
        if !object.values().all(is_exact) {
            let detail = "numbers in settings must fit into 64 bits".to_owned();
            return Err(refused("out_of_range", detail));
        }
        let bytes = serde_json::to_vec(&object).map_or(usize::MAX, |json| json.len());
        if bytes > MAX_SETTINGS_BYTES {
            let detail = format!("settings must have at most {MAX_SETTINGS_BYTES} bytes as JSON");
            return Err(refused("too_long", detail));
        }
        Ok(Self(object))
    }

    /// The object itself.
    #[must_use]
    pub const fn as_object(&self) -> &Map<String, Value> {
        &self.0
    }
}

/// Whether every whole number is one of 64 bits: a larger one has become a fraction when it was parsed, with other digits.
fn is_exact(value: &Value) -> bool {
    const LEAST: f64 = -9_223_372_036_854_775_808.0;
    const BEYOND: f64 = 18_446_744_073_709_551_616.0;
    match value {
        Value::Array(items) => items.iter().all(is_exact),
        Value::Object(fields) => fields.values().all(is_exact),
        Value::Number(number) if number.is_f64() => {
            number.as_f64().is_some_and(|number| number > LEAST && number < BEYOND)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

/// Whether a value has at most so many levels. Stops at the limit, so that its own depth is bounded too.
fn fits(value: &Value, levels: usize) -> bool {
    let below = levels.checked_sub(1);
    match value {
        Value::Array(items) => below.is_some_and(|below| items.iter().all(|v| fits(v, below))),
        Value::Object(fields) => below.is_some_and(|below| fields.values().all(|v| fits(v, below))),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

impl TryFrom<Map<String, Value>> for Settings {
    type Error = InvalidValue;
    fn try_from(object: Map<String, Value>) -> Result<Self, InvalidValue> {
        Self::parse(object)
    }
}
impl From<Settings> for Map<String, Value> {
    fn from(settings: Settings) -> Self {
        settings.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many levels of objects and lists in turn, the outermost an object.
    fn nested(levels: usize) -> Map<String, Value> {
        let innermost = Value::from(1);
        let inside = (1..levels).fold(innermost, |inside, level| match level % 2 {
            0 => Value::Array(vec![inside]),
            _ => Value::Object(Map::from_iter([("a".to_owned(), inside)])),
        });
        Map::from_iter([("a".to_owned(), inside)])
    }

    #[track_caller]
    fn code(object: Map<String, Value>) -> Option<&'static str> {
        Settings::parse(object).err().map(|refused| refused.code)
    }

    #[test]
    fn levels_and_bytes_have_a_limit() {
        assert_eq!(code(Map::new()), None);
        assert_eq!(code(nested(MAX_SETTINGS_LEVELS)), None);
        assert_eq!(code(nested(MAX_SETTINGS_LEVELS + 1)), Some("too_deep"));
        assert_eq!(code(nested(126)), Some("too_deep"));
        // {"k":"..."} has eight bytes around the text.
        let text = |length: usize| Map::from_iter([("k".to_owned(), "x".repeat(length).into())]);
        assert_eq!(code(text(MAX_SETTINGS_BYTES - 8)), None);
        assert_eq!(code(text(MAX_SETTINGS_BYTES - 7)), Some("too_long"));
        // What is counted is what is written: a control character takes six bytes.
        let nul = Map::from_iter([("k".to_owned(), "\0".repeat(3000).into())]);
        assert_eq!(code(nul), Some("too_long"));
    }

    #[test]
    fn whole_numbers_are_kept_or_refused() {
        let of = |number: &str| serde_json::from_str(&format!("{{\"n\":[{number}]}}")).unwrap();
        for kept in ["18446744073709551615", "-9223372036854775808", "0.5", "1e18"] {
            assert_eq!(code(of(kept)), None, "{kept}");
        }
        for lost in
            ["18446744073709551616", "-9223372036854775809", "1e300", "123456789012345678901"]
        {
            assert_eq!(code(of(lost)), Some("out_of_range"), "{lost}");
        }
    }

    #[test]
    fn a_command_cannot_carry_more_either() {
        let json = serde_json::to_vec(&nested(17)).unwrap();
        assert!(serde_json::from_slice::<Settings>(&json).is_err());
        assert!(serde_json::from_str::<Settings>("[]").is_err());
        assert!(serde_json::from_str::<Settings>(r#"{"a":[{}]}"#).is_ok());
    }
}
