//! Who a provider says a person is.

use openidconnect::core::{CoreIdTokenClaims, CoreUserInfoClaims};
use openidconnect::{EndUserName, LocalizedClaim};

/// A person, as a provider describes them. The texts are the provider's: nothing of them is checked but the subject's
/// length.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Person {
    /// Who they are at this provider, for ever and to the letter: 1 to 255 bytes.
    pub subject: String,
    /// Their address.
    pub email: Option<String>,
    /// Whether the provider has made sure that they read mail sent there.
    pub email_verified: bool,
    /// What they like to be called there.
    pub username: Option<String>,
    /// Their name.
    pub name: Option<String>,
}

impl Person {
    /// As the identity token describes them.
    pub(crate) fn of(claims: &CoreIdTokenClaims) -> Self {
        Self {
            subject: claims.subject().to_string(),
            email: claims.email().map(|email| email.to_string()),
            email_verified: claims.email_verified().unwrap_or_default(),
            username: claims.preferred_username().map(|name| name.to_string()),
            name: first(claims.name()),
        }
    }

    /// The same, with what the user information adds. An address and whether it is verified come from one place.
    pub(crate) fn completed(mut self, claims: &CoreUserInfoClaims) -> Self {
        if self.email.is_none() {
            self.email = claims.email().map(|email| email.to_string());
            self.email_verified = claims.email_verified().unwrap_or_default();
        }
        let username = || claims.preferred_username().map(|name| name.to_string());
        self.username = self.username.or_else(username);
        self.name = self.name.or_else(|| first(claims.name()));
        self
    }
}

/// A name without a language, else in whichever there is.
fn first(name: Option<&LocalizedClaim<EndUserName>>) -> Option<String> {
    let name = name?;
    let value = name.get(None).or_else(|| name.iter().next().map(|(_, value)| value))?;
    Some(value.to_string())
}
