//! Which web pages may use the gateway from a browser: its own, and those of the origins in the settings.

use actix_web::HttpRequest;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, HeaderMap, HeaderValue, ORIGIN, VARY,
};

use std::net::Ipv6Addr;

use super::forwarded::Forwarded;
use crate::config::Config;

/// What pages may send along: to any route, and with the URLs of files.
const ALLOWED_HEADERS: &str = "authorization, content-type, idempotency-key, tidings-client, tidings-min-position, traceparent, range, \
                               if-match, if-none-match, if-modified-since, if-unmodified-since, if-range";
const EXPOSED_HEADERS: &str = "tidings-position, tidings-trace, retry-after, ratelimit, ratelimit-policy, idempotent-replayed, etag, \
                               accept-ranges, content-range, content-disposition";
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
        let Some(site) = Site::of(origin) else { return Self::Foreign };
        // The address that people reach it by is its own, whatever a proxy in front of it makes of the host.
        let public = config.public_url.as_deref().map(origin_of);
        let mut known = config.allowed_origins.iter().map(String::as_str).chain(public);
        let is_known = known.any(|one| Site::of(one).as_ref() == Some(&site));
        if is_known || site.is_own(&Forwarded::of(request, config)) {
            Self::Allowed(origin.to_owned())
        } else {
            Self::Foreign
        }
    }

    /// Whether a request was sent to an origin.
    pub(super) fn is_called(origin: &str, request: &HttpRequest, config: &Config) -> bool {
        Site::of(origin).is_some_and(|site| site.is_own(&Forwarded::of(request, config)))
    }

    /// Whether pages of an origin may use the gateway, which is reached at `site`.
    pub(crate) fn allows(origin: &str, site: &str, config: &Config) -> bool {
        let Some(asked) = Site::of(origin) else { return false };
        let own = [config.public_url.as_deref().map(origin_of), Some(site)];
        let listed = config.allowed_origins.iter().map(String::as_str);
        listed.chain(own.into_iter().flatten()).any(|one| Site::of(one).as_ref() == Some(&asked))
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

/// An origin (RFC 6454): two ways of writing the same one are equal.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Site {
    scheme: &'static str,
    host: String,
    port: u16,
}

impl Site {
    fn of(origin: &str) -> Option<Self> {
        let (scheme, rest) = origin.split_once("://")?;
        let scheme = ["http", "https"].into_iter().find(|one| scheme.eq_ignore_ascii_case(one))?;
        let (host, port) = authority(rest)?;
        Some(Self { scheme, host, port: port.unwrap_or_else(|| default_port(scheme)) })
    }

    /// Whether it is the very host that was called. Where it is not known how the client speaks to the proxy in
    /// front of us, either scheme will do, each with its default port.
    fn is_own(&self, called: &Forwarded) -> bool {
        if called.scheme.as_ref().is_some_and(|scheme| scheme != self.scheme) {
            return false;
        }
        called.host.as_deref().and_then(authority).is_some_and(|(host, port)| {
            host == self.host && port.unwrap_or_else(|| default_port(self.scheme)) == self.port
        })
    }
}

/// A URL without its path.
fn origin_of(url: &str) -> &str {
    let begin = url.find("://").map_or(0, |place| place + 3);
    let end = url.get(begin..).and_then(|rest| rest.find('/')).map(|place| begin + place);
    end.and_then(|end| url.get(..end)).unwrap_or(url)
}

fn default_port(scheme: &str) -> u16 {
    if scheme == "https" { 443 } else { 80 }
}

