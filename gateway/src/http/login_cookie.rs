//! The cookies that bind logins through a provider to the browser they were begun in: one a login, so that several can be
//! under way in one browser.
//!
//! Such a cookie comes back with the top-level navigation from the provider (`SameSite=Lax`), and only to the paths of
//! these logins. It is named by a hash of the login's state, which the provider knows; its value only the browser knows.

use actix_web::HttpRequest;
use actix_web::http::header::{COOKIE, HeaderValue};
use schemas::values::Secret;
use schemas::{Code, Digest, Rejection};

const PREFIX: &str = "tidings_login_";
/// Seconds a browser keeps it: as long as a login may take.
const KEPT: u32 = 600;
/// Cookies of logins that are looked at: a browser has no more under way.
const MOST: usize = 50;

/// The logins a browser says it has begun.
#[derive(Debug, Default)]
pub(crate) struct LoginCookies(Vec<(String, Secret)>);

fn name(state: &Secret) -> String {
    let digest = Digest::of(["login-cookie", state.expose()]);
    format!("{PREFIX}{}", digest.as_str().get(..16).unwrap_or_default())
}

impl LoginCookies {
    pub(super) fn of(request: &HttpRequest) -> Self {
        let headers = request.headers().get_all(COOKIE);
        let pairs = headers
            .filter_map(|value| value.to_str().ok())
            .flat_map(|all| all.split(';'))
            .filter_map(|one| one.trim().split_once('='))
            .filter(|(name, value)| name.starts_with(PREFIX) && !value.is_empty());
        let secret = |(name, value): (&str, &str)| (name.to_owned(), Secret::new(value));
        Self(pairs.take(MOST).map(secret).collect())
    }

    /// What this browser has kept of a login. A cookie that is there twice was put there by another site of the domain: it
    /// is none.
    pub(crate) fn find(&self, state: &Secret) -> Option<Secret> {
        let name = name(state);
        let mut found = self.0.iter().filter(|(known, _)| *known == name);
        let only = found.next().map(|(_, value)| value.clone());
        only.filter(|_| found.next().is_none())
    }
}

/// `Set-Cookie` that keeps a login until it comes back.
///
/// # Errors
/// `internal`, for what fits into no header.
pub(crate) fn keep(
    state: &Secret,
    browser: &Secret,
    secure: bool,
) -> Result<HeaderValue, Rejection> {
    set(state, browser.expose(), KEPT, secure)
}

/// `Set-Cookie` that forgets a login.
///
/// # Errors
/// As [`keep`].
pub(crate) fn forget(state: &Secret, secure: bool) -> Result<HeaderValue, Rejection> {
    set(state, "", 0, secure)
}

fn set(state: &Secret, value: &str, seconds: u32, secure: bool) -> Result<HeaderValue, Rejection> {
    let (name, secure) = (name(state), if secure { "; Secure" } else { "" });
    let cookie =
        format!("{name}={value}; Path=/v1/oidc; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    let unfit = |_| Rejection::new(Code::Internal, "a login fits into no cookie");
    HeaderValue::try_from(cookie).map_err(unfit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn a_browser_has_a_cookie_for_each_of_its_logins() {
        let (one, other) = (Secret::new("one"), Secret::new("other"));
        let kept =
            |state| keep(state, &Secret::new("b"), true).unwrap().to_str().unwrap().to_owned();
        assert!(
            kept(&one).ends_with("; Path=/v1/oidc; Max-Age=600; HttpOnly; SameSite=Lax; Secure")
        );
        assert!(!forget(&one, false).unwrap().to_str().unwrap().contains("Secure"));
        let pair = |state| kept(state).split(';').next().unwrap().to_owned();
        let of = |cookies: String| {
            LoginCookies::of(
                &TestRequest::default().insert_header(("cookie", cookies)).to_http_request(),
            )
        };
        let both = of(format!("a=b; {}; {}", pair(&one), pair(&other)));
        assert_eq!(both.find(&one).unwrap().expose(), "b");
        assert!(both.find(&other).is_some() && both.find(&Secret::new("third")).is_none());
        let twice = of(format!("{}; {}", pair(&one), pair(&one)));
        assert!(twice.find(&one).is_none());
    }
}
