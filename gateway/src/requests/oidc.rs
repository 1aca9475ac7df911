//! Logging in through a provider.

use schemas::commands::{
    BeginProviderLogin, FinishProviderLogin, ProviderAnswer, RedeemLoginCode, UnlinkIdentity,
};
use schemas::values::{ProviderId, Secret};
use schemas::{Code, CodeChallenge, Digest, Rejection};

use crate::http::{RefreshBy, shape};

/// Bytes of `return_to` at most.
const MAX_RETURN_TO: usize = 2_000;
/// Bytes of an error of a provider that are looked at.
const MAX_ERROR: usize = 64;
/// Where browsers go that do not say where.
pub(crate) const LOGIN_PAGE: &str = "/login";

shape! {
    /// How a login through a provider begins.
    NewProviderLogin {
        /// Where the browser goes in the end: a path of this server, or a URL of an allowed origin, without a fragment. The
        /// result comes in the fragment: `#code=...`, or `#error=<code>`. The default is `/login`.
        return_to: Option<String>,
        /// The SHA-256 of a random verifier of 43 to 128 characters, in base64url without padding (`S256` of RFC 7636).
        code_challenge: CodeChallenge,
    }
    /// What a provider answers; parameters it adds are ignored.
    ProviderReply {
        /// The state of the login.
        state: Option<Secret>,
        /// A code for the provider's token endpoint.
        code: Option<Secret>,
        /// Why there is none.
        error: Option<String>,
        /// The issuer that answers (RFC 9207).
        iss: Option<String>,
    }
    /// What removing a way to log in takes.
    IdentityRemoval {
        /// The current password. Left out by accounts without one.
        password: Option<Secret>,
        /// A code of the second factor, once the account has one.
        code: Option<Secret>,
    }
    /// A code that a login through a provider ended with.
    LoginCode {
        /// The code. It is good for 60 seconds, once.
        code: Secret,
        /// What `code_challenge` was made of.
        code_verifier: Secret,
        /// A code of the second factor, once the account has one.
        second_factor: Option<Secret>,
        /// Where the refresh token goes: `body`, the default, or `cookie`, for web pages.
        refresh: Option<RefreshBy>,
    }
}

impl IdentityRemoval {
    pub(crate) fn command(self, identity: Digest) -> UnlinkIdentity {
        let Self { password, code } = self;
        UnlinkIdentity { identity, password, code }
    }
}

impl NewProviderLogin {
    /// The command, with the address that the provider is to answer to.
    ///
    /// # Errors
    /// `validation_failed` for a place that browsers must not be sent to.
    pub(crate) fn command(
        self,
        provider: ProviderId,
        redirect_uri: String,
        allowed: impl Fn(&str) -> bool,
    ) -> Result<BeginProviderLogin, Rejection> {
        let return_to = self.return_to.unwrap_or_else(|| LOGIN_PAGE.to_owned());
        if !is_place(&return_to) || !(is_own_path(&return_to) || allowed(origin_of(&return_to))) {
            let detail =
                "must be a path of this server, or a URL of an allowed origin, without a fragment";
            let code = Code::ValidationFailed;
            return Err(Rejection::field(code, "?return_to", "invalid_value", detail));
        }
        let code_challenge = self.code_challenge;
        Ok(BeginProviderLogin { provider, redirect_uri, return_to, code_challenge })
    }
}

/// Visible ASCII without a fragment, and without what browsers read as something else than it looks like.
fn is_place(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_graphic() && !b"#\\\"<>".contains(&b);
    text.len() <= MAX_RETURN_TO && text.bytes().all(fits)
}

fn is_own_path(text: &str) -> bool {
    text.starts_with('/') && !text.starts_with("//")
}

/// The origin of a URL, as it stands there; a user in it is part of it, so that it is none.
fn origin_of(url: &str) -> &str {
    let Some(begin) = url.find("://").map(|place| place + 3) else { return "" };
    let rest = url.get(begin..).unwrap_or_default();
    let end = rest.find(['/', '?']).map_or(url.len(), |place| begin + place);
    url.get(..end).unwrap_or_default()
}

impl ProviderReply {
    /// The command for an answer, with what the browser has kept. None without a state, or without an answer.
    pub(crate) fn command(
        self,
        provider: ProviderId,
        browser: Option<Secret>,
        loopback: bool,
    ) -> Option<FinishProviderLogin> {
        let answer = match (self.error, self.code) {
            (Some(error), _) => ProviderAnswer::Error(error.chars().take(MAX_ERROR).collect()),
            (None, Some(code)) => ProviderAnswer::Code { code, iss: self.iss },
            (None, None) => return None,
        };
        Some(FinishProviderLogin { provider, state: self.state?, browser, answer, loopback })
    }
}

impl LoginCode {
    pub(crate) fn command(self, loopback: bool) -> RedeemLoginCode {
        let Self { code, code_verifier, second_factor, .. } = self;
        RedeemLoginCode { code, code_verifier, second_factor, loopback }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(return_to: &str) -> bool {
        let challenge =
            CodeChallenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap();
        let login =
            NewProviderLogin { return_to: Some(return_to.to_owned()), code_challenge: challenge };
        let allowed =
            |origin: &str| origin == "https://app.test" || origin == "http://127.0.0.1:80";
        let provider = ProviderId::parse("works").unwrap();
        login.command(provider, String::new(), allowed).is_ok()
    }

    #[test]
    fn browsers_are_sent_to_own_paths_and_allowed_origins_only() {
        for good in [
            "/",
            "/login?next=/r/1",
            "https://app.test",
            "https://app.test/x?y=//z",
            "https://app.test?x=https://evil.test",
            "http://127.0.0.1:80/",
        ] {
            assert!(may(good), "{good}");
        }
        for bad in [
            "",
            "login",
            "//evil.test",
            "/\\evil.test",
            "\\\\evil.test",
            "https:evil.test",
            "https://evil.test",
            "https://app.test.evil.test",
            "https://app.test@evil.test/",
            "https://user@app.test/",
            "https://app.test:444/",
            "javascript:alert(1)//https://app.test",
            "/login#code=1",
            "/a\r\nset-cookie: x",
            "/\tx",
            "/ü",
            &format!("/{}", "x".repeat(2_000)),
        ] {
            assert!(!may(bad), "{bad}");
        }
    }
}
