//! How a change of preferences is read: an object, each field by its own rule. Null clears only what may be absent.

use schemas::PreferencesPatch;
use schemas::preferences::EmailDelay;
use schemas::values::InvalidValue;
use serde_json::{Map, Value};

use super::fields::{Field, FromField, Pointer};

impl FromField for EmailDelay {
    fn from_field(mut field: Field<'_>) -> Option<Self> {
        let number = field.value.take().as_ref().and_then(Value::as_u64);
        let refused = |InvalidValue { code, detail }| (code, detail);
        match number.map(|minutes| Self::try_from(minutes).map_err(refused)) {
            Some(Ok(delay)) => Some(delay),
            Some(Err((code, detail))) => field.refuse(code, detail),
            None => field.refuse("wrong_type", "must be a whole number"),
        }
    }
}

/// The fields of an object that are still to be read.
struct Within<'a> {
    given: Map<String, Value>,
    of: Field<'a>,
}

impl Within<'_> {
    fn field<'a>(&'a mut self, name: &'a str, value: Option<Value>) -> Field<'a> {
        let pointer = Pointer::Within(&self.of.pointer, name);
        Field { value, textual: false, pointer, errors: &mut *self.of.errors }
    }

    /// A field that may be left out and not be null.
    fn some<T: FromField>(&mut self, name: &str) -> Option<Option<T>> {
        match self.given.remove(name) {
            None => Some(None),
            Some(value) => T::from_field(self.field(name, Some(value))).map(Some),
        }
    }

    fn take<T: FromField>(&mut self, name: &str) -> Option<T> {
        let value = self.given.remove(name);
        T::from_field(self.field(name, value))
    }
}

impl FromField for PreferencesPatch {
    fn from_field(mut field: Field<'_>) -> Option<Self> {
        let given = match field.value.take() {
            None => return field.refuse("required", "is required"),
            Some(Value::Object(given)) => given,
            Some(_) => return field.refuse("wrong_type", "must be an object"),
        };
        let mut within = Within { given, of: field };
        let direct_messages = within.some("direct_messages");
        let added_to_rooms = within.some("added_to_rooms");
        let email = within.some("email");
        let email_delay_minutes = within.some("email_delay_minutes");
        let read_receipts = within.some("read_receipts");
        let presence = within.some("presence");
        let do_not_disturb_until = within.take("do_not_disturb_until");
        let unknown: Vec<String> = within.given.keys().cloned().collect();
        for name in &unknown {
            let name = name.replace('~', "~0").replace('/', "~1");
            within.field(&name, None).refuse::<()>("unknown_field", "unknown field");
        }
        if !unknown.is_empty() {
            return None;
        }
        Some(Self {
            direct_messages: direct_messages?,
            added_to_rooms: added_to_rooms?,
            email: email?,
            email_delay_minutes: email_delay_minutes?,
            read_receipts: read_receipts?,
            presence: presence?,
            do_not_disturb_until: do_not_disturb_until?,
        })
    }
}

#[cfg(test)]
mod tests {
    use schemas::preferences::{MailAbout, Reach};
    use schemas::values::Patch;

    use super::super::{Fields, shape};
    use super::*;

    shape! {
        /// For tests.
        Sample { preferences: Option<PreferencesPatch> }
    }

    #[track_caller]
    fn wrong(preferences: &str) -> Vec<(String, String)> {
        let body = format!("{{\"preferences\":{preferences}}}");
        let rejection = Fields::of_body::<Sample>(body.as_bytes()).unwrap_err();
        rejection.errors.into_iter().map(|error| (error.pointer, error.code)).collect()
    }

    #[test]
    fn every_fault_is_named() {
        let found = wrong(
            r#"{"direct_messages":"friends","email":null,"email_delay_minutes":1441,"read_receipts":"no",
            "presence":1,"do_not_disturb_until":"tomorrow","a/b":1}"#,
        );
        let pairs: Vec<(&str, &str)> =
            found.iter().map(|(pointer, code)| (pointer.as_str(), code.as_str())).collect();
        assert_eq!(
            pairs,
            [
                ("/preferences/direct_messages", "invalid_value"),
                ("/preferences/email", "wrong_type"),
                ("/preferences/email_delay_minutes", "out_of_range"),
                ("/preferences/read_receipts", "wrong_type"),
                ("/preferences/presence", "wrong_type"),
                ("/preferences/do_not_disturb_until", "invalid_format"),
                ("/preferences/a~1b", "unknown_field"),
            ]
        );
        for delay in ["-1", "1.5", "1e2", "\"15\"", "18446744073709551616"] {
            assert_eq!(wrong(&format!("{{\"email_delay_minutes\":{delay}}}")).len(), 1, "{delay}");
        }
        assert_eq!(wrong("[]").len(), 1);
    }

    #[test]
    fn what_is_absent_stays() {
        let body = br#"{"preferences":{"direct_messages":"nobody","email":"all","do_not_disturb_until":null}}"#;
        let read = Fields::of_body::<Sample>(body).unwrap().preferences.unwrap();
        let expected = PreferencesPatch {
            direct_messages: Some(Reach::NoUser),
            email: Some(MailAbout::All),
            do_not_disturb_until: Patch::Clear,
            ..PreferencesPatch::default()
        };
        assert_eq!(read, expected);
        assert!(Fields::of_body::<Sample>(b"{}").unwrap().preferences.is_none());
    }
}
