//! Fields of a body or a query, parsed one by one, so that an answer can name everything that is wrong
//! at once and not only the first thing.

use schemas::values::InvalidValue;
use schemas::{FieldError, Rejection};
use serde_json::{Map, Value};

use super::json;
use super::query_pairs::{Pair, pairs};
use crate::problem;

/// Something with named fields that can be read from a request. Written by [`shape!`].
pub(crate) trait Shape: schemars::JsonSchema + Sized {
    /// The names of its fields.
    const FIELDS: &'static [&'static str];

    /// Takes its fields; none when one of them is at fault, which is then on record.
    fn read(fields: &mut Fields) -> Option<Self>;
}

/// Declares a [`Shape`]: the one list of a request's fields, from which both the reading and the
/// OpenAPI schema are made.
macro_rules! shape {
    ($($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident : $type:ty),* $(,)? })*) => {
        $(
            $(#[$meta])*
            #[derive(Debug, schemars::JsonSchema)]
            #[schemars(deny_unknown_fields)]
            pub(crate) struct $name { $($(#[$field_meta])* pub(crate) $field: $type,)* }

            impl $crate::http::Shape for $name {
                const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];

                fn read(fields: &mut $crate::http::Fields) -> Option<Self> {
                    $(let $field = fields.take(stringify!($field));)*
                    let _ = &fields;
                    Some(Self { $($field: $field?,)* })
                }
            }
        )*
    };
}
pub(crate) use shape;

/// Where fields stand in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Body,
    /// Every value is a text.
    Query,
}

/// Where a field stands. Its text is made only for one that is at fault.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pointer<'a> {
    /// A field of the request.
    Field(Place, &'a str),
    /// A field of an object.
    Within(&'a Pointer<'a>, &'a str),
    /// An item of a list.
    Item(&'a Pointer<'a>, usize),
}

impl Pointer<'_> {
    fn text(self) -> String {
        match self {
            Self::Field(Place::Body, name) => {
                format!("/{}", name.replace('~', "~0").replace('/', "~1"))
            }
            Self::Field(Place::Query, name) => format!("?{name}"),
            Self::Within(object, name) => format!("{}/{name}", object.text()),
            Self::Item(list, index) => format!("{}/{index}", list.text()),
        }
    }
}

/// The fields of one request, and what is wrong with them.
pub(crate) struct Fields {
    place: Place,
    given: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// Reads a body of some shape.
    ///
    /// # Errors
    /// `validation_failed`, naming every field at fault.
    pub(crate) fn of_body<S: Shape>(body: &[u8]) -> Result<S, Rejection> {
        // A client that sends nothing where nothing is required has said all there is to say.
        let body = if body.is_empty() { b"{}".as_slice() } else { body };
        match json::parse(body)? {
            Value::Object(given) => Self::of_object(given).read(),
            _ => Err(problem::bad("the body must be a JSON object")),
        }
    }

    /// Reads the query of a URL.
    ///
    /// # Errors
    /// `validation_failed`, naming every parameter at fault.
    pub(crate) fn of_query<S: Shape>(query: &str) -> Result<S, Rejection> {
        Self::of_pairs(pairs(query)?)
    }

    /// The same, of a query to which another server may add parameters: those that are not known are passed over.
    ///
    /// # Errors
    /// `validation_failed`, naming every parameter at fault.
    pub(crate) fn of_foreign_query<S: Shape>(query: &str) -> Result<S, Rejection> {
        let mut pairs = pairs(query)?;
        pairs.retain(|pair| S::FIELDS.contains(&pair.name.as_str()));
        Self::of_pairs(pairs)
    }

    fn of_pairs<S: Shape>(pairs: Vec<Pair>) -> Result<S, Rejection> {
        let mut given = Map::new();
        let mut errors = Vec::new();
        for Pair { name, value, is_text } in pairs {
            if !is_text {
                errors.push(error(format!("?{name}"), "invalid_format", "must be UTF-8"));
            }
            if given.insert(name.clone(), Value::String(value)).is_some() {
                errors.push(error(format!("?{name}"), "duplicate", "must be given only once"));
            }
        }
        Self::new(Place::Query, given, errors).read()
    }

    fn new(place: Place, given: Map<String, Value>, errors: Vec<FieldError>) -> Self {
        Self { place, given, errors }
    }

    /// The fields of a JSON object: a body, or a frame.
    pub(crate) fn of_object(given: Map<String, Value>) -> Self {
        Self::new(Place::Body, given, Vec::new())
    }

    fn read<S: Shape>(mut self) -> Result<S, Rejection> {
        let shape = S::read(&mut self);
        self.finish(shape)
    }

    /// What was read, unless a field was at fault or is left over.
    ///
    /// # Errors
    /// `validation_failed`, naming every field at fault.
    pub(crate) fn finish<T>(mut self, shape: Option<T>) -> Result<T, Rejection> {
        for name in std::mem::take(&mut self.given).keys() {
            let pointer = Pointer::Field(self.place, name);
            self.errors.push(error(pointer.text(), "unknown_field", "unknown field"));
        }
        match shape {
            Some(shape) if self.errors.is_empty() => Ok(shape),
            _ => Err(problem::invalid(self.errors)),
        }
    }

    /// Takes a field; none when it is at fault, which is then on record.
    pub(crate) fn take<T: FromField>(&mut self, name: &str) -> Option<T> {
        // A name that is a word of Rust is written `r#type` there.
        let name = name.strip_prefix("r#").unwrap_or(name);
        let value = self.given.remove(name);
        let pointer = Pointer::Field(self.place, name);
        let textual = self.place == Place::Query;
        T::from_field(Field { value, textual, pointer, errors: &mut self.errors })
    }

    /// Whether a field is a list with something in it.
    pub(crate) fn has_items(&self, name: &str) -> bool {
        matches!(self.given.get(name), Some(Value::Array(items)) if !items.is_empty())
    }

    /// Takes a field away that is an empty text; whether it was.
    pub(crate) fn is_empty_text(&mut self, name: &str) -> bool {
        let empty = matches!(self.given.get(name), Some(Value::String(text)) if text.is_empty());
        if empty {
            self.given.remove(name);
        }
        empty
    }

    /// Takes a field away that is null: it is as if it had been left out.
    pub(crate) fn drop_null(&mut self, name: &str) {
        if matches!(self.given.get(name), Some(Value::Null)) {
            self.given.remove(name);
        }
    }

    /// Takes a field away that says nothing, or is left out; whether it was.
    pub(crate) fn is_blank(&mut self, name: &str) -> bool {
        self.drop_null(name);
        self.is_empty_text(name) || !self.given.contains_key(name)
    }

    /// Puts a fault of a field on record.
    pub(crate) fn refuse(&mut self, name: &str, code: &str, detail: impl Into<String>) {
        let pointer = Pointer::Field(self.place, name);
        self.errors.push(error(pointer.text(), code, detail));
    }

    /// Passes over the fields that were not taken: what they should be is not known.
    pub(crate) fn pass_over_rest(&mut self) {
        self.given.clear();
    }
}

fn error(pointer: String, code: &str, detail: impl Into<String>) -> FieldError {
    FieldError { pointer, code: code.to_owned(), detail: detail.into() }
}

/// One field as it was sent.
pub(crate) struct Field<'a> {
    pub(super) value: Option<Value>,
    /// It stood in a query, where everything is a text.
    pub(super) textual: bool,
    pub(super) pointer: Pointer<'a>,
    pub(super) errors: &'a mut Vec<FieldError>,
}

