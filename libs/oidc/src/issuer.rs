//! The URL that names a provider.

use std::fmt;

use openidconnect::IssuerUrl;

use crate::http::is_this_machine;

/// An issuer is not an `https` URL without query and fragment; `http` will do on this very machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidSettings;

impl fmt::Display for InvalidSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write an https URL without query, as the provider names itself")
    }
}
impl std::error::Error for InvalidSettings {}

/// Whether a text can be an issuer.
///
/// # Errors
/// [`InvalidSettings`].
pub fn check_issuer(issuer: &str) -> Result<(), InvalidSettings> {
    parsed(issuer.to_owned()).map(drop)
}

/// An issuer, and whether it is on this very machine.
pub(crate) fn parsed(issuer: String) -> Result<(IssuerUrl, bool), InvalidSettings> {
    let issuer = IssuerUrl::new(issuer).map_err(|_| InvalidSettings)?;
    let url = issuer.url();
    let plain = match (url.scheme(), url.host_str()) {
        ("https", Some(_)) => false,
        ("http", Some(host)) if is_this_machine(host.trim_matches(['[', ']'])) => true,
        _ => return Err(InvalidSettings),
    };
    let bare = url.query().is_none() && url.fragment().is_none();
    match bare && url.username().is_empty() && url.password().is_none() {
        true => Ok((issuer, plain)),
        false => Err(InvalidSettings),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_https_or_on_this_machine() {
        for (good, on_this_machine) in [
            ("https://id.test", false),
            ("https://id.test/realms/works/", false),
            ("http://127.0.0.1:9000", true),
            ("http://localhost/x", true),
            ("http://[::1]:9000", true),
        ] {
            let (issuer, plain) = parsed(good.to_owned()).unwrap();
            assert_eq!((issuer.as_str(), plain), (good, on_this_machine));
        }
        for bad in [
            "",
            "id.test",
            "http://id.test",
            "ftp://id.test",
            "https://id.test/?a=b",
            "https://id.test/#a",
            "https://user@id.test",
            "http://127.0.0.1.id.test",
        ] {
            assert_eq!(check_issuer(bad), Err(InvalidSettings), "{bad}");
        }
    }
}