/// A host in one way of writing it, and its port if there is one.
fn authority(text: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (ip, port) = rest.split_once(']')?;
            let ip: Ipv6Addr = ip.parse().ok()?;
            (format!("[{ip}]"), port)
        }
        None => {
            let (host, port) = text.split_at(text.find(':').unwrap_or(text.len()));
            // A dot at the end names the root of all names, where every name begins anyway.
            let host = host.strip_suffix('.').unwrap_or(host);
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
            if host.is_empty() || !host.chars().all(fits) {
                return None;
            }
            (host.to_ascii_lowercase(), port)
        }
    };
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => None,
        None => return None,
        Some("") => None,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(digits.parse().ok().filter(|port| *port > 0)?)
        }
        Some(_) => return None,
    };
    Some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn judged(origin: &str) -> Origin {
        called(origin, "localhost:8080", None)
    }

    fn called(origin: &str, host: &str, proto: Option<&str>) -> Origin {
        let mut config = Config::at(([127, 0, 0, 1], 0).into());
        config.allowed_origins =
            vec!["https://chat.example.org".to_owned(), "http://OTHER.example.org.:80".to_owned()];
        config.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        let mut request = TestRequest::default().insert_header(("host", host));
        if let Some(proto) = proto {
            let proxy = "10.0.0.1:1".parse().unwrap();
            request = request.peer_addr(proxy).insert_header(("x-forwarded-proto", proto));
        }
        let request = request.insert_header(("origin", origin)).to_http_request();
        Origin::of(&request, &config)
    }

    #[test]
    fn own_and_listed_pages_are_allowed_and_look_alikes_are_not() {
        for good in [
            "http://localhost:8080",
            "https://chat.example.org",
            "HTTPS://Chat.Example.Org:443",
            "https://chat.example.org.",
            "http://other.example.org",
        ] {
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

    #[test]
    fn an_origin_is_allowed_that_is_ours_or_listed() {
        let mut config = Config::at(([127, 0, 0, 1], 0).into());
        config.allowed_origins = vec!["https://app.test".to_owned()];
        config.public_url = Some("https://chat.test/below".to_owned());
        let allows = |origin| Origin::allows(origin, "http://127.0.0.1:8080", &config);
        for good in ["https://app.test:443", "https://chat.test", "http://127.0.0.1:8080"] {
            assert!(allows(good), "{good}");
        }
        for bad in ["http://app.test", "https://chat.test.evil", "http://127.0.0.1", "", "null"] {
            assert!(!allows(bad), "{bad}");
        }
    }

    #[test]
    fn pages_of_the_public_url_are_own_ones() {
        let mut config = Config::at(([127, 0, 0, 1], 0).into());
        config.public_url = Some("https://chat.test/below".to_owned());
        let judged = |origin: &str| {
            let request = TestRequest::default().insert_header(("host", "10.0.0.1:8080"));
            Origin::of(&request.insert_header(("origin", origin)).to_http_request(), &config)
        };
        assert_eq!(judged("https://chat.test"), Origin::Allowed("https://chat.test".to_owned()));
        for bad in ["http://chat.test", "https://chat.test:8443", "https://chat.test.evil"] {
            assert_eq!(judged(bad), Origin::Foreign, "{bad}");
        }
    }

    #[test]
    fn default_ports_may_be_written_or_not() {
        let own = |origin: &str, host: &str| called(origin, host, None) != Origin::Foreign;
        let host = "my.example.net";
        for (origin, called) in [
            ("https://my.example.net", "my.example.net:443"),
            ("https://my.example.net:443", host),
            ("https://my.example.net:443", "My.Example.Net.:443"),
            ("http://my.example.net", "my.example.net:80"),
            ("http://my.example.net:80", host),
            ("http://[::1]", "[0:0::1]:80"),
            ("http://[::1]:8080", "[::1]:8080"),
            ("https://my.example.net", host),
            ("http://my.example.net", "my.example.net:"),
        ] {
            assert!(own(origin, called), "{origin} at {called}");
        }
        for (origin, called) in [
            ("https://my.example.net", "my.example.net:80"),
            ("http://my.example.net", "my.example.net:443"),
            ("https://my.example.net:8443", host),
            ("https://my.example.net", "my.example.net:8443"),
            ("http://[::1]", "[::2]:80"),
            ("http://[::1]:8080", "::1:8080"),
            ("http://my.example.net..", host),
            ("http://my.example.net:0", "my.example.net:0"),
            ("http://my.example.net:65616", host),
            ("http://my.example.net:+80", host),
        ] {
            assert!(!own(origin, called), "{origin} at {called}");
        }
    }

    #[test]
    fn a_trusted_proxy_says_which_scheme_it_is() {
        let own = |origin: &str, proto: &str| {
            called(origin, "my.example.net", Some(proto)) != Origin::Foreign
        };
        assert!(own("https://my.example.net", "https"));
        assert!(!own("http://my.example.net", "https"));
        assert!(own("http://my.example.net:80", "http"));
    }
}
