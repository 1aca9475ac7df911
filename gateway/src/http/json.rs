//! JSON read strictly: an object that names a field twice is refused, at any depth, so that two
//! readers of the same text can never see two different requests.

use std::fmt;

use schemas::Rejection;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::problem;

/// Reads a body. Nesting deeper than 128, duplicate names, lone surrogates, numbers beyond 64 bits of
/// floating point and bytes after the value are refused.
///
/// # Errors
/// `validation_failed`, saying where, never what.
pub(super) fn parse(body: &[u8]) -> Result<Value, Rejection> {
    serde_json::from_slice(body).map(|strict: Strict| strict.0).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let what = if error.is_data() { "a field is named twice" } else { "not valid JSON" };
        problem::bad(format!("the body is not acceptable at line {line}, column {column}: {what}"))
    })
}

/// Reads a text as strictly as a body.
///
/// # Errors
/// Of the category `Data` when a field is named twice, of another when it is not JSON.
pub(crate) fn value(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(text).map(|strict: Strict| strict.0)
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Values).map(Self)
    }
}

struct Values;

impl<'de> DeserializeSeed<'de> for Values {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Values {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a number"))
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Values)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(Values)?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a field is named twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        assert!(parse(br#"{"a":[1,{"b":null}],"c":1.5}"#).is_ok());
        for bad in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":{"b":1,"b":1}}"#,
            r#"{"a":"\ud800"}"#,
            "1e400",
            "{} x",
            "{'a':1}",
            "",
            "\u{feff}{}",
        ] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(parse("[".repeat(10_000).as_bytes()).is_err());
        assert!(parse(b"\"\xff\"").is_err());
    }

    #[test]
    fn an_error_says_where_and_not_what() {
        let error = parse(br#"{"password":"hunter2","password":"x"}"#).unwrap_err();
        assert!(!error.detail.contains("hunter2") && error.detail.contains("line 1"));
    }
}
