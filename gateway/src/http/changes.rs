//! Shapes of changes to what exists: a field that is left out stays as it is, and the type of each field says what null
//! does to it. There is no third way: a field that is neither refused as null nor emptied by it would be passed over.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use schemas::values::Patch;

use super::fields::{Field, Fields, FromField};

/// A type that a field of a change can have.
pub(crate) trait Change: FromField {}

impl Fields {
    /// Takes a field of a change.
    pub(crate) fn take_change<T: Change>(&mut self, name: &str) -> Option<T> {
        self.take(name)
    }
}

/// A field that may be left out and not be null: what it stands for is never absent.
#[derive(Debug)]
pub(crate) struct Kept<T>(pub(crate) Option<T>);

impl<T: FromField> FromField for Kept<T> {
    fn from_field(field: Field<'_>) -> Option<Self> {
        if field.absent() {
            Some(Self(None))
        } else {
            T::from_field(field).map(|it| Self(Some(it)))
        }
    }
}

impl<T: FromField> Change for Kept<T> {}

/// Null empties the field, or makes it what it is at first.
impl<T: FromField> Change for Patch<T> {}

/// A schema describes what the field may be when it is there.
impl<T: JsonSchema> JsonSchema for Kept<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// What a field is that was left out: no value that a schema could show.
pub(crate) struct LeftOut;

/// The default of every field of a change.
pub(crate) const fn left_out() -> LeftOut {
    LeftOut
}

/// Declares a [`Shape`](super::Shape) whose fields may all be left out. Each is [`Kept`] or a [`Patch`]; any other type
/// does not compile.
macro_rules! changes {
    ($($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident : $type:ty),* $(,)? })*) => {
        $(
            $(#[$meta])*
            #[derive(Debug, schemars::JsonSchema)]
            #[schemars(deny_unknown_fields)]
            pub(crate) struct $name {
                $($(#[$field_meta])* #[schemars(default = "crate::http::left_out")] pub(crate) $field: $type,)*
            }

            impl $crate::http::Shape for $name {
                const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];

                fn read(fields: &mut $crate::http::Fields) -> Option<Self> {
                    $(let $field = fields.take_change(stringify!($field));)*
                    Some(Self { $($field: $field?,)* })
                }
            }
        )*
    };
}
pub(crate) use changes;

#[cfg(test)]
mod tests {
    use schemas::values::{RoomName, Topic};
    use serde_json::{Value, json};

    use super::*;

    changes! {
        /// For tests.
        Sample {
            /// It has to have one.
            name: Kept<RoomName>,
            /// It can do without.
            #[schemars(with = "Option<Topic>")]
            topic: Patch<Topic>,
        }
    }

    fn read(body: &Value) -> Result<Sample, Vec<(String, String)>> {
        let faults = |rejection: schemas::Rejection| {
            rejection.errors.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
        };
        Fields::of_body(body.to_string().as_bytes()).map_err(faults)
    }

    #[test]
    fn null_empties_or_is_refused() {
        let nothing = read(&json!({})).unwrap();
        assert!(nothing.name.0.is_none() && nothing.topic.is_keep());
        let emptied = read(&json!({"name": "x", "topic": null})).unwrap();
        assert_eq!(emptied.name.0.as_ref().map(RoomName::as_str), Some("x"));
        assert_eq!(emptied.topic, Patch::Clear);
        let faults = read(&json!({"name": null, "topic": 7})).unwrap_err();
        let wrong = |field: &str| (field.to_owned(), "wrong_type".to_owned());
        assert_eq!(faults, [wrong("/name"), wrong("/topic")]);
    }

    #[test]
    fn a_schema_says_what_may_be_null_and_requires_nothing() {
        let schema = schemars::schema_for!(Sample).to_value();
        assert!(schema.get("required").is_none() && !schema.to_string().contains("default"));
        let takes_null = |field: &str| schema["properties"][field].to_string().contains("\"null\"");
        assert!(takes_null("topic") && !takes_null("name"), "{schema}");
    }
}