impl Field<'_> {
    pub(super) fn refuse<T>(self, code: &str, detail: impl Into<String>) -> Option<T> {
        self.errors.push(error(self.pointer.text(), code, detail));
        None
    }

    pub(super) fn absent(&self) -> bool {
        self.value.is_none()
    }

    /// Whether it says that there is nothing in a field of some type.
    pub(super) fn null<T: FromField>(&self) -> bool {
        match &self.value {
            Some(Value::Null) => true,
            Some(Value::String(text)) => T::EMPTY_IS_NULL && text.is_empty(),
            _ => false,
        }
    }

    fn text(mut self) -> Option<(String, Self)> {
        match self.value.take() {
            Some(Value::String(text)) => Some((text, self)),
            None => self.refuse("required", "is required"),
            Some(_) => self.refuse("wrong_type", "must be a text"),
        }
    }

    pub(super) fn parsed<T>(
        self,
        parse: impl FnOnce(&str) -> Result<T, InvalidValue>,
    ) -> Option<T> {
        let (text, field) = self.text()?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(invalid) => field.refuse(invalid.code, invalid.detail),
        }
    }
}

/// A type a field can have.
pub(crate) trait FromField: Sized {
    /// Whether an empty text in an optional field of this type says as much as null.
    const EMPTY_IS_NULL: bool = false;

