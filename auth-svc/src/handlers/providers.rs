//! Logging in through a provider: the way there and back. What becomes of the person is in `provider_sessions`.

use decider::{Answer, Call, accepted};
use oidc::{Failure as ProviderFailure, Person};
use schemas::commands::{
    BeginProviderLogin, BegunProviderLogin, FinishProviderLogin, FinishedProviderLogin,
    ListProviders, Provider, ProviderAnswer, ProviderLoginOutcome,
};
use schemas::values::{DisplayName, Email, Secret};
use schemas::{Code, RefusalReason, Rejection};

use crate::auth::Auth;
use crate::domain::identity::Claims;
use crate::provider_logins::{Arrived, Pending, fresh_secret, of_browser};
use crate::providers;

/// Bytes of a name of a person that are looked at.
const MAX_NAME: usize = 256;
/// Characters of a display name.
const MAX_DISPLAY_NAME: usize = 64;

fn gone() -> Rejection {
    let detail = "the login has expired, was finished, or was begun in another browser";
    Rejection::new(Code::Gone, detail)
}

/// What went wrong at a provider, as people are told. The reasons are in the log.
fn refused(provider: &providers::Provider, failure: &ProviderFailure) -> Rejection {
    tracing::warn!(oidc.provider = %provider.id, %failure, "a login through a provider failed");
    match failure {
        ProviderFailure::Unavailable(_) => {
            Rejection::new(Code::Unavailable, "the provider does not answer as it should")
        }
        ProviderFailure::CodeRefused => {
            Rejection::new(Code::InvalidCode, "the provider does not know this login")
        }
        ProviderFailure::Invalid(_) => {
            Rejection::new(Code::Unauthenticated, "the answer of the provider is not valid")
        }
    }
}

/// Why a person has not logged in (RFC 6749, section 4.1.2.1; OpenID Connect Core, section 3.1.2.6).
fn not_logged_in(error: &str) -> Rejection {
    match error {
        "access_denied" => {
            Rejection::because(RefusalReason::LoginCancelled, "the login was cancelled")
        }
        "server_error" | "temporarily_unavailable" => {
            Rejection::new(Code::Unavailable, "the provider does not answer as it should")
        }
        _ => Rejection::new(Code::Unauthenticated, "the provider did not log the user in"),
    }
}

impl Auth {
    pub(crate) async fn list_providers(&self, _: &Call, _: ListProviders) -> Answer<Vec<Provider>> {
        let all = self.providers.all().iter();
        let shown = all.map(|one| Provider { id: one.id.clone(), name: one.name.clone() });
        Ok(accepted(None, shown.collect()))
    }

    pub(crate) async fn begin_provider_login(
        &self,
        _: &Call,
        command: BeginProviderLogin,
    ) -> Answer<BegunProviderLogin> {
        let BeginProviderLogin { provider, redirect_uri, return_to, code_challenge } = command;
        let provider = self.providers.get(&provider)?;
        self.provider_logins.has_room()?;
        let begun = provider.client.begin(&redirect_uri).await;
        let begun = begun.map_err(|failure| refused(provider, &failure))?;
        let browser = fresh_secret();
        let pending = Pending {
            provider: provider.id.clone(),
            browser: of_browser(&browser),
            redirect_uri,
            return_to,
            code_challenge,
            nonce: begun.nonce,
            verifier: begun.verifier,
        };
        self.retry(|| self.provider_logins.begin(&begun.state, &pending)).await?;
        Ok(accepted(None, BegunProviderLogin { url: begun.url, state: begun.state, browser }))
    }

    /// Whatever comes of it, the login is over: an answer that comes again finds none.
    pub(crate) async fn finish_provider_login(
        &self,
        _: &Call,
        command: FinishProviderLogin,
    ) -> Answer<FinishedProviderLogin> {
        let FinishProviderLogin { provider, state, browser, answer, loopback } = command;
        let provider = self.providers.get(&provider)?;
        let back = || self.provider_logins.come_back(&state, browser.as_ref(), &provider.id);
        let pending = self.retry(back).await?.ok_or_else(gone)?;
        let outcome = match self.arrive(provider, &pending, answer, loopback).await {
            Ok(code) => ProviderLoginOutcome::Code(code),
            Err(rejection) => ProviderLoginOutcome::Failed(rejection.code),
        };
        Ok(accepted(None, FinishedProviderLogin { return_to: pending.return_to, outcome }))
    }

    /// Asks the provider who the person is, and whether they may come in; the code they come in by.
    async fn arrive(
        &self,
        provider: &providers::Provider,
        pending: &Pending,
        answer: ProviderAnswer,
        loopback: bool,
    ) -> Result<Secret, Rejection> {
        let (code, iss) = match answer {
            ProviderAnswer::Code { code, iss } => (code, iss),
            ProviderAnswer::Error(error) => return Err(not_logged_in(&error)),
        };
        let answer = oidc::Answer {
            code: code.expose(),
            iss: iss.as_deref(),
            redirect_uri: &pending.redirect_uri,
            nonce: &pending.nonce,
            verifier: &pending.verifier,
        };
        let person = provider.client.finish(&answer).await;
        let person = person.map_err(|failure| refused(provider, &failure))?;
        let arrived = Arrived {
            provider: provider.id.clone(),
            code_challenge: pending.code_challenge.clone(),
            identity: self.identity_of(provider, &person)?,
            claims: claims(person),
        };
        // What would be refused later is refused here, where the browser is sent back with the reason.
        self.retry(|| self.look_at(provider, &arrived, loopback)).await?;
        let code = fresh_secret();
        self.retry(|| self.provider_logins.arrive(&code, &arrived)).await?;
        Ok(code)
    }
}

/// What of a person can be used. An address that is not verified says nothing.
fn claims(person: Person) -> Claims {
    let Person { email, email_verified, username, name, .. } = person;
    let email = email.filter(|_| email_verified).and_then(|email| Email::parse(&email).ok());
    let name = name.map(|name| name.chars().take(MAX_DISPLAY_NAME).collect::<String>());
    Claims {
        email,
        username: username.filter(|name| name.len() <= MAX_NAME),
        display_name: name.and_then(|name| DisplayName::parse(&name).ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_counts_only_when_the_provider_has_verified_it() {
        let person = |verified| Person {
            subject: "1".to_owned(),
            email: Some("Ada@Example.org".to_owned()),
            email_verified: verified,
            username: Some("x".repeat(300)),
            name: Some(format!("Ada {}", "x".repeat(100))),
        };
        let known = claims(person(true));
        assert_eq!(known.email.unwrap().as_str(), "Ada@example.org");
        assert_eq!(known.username, None, "no user is called that");
        assert_eq!(known.display_name.unwrap().as_str().chars().count(), 64);
        assert_eq!(claims(person(false)).email, None);
        let none = Person { email: Some("no address".to_owned()), ..person(true) };
        assert_eq!(claims(none).email, None);
        let control = Person { name: Some("a\u{202e}b".to_owned()), ..person(true) };
        assert_eq!(claims(control).display_name, None);
    }
}
