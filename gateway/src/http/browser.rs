//! The cookie way of refreshing a session: what a web page shows of itself, and what its browser is told to keep.
//!
//! The refresh token of a page lives in a cookie that scripts cannot read. A cookie is sent by itself, so reading it
//! wants an allowed `Origin` and a header that no form and no foreign page can set.

use actix_web::HttpRequest;
use actix_web::http::header::{COOKIE, HeaderValue};
use schemas::values::Secret;
use schemas::{Code, RefusalReason, Rejection};

use super::head::header;
use super::origin::Origin;
use crate::config::Config;

const NAME: &str = "tidings_refresh";
/// The header a page sends with a refresh; its value is `1`.
const CLIENT: &str = "tidings-client";
/// Seconds a browser keeps the cookie: as long as a session lives that is not used.
const KEPT: u32 = 30 * 24 * 3600;

/// Where a client keeps its refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RefreshBy {
    /// The answer carries it.
    Body,
    /// A cookie that scripts cannot read, for web pages.
    Cookie,
}

/// What a request shows of the page that made it.
pub(crate) struct Browser {
    cookie: Option<Secret>,
    trusted: bool,
    /// People reach this server over HTTPS, or the page came that way.
    secure: bool,
}

impl Browser {
    pub(super) fn of(request: &HttpRequest, config: &Config) -> Self {
        let origin = Origin::of(request, config);
        let public = config.public_url.as_deref().is_some_and(is_https);
        let secure = public || matches!(&origin, Origin::Allowed(origin) if is_https(origin));
        let trusted = matches!(origin, Origin::Allowed(_)) && header(request, CLIENT) == Some("1");
        Self { cookie: cookie(request), trusted, secure }
    }

    /// The refresh token of the cookie.
    ///
    /// # Errors
    /// `forbidden` for a page that may not use it, `unauthenticated` without a cookie.
    pub(crate) fn refresh_token(&self) -> Result<Secret, Rejection> {
        if !self.trusted {
            let detail =
                "a refresh by cookie wants an allowed Origin and the header Tidings-Client: 1";
            return Err(Rejection::because(RefusalReason::OriginNotAllowed, detail));
        }
        let absent = || Rejection::new(Code::Unauthenticated, "there is no refresh token");
        self.cookie.as_ref().map(|token| Secret::new(token.expose())).ok_or_else(absent)
    }

    /// `Set-Cookie` that keeps a refresh token.
    ///
    /// # Errors
    /// `internal`, for a token that fits into no header.
    pub(crate) fn keep(&self, token: &Secret) -> Result<HeaderValue, Rejection> {
        self.set(token.expose(), KEPT)
    }

    /// `Set-Cookie` that forgets the refresh token, if there is one: whether a browser has it, not every request shows.
    ///
    /// # Errors
    /// As [`Self::keep`].
    pub(crate) fn forget(&self) -> Result<HeaderValue, Rejection> {
        self.set("", 0)
    }

    fn set(&self, value: &str, seconds: u32) -> Result<HeaderValue, Rejection> {
        let secure = if self.secure { "; Secure" } else { "" };
        let cookie = format!(
            "{NAME}={value}; Path=/v1/sessions; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
        );
        let unfit = |_| Rejection::new(Code::Internal, "the refresh token fits into no cookie");
        HeaderValue::try_from(cookie).map_err(unfit)
    }
}

fn is_https(url: &str) -> bool {
    url.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"))
}

/// The refresh token among the cookies. A cookie that is there twice was put there by another site of the domain: it
/// is none.
fn cookie(request: &HttpRequest) -> Option<Secret> {
    let headers = request.headers().get_all(COOKIE);
    let mut found = headers
        .filter_map(|value| value.to_str().ok())
        .flat_map(|all| all.split(';'))
        .filter_map(|one| one.trim().split_once('='))
        .filter(|(name, value)| *name == NAME && !value.is_empty());
    let only = found.next().map(|(_, value)| Secret::new(value));
    only.filter(|_| found.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn browser(headers: &[(&str, &str)]) -> Browser {
        let mut request = TestRequest::default().insert_header(("host", "chat.test"));
        for header in headers {
            request = request.append_header(*header);
        }
        Browser::of(&request.to_http_request(), &Config::at(([127, 0, 0, 1], 0).into()))
    }

    const COOKIE: (&str, &str) = ("cookie", "a=b; tidings_refresh=ses_1.0.x");
    const OWN: (&str, &str) = ("origin", "https://chat.test");
    const CLIENT: (&str, &str) = ("tidings-client", "1");

    #[test]
    fn the_cookie_is_read_for_an_own_page_only() {
        let token = browser(&[COOKIE, OWN, CLIENT]).refresh_token().unwrap();
        assert_eq!(token.expose(), "ses_1.0.x");
        let foreign = ("origin", "https://evil.test");
        for headers in [&[COOKIE, OWN][..], &[COOKIE, CLIENT], &[COOKIE, CLIENT, foreign]] {
            let refused = browser(headers).refresh_token().unwrap_err();
            assert_eq!(refused.code, Code::Forbidden, "{headers:?}");
        }
        for headers in [&[OWN, CLIENT][..], &[OWN, CLIENT, COOKIE, COOKIE]] {
            let refused = browser(headers).refresh_token().unwrap_err();
            assert_eq!(refused.code, Code::Unauthenticated, "{headers:?}");
        }
    }

    #[test]
    fn the_cookie_is_secure_where_the_page_is() {
        let token = Secret::new("t");
        let kept = browser(&[OWN]).keep(&token).unwrap();
        assert_eq!(
            kept,
            "tidings_refresh=t; Path=/v1/sessions; Max-Age=2592000; HttpOnly; SameSite=Strict; Secure"
        );
        let plain = browser(&[("origin", "http://chat.test")]).keep(&token).unwrap();
        assert!(!plain.to_str().unwrap().contains("Secure"));
        for headers in [&[OWN][..], &[OWN, COOKIE], &[]] {
            let forgotten = browser(headers).forget().unwrap();
            assert!(forgotten.to_str().unwrap().starts_with("tidings_refresh=; "));
        }
    }

    #[test]
    fn the_cookie_is_secure_where_people_come_over_https() {
        for (url, secure) in [("HTTPS://chat.test/below", true), ("http://chat.test", false)] {
            let mut config = Config::at(([127, 0, 0, 1], 0).into());
            config.public_url = Some(url.to_owned());
            let browser = Browser::of(&TestRequest::default().to_http_request(), &config);
            let kept = browser.keep(&Secret::new("t")).unwrap();
            assert_eq!(kept.to_str().unwrap().ends_with("; Secure"), secure, "{url}");
        }
    }
}