    /// Reads the field; none when it is at fault, which is then on record.
    fn from_field(field: Field<'_>) -> Option<Self>;
}

#[cfg(test)]
mod tests {
    use schemas::values::{Patch, RoomKind, RoomName, Topic, UserRef};

    use super::super::Limit;
    use super::*;

    shape! {
        /// For tests.
        Sample {
            name: RoomName,
            #[schemars(with = "Option<String>")]
            topic: Patch<Topic>,
            members: Option<Vec<UserRef>>,
            kind: Option<RoomKind>,
        }
        /// For tests.
        Paged {
            #[schemars(with = "Option<u32>")]
            limit: Limit,
            unread: Option<bool>,
        }
    }

    #[track_caller]
    fn wrong(body: &str) -> Vec<(String, String)> {
        let rejection = Fields::of_body::<Sample>(body.as_bytes()).unwrap_err();
        rejection.errors.into_iter().map(|error| (error.pointer, error.code)).collect()
    }

    #[test]
    fn everything_that_is_wrong_is_named_at_once() {
        let found = wrong(
            r#"{"topic":7,"members":["@ada","x","usr_"],"kind":"club","is_admin":true,"a/b":1}"#,
        );
        let pairs: Vec<(&str, &str)> =
            found.iter().map(|(pointer, code)| (pointer.as_str(), code.as_str())).collect();
        assert_eq!(
            pairs,
            [
                ("/name", "required"),
                ("/topic", "wrong_type"),
                ("/members/1", "invalid_format"),
                ("/members/2", "invalid_format"),
                ("/kind", "invalid_value"),
                ("/a~1b", "unknown_field"),
                ("/is_admin", "unknown_field"),
            ]
        );
    }

    #[test]
    fn absent_null_and_set_are_three_things() {
        let topic = |body: &str| {
            let sample = Fields::of_body::<Sample>(body.as_bytes())?;
            assert_eq!((sample.name.as_str(), sample.members, sample.kind), ("x", None, None));
            Ok::<_, Rejection>(sample.topic)
        };
        assert_eq!(topic(r#"{"name":"x"}"#), Ok(Patch::Keep));
        assert_eq!(topic(r#"{"name":"x","topic":null}"#), Ok(Patch::Clear));
        let set = Topic::parse("t").map(Patch::Set).unwrap();
        assert_eq!(topic(r#"{"name":"x","topic":"t"}"#), Ok(set));
        assert!(Fields::of_body::<Sample>(b"[]").is_err());
    }

    #[test]
    fn queries_are_texts_with_the_same_rules() {
        let paged = Fields::of_query::<Paged>("limit=200&unread=true").unwrap();
        assert_eq!((paged.limit.items(), paged.unread), (200, Some(true)));
        assert_eq!(Fields::of_query::<Paged>("").unwrap().limit.items(), 50);
        for bad in [
            "limit=0",
            "limit=201",
            "limit=1e9",
            "limit=-1",
            "limit=",
            "x=1",
            "unread=1",
            "limit=1&limit=2",
        ] {
            assert!(Fields::of_query::<Paged>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_another_server_adds_to_a_query_is_passed_over() {
        let read = |query| Fields::of_foreign_query::<Paged>(query).map(|paged| paged.unread);
        assert_eq!(read("unread=true&session_state=1&unknown=2&unknown=3"), Ok(Some(true)));
        assert!(read("unread=true&unread=true").is_err() && read("unread=1").is_err());
    }

    #[test]
    fn a_wrong_choice_is_answered_with_the_list_and_not_with_what_was_sent() {
        let body = br#"{"name":"x","kind":"<script>"}"#;
        let rejection = Fields::of_body::<Sample>(body).unwrap_err();
        let detail = &rejection.errors[0].detail;
        assert!(detail.contains("`channel`") && !detail.contains("script"), "{detail}");
    }
}
