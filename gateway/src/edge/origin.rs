//! Which web pages may use the gateway from a browser: its own, and those of the origins in the settings.

use actix_web::HttpRequest;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, HeaderMap, HeaderValue, ORIGIN, VARY,
};

use super::arrival::header;
use crate::config::Config;

const ALLOWED_HEADERS: &str =
    "authorization, content-type, idempotency-key, tidings-min-position, traceparent";
const EXPOSED_HEADERS: &str = "tidings-position, tidings-trace, retry-after, ratelimit, ratelimit-policy, idempotent-replayed";
/// Browsers ask again after this many seconds.
const MAX_AGE: &str = "600";

/// Where a request says it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It is not from a web page, or does not say so.
    None,
    /// A page that may use the gateway.
    Allowed(String),
    /// Any other page.
    Foreign,
}

impl Origin {
    /// Judges a request.
    pub(crate) fn of(request: &HttpRequest, config: &Config) -> Self {
        let Some(value) = request.headers().get(ORIGIN) else { return Self::None };
        let Ok(origin) = value.to_str() else { return Self::Foreign };
        let listed = config.allowed_origins.iter().any(|one| one.eq_ignore_ascii_case(origin));
        if listed || is_own(origin, header(request, "host")) {
            Self::Allowed(origin.to_owned())
        } else {
            Self::Foreign
        }
    }

    /// Tells a browser what a page may do and see.
    pub(crate) fn grant(&self, preflight: Option<&str>, headers: &mut HeaderMap) {
        headers.append(VARY, HeaderValue::from_static("Origin"));
        let Self::Allowed(origin) = self else { return };
        let Ok(origin) = HeaderValue::from_str(origin) else { return };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED_HEADERS));
        if let Some(methods) = preflight.and_then(|methods| HeaderValue::from_str(methods).ok()) {
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(ALLOWED_HEADERS));
            headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
        }
    }
}

/// Whether an origin is the very host that was called.
fn is_own(origin: &str, host: Option<&str>) -> bool {
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    matches!((authority, host), (Some(authority), Some(host)) if authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[track_caller]
    fn judged(origin: &str) -> Origin {
        let mut config = Config::at(([127, 0, 0, 1], 0).into());
        config.allowed_origins = vec!["https://chat.example.org".to_owned()];
        let request = TestRequest::default()
            .insert_header(("host", "localhost:8080"))
            .insert_header(("origin", origin))
            .to_http_request();
        Origin::of(&request, &config)
    }

    #[test]
    fn own_and_listed_pages_are_allowed_and_look_alikes_are_not() {
        for good in ["http://localhost:8080", "https://chat.example.org"] {
            assert_eq!(judged(good), Origin::Allowed(good.to_owned()));
        }
        for bad in [
            "null",
            "http://localhost",
            "http://localhost:8080.evil.org",
            "https://chat.example.org.evil.org",
            "https://evil.org/chat.example.org",
            "http://chat.example.org",
            "localhost:8080",
        ] {
            assert_eq!(judged(bad), Origin::Foreign, "{bad}");
        }
    }
}
