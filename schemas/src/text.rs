//! How texts that obey a rule go through serde: checked where they lie on the way in, written as they are
//! on the way out. Going by way of an owned `String` would copy each of an event's dozen texts two or
//! three times, in every process that reads or writes it.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};

use crate::invalid::InvalidValue;

/// A text with a rule.
pub(crate) trait Text: Sized {
    /// Why a text does not obey it.
    type Refused: fmt::Display;
    /// Checks a text and takes it.
    fn take(text: &str) -> Result<Self, Self::Refused>;
}

/// Hands what a deserializer finds to the rule.
pub(crate) struct Checked<T>(pub(crate) PhantomData<T>);

impl<T: Text> Visitor<'_> for Checked<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        T::take(text).map_err(E::custom)
    }
}

/// A text, or something that may hold one, that is checked by today's rule.
pub(crate) trait Strict: Sized {
    /// Checks it as if a client had sent it.
    fn strict(self) -> Result<Self, InvalidValue>;
}

/// Reads a field of a command: a command obeys today's rule, whatever sent it.
pub(crate) fn strict<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Strict,
{
    T::deserialize(deserializer)?.strict().map_err(de::Error::custom)
}

/// Implements serde's traits for a type with `parse(&str)`, or with [`Text`] of its own (`@`), and something
/// that shows its text.
macro_rules! text_serde {
    ($name:ident, $refused:ty, |$value:ident| $shown:expr) => {
        impl $crate::text::Text for $name {
            type Refused = $refused;
            fn take(text: &str) -> Result<Self, $refused> {
                Self::parse(text)
            }
        }
        $crate::text::text_serde!(@ $name, |$value| $shown);
    };
    (@ $name:ident, |$value:ident| $shown:expr) => {
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str($crate::text::Checked(std::marker::PhantomData))
            }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let $value = self;
                serializer.serialize_str($shown)
            }
        }
    };
}
pub(crate) use text_serde;

/// Implements what leads from an owned text to a type with `parse(&str)`, and back. Without an expression for the way
/// back it also implements `Display`, and both are by `as_str`.
macro_rules! text_conversions {
    ($name:ident, $refused:ty) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
        $crate::text::text_conversions!($name, $refused, |value| value.as_str().to_owned());
    };
    ($name:ident, $refused:ty, |$value:ident| $text:expr) => {
        impl TryFrom<String> for $name {
            type Error = $refused;
            fn try_from(text: String) -> Result<Self, $refused> {
                Self::parse(&text)
            }
        }
        impl From<$name> for String {
            fn from($value: $name) -> String {
                $text
            }
        }
    };
}
pub(crate) use text_conversions;
