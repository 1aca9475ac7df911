//! E-mail addresses.

use std::fmt;

use schemars::JsonSchema;

use crate::invalid::{InvalidValue, invalid};
use crate::text::text_serde;
use crate::values::text_value;

text_value!(
/// An e-mail address: one `@`, a local part of at most 64 and a whole of at most 254 bytes
/// (RFC 5321), no spaces, quotes or control characters, a domain with a dot or `localhost`.
/// White space around it is ignored, and the domain is folded to lower case.
Email, |text| {
    const BAD: &str = "not an e-mail address";
    // Keyboards of phones add a space behind a word.
    let text = text.trim();
    if text.len() > 254 {
        return Err(invalid("too_long", "email must have at most 254 characters"));
    }
    let Some((local, domain)) = text.split_once('@') else {
        return Err(invalid("invalid_format", BAD));
    };
    let local_ok = (1..=64).contains(&local.len())
        && !local.starts_with('.') && !local.ends_with('.') && !local.contains("..")
        && local.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b));
    let label = |l: &str| (1..=63).contains(&l.len()) && !l.starts_with('-') && !l.ends_with('-')
        && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let domain_ok = domain.split('.').all(label)
        && (domain.contains('.') || domain.eq_ignore_ascii_case("localhost"));
    if local_ok && domain_ok {
        Ok(format!("{local}@{}", domain.to_ascii_lowercase()))
    } else {
        Err(invalid("invalid_format", BAD))
    }
});

impl Email {
    /// In the place of the address of an erased account. It is no mailbox: the domain is reserved (RFC 2606).
    #[must_use]
    pub fn deleted() -> Self {
        Self("deleted@deleted.invalid".to_owned())
    }

    /// What stands behind the `@`, in lower case.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}
