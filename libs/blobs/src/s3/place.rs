//! Where a bucket is, as the setting says it: `s3://BUCKET/PREFIX?endpoint=URL&region=R&path_style=true`.

use std::net::IpAddr;

/// The region where none is said.
const REGION: &str = "us-east-1";

/// Why a text names no bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadPlace(&'static str);

/// A server that speaks S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// Whether it is spoken to over TLS.
    pub(super) tls: bool,
    /// In lower case; IPv6 addresses without brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

impl Endpoint {
    fn parse(url: &str) -> Option<Self> {
        let (tls, rest) = match url.strip_prefix("https://") {
            Some(rest) => (true, rest),
            None => (false, url.strip_prefix("http://")?),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']')?;
                host.parse::<IpAddr>().ok()?;
                (host, port.strip_prefix(':').or_else(|| port.is_empty().then_some("")))
            }
            None => match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, Some("")),
            },
        };
        let port = match port? {
            "" => Some(if tls { 443 } else { 80 }),
            port => port.parse().ok().filter(|port| *port != 0),
        };
        let named = |b: u8| b.is_ascii_alphanumeric() || b"-._:".contains(&b);
        let fits = !host.is_empty() && host.bytes().all(named);
        fits.then_some(Self { tls, host: host.to_ascii_lowercase(), port: port? })
    }

    /// Host and port as they stand in URLs; the usual port is left out, as clients do.
    fn authority(&self) -> String {
        let host = match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        };
        match (self.tls, self.port) {
            (true, 443) | (false, 80) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }

    fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }
}

/// A bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Place {
    bucket: String,
    /// Before every key: empty, or with a slash at its end.
    prefix: String,
    /// Where this server reaches it.
    endpoint: Endpoint,
    /// Where clients do.
    public: Endpoint,
    region: String,
    /// The bucket stands in paths, not in the name of the host.
    path_style: bool,
}

impl S3Place {
    /// Reads `s3://BUCKET[/PREFIX][?endpoint=URL&public_endpoint=URL&region=R&path_style=true|false]`. Without an endpoint it is
    /// AWS's of the region. The bucket is in the path where an endpoint is said, unless `path_style=false`.
    ///
    /// # Errors
    /// [`BadPlace`], which says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, BadPlace> {
        let rest = text.strip_prefix("s3://").ok_or(BadPlace("write s3://BUCKET?endpoint=URL"))?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
        let said = Said::parse(query)?;
        let region = said.region.unwrap_or_else(|| REGION.to_owned());
        let named = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if region.is_empty() || !region.bytes().all(named) {
            return Err(BadPlace("region: letters, digits and -"));
        }
        let own = said.endpoint.is_some();
        let endpoint = match said.endpoint {
            Some(url) => url,
            None => format!("https://s3.{region}.amazonaws.com"),
        };
        let bad = BadPlace("endpoint: write https://host or http://host:9000");
        let endpoint = Endpoint::parse(&endpoint).ok_or(bad)?;
        let bad = BadPlace("public_endpoint: write https://files.example.org");
        let public = match said.public_endpoint {
            Some(url) => Endpoint::parse(&url).ok_or(bad)?,
            None => endpoint.clone(),
        };
        let place = Self {
            bucket: bucket.to_owned(),
            prefix: prefix_of(prefix)?,
            path_style: said.path_style.unwrap_or(own),
            endpoint,
            public,
            region,
        };
        place.judged()
    }

    fn judged(self) -> Result<Self, BadPlace> {
        let named = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b);
        let edges = [self.bucket.bytes().next(), self.bucket.bytes().last()];
        let edged = edges.iter().flatten().all(u8::is_ascii_alphanumeric);
        if !(3..=63).contains(&self.bucket.len()) || !self.bucket.bytes().all(named) || !edged {
            return Err(BadPlace("a bucket has 3 to 63 of [a-z0-9.-]"));
        }
        let numbered = |end: &Endpoint| end.host.parse::<IpAddr>().is_ok();
        if !self.path_style && (numbered(&self.endpoint) || numbered(&self.public)) {
            return Err(BadPlace("an endpoint that is an address needs path_style=true"));
        }
        if !self.path_style && self.bucket.contains('.') && (self.endpoint.tls || self.public.tls) {
            return Err(BadPlace(
                "no certificate covers a bucket with a dot; give path_style=true",
            ));
        }
        Ok(self)
    }

    /// The region that signatures name.
    pub(super) fn region(&self) -> &str {
        &self.region
    }

    /// Before every key.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// What this server connects to: over TLS or not, to which host and port.
    pub(super) fn server(&self) -> (bool, String, u16) {
        let Endpoint { tls, host, port } = &self.endpoint;
        match self.path_style {
            true => (*tls, host.clone(), *port),
            false => (*tls, format!("{}.{host}", self.bucket), *port),
        }
    }

    /// The header `Host` of this server's requests.
    pub(super) fn host(&self) -> String {
        self.host_at(&self.endpoint)
    }

    /// The header `Host` of clients' requests.
    pub(super) fn public_host(&self) -> String {
        self.host_at(&self.public)
    }

    fn host_at(&self, endpoint: &Endpoint) -> String {
        match self.path_style {
            true => endpoint.authority(),
            false => format!("{}.{}", self.bucket, endpoint.authority()),
        }
    }

    /// The origin that clients are sent to.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("{}://{}", self.public.scheme(), self.public_host())
    }

    /// Whether clients reach it over TLS.
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.public.tls
    }

    /// The path of an object; of the bucket for an empty key.
    pub(super) fn path(&self, key: &str) -> String {
        match (self.path_style, key.is_empty()) {
            (true, true) => format!("/{}", self.bucket),
            (true, false) => format!("/{}/{key}", self.bucket),
            (false, _) => format!("/{key}"),
        }
    }
}

/// What stands behind the question mark.
#[derive(Default)]
struct Said {
    endpoint: Option<String>,
    public_endpoint: Option<String>,
    region: Option<String>,
    path_style: Option<bool>,
}

impl Said {
    fn parse(query: &str) -> Result<Self, BadPlace> {
        let mut said = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = decoded(value).ok_or(BadPlace("a % is not followed by two digits"))?;
            let before = match name {
                "endpoint" => said.endpoint.replace(value).is_some(),
                "public_endpoint" => said.public_endpoint.replace(value).is_some(),
                "region" => said.region.replace(value).is_some(),
                "path_style" => {
                    let value = value.parse().map_err(|_| BadPlace("path_style: true or false"))?;
                    said.path_style.replace(value).is_some()
                }
                _ => {
                    return Err(BadPlace(
                        "of endpoint, public_endpoint, region and path_style only, with & between them",
                    ));
                }
            };
            if before {
                return Err(BadPlace("each of endpoint, region and path_style only once"));
            }
        }
        Ok(said)
    }
}

/// A value of a query without its percent signs.
fn decoded(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        match byte {
            b'%' => {
                let code = digit(rest.next()?)? * 16 + digit(rest.next()?)?;
                bytes.push(u8::try_from(code).ok()?);
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).ok()
}

fn prefix_of(text: &str) -> Result<String, BadPlace> {
    let text = text.strip_suffix('/').unwrap_or(text);
    let named = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    let part =
        |part: &str| !part.is_empty() && part != "." && part != ".." && part.bytes().all(named);
    match text {
        "" => Ok(String::new()),
        text if text.len() <= 200 && text.split('/').all(part) => Ok(format!("{text}/")),
        _ => Err(BadPlace("what follows the bucket: at most 200 of [A-Za-z0-9._-] and /")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is(text: &str, origin: &str, path: &str) {
        let place = S3Place::parse(text).unwrap();
        assert_eq!((place.origin().as_str(), place.path("k").as_str()), (origin, path), "{text}");
    }

    #[test]
    fn a_bucket_is_named_in_the_path_or_in_the_host() {
        is("s3://files", "https://files.s3.us-east-1.amazonaws.com", "/k");
        is("s3://files?region=eu-1", "https://files.s3.eu-1.amazonaws.com", "/k");
        is("s3://files?region=eu-1&path_style=true", "https://s3.eu-1.amazonaws.com", "/files/k");
        is("s3://files?endpoint=http://127.0.0.1:9000", "http://127.0.0.1:9000", "/files/k");
        is("s3://files?endpoint=http%3A%2F%2F[::1]:9000/", "http://[::1]:9000", "/files/k");
        is(
            "s3://files?endpoint=https://S3.example.org:443&path_style=false",
            "https://files.s3.example.org",
            "/k",
        );
        let inside = "s3://files?endpoint=http://store:9000&public_endpoint=https://f.example.org";
        is(inside, "https://f.example.org", "/files/k");
        let place = S3Place::parse(inside).unwrap();
        assert_eq!(place.server(), (false, "store".to_owned(), 9000));
        assert_eq!(place.host(), "store:9000");
        assert_eq!(place.path(""), "/files");
        let place = S3Place::parse("s3://files/a/b/?region=r").unwrap();
        assert_eq!((place.prefix(), place.region()), ("a/b/", "r"));
        assert_eq!(place.server().1, "files.s3.r.amazonaws.com");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, said) in [
            ("files", "write s3://"),
            ("s3://", "3 to 63"),
            ("s3://Files", "3 to 63"),
            ("s3://-files", "3 to 63"),
            ("s3://files?endpoint=store:9000", "endpoint: "),
            ("s3://files?endpoint=https://store/path", "endpoint: "),
            ("s3://files?endpoint=https://me@store", "endpoint: "),
            ("s3://files?endpoint=http://store:0", "endpoint: "),
            ("s3://files?endpoint=http://[::1", "endpoint: "),
            ("s3://files?public_endpoint=store", "public_endpoint: "),
            ("s3://files?region=a/b", "region: "),
            ("s3://files?region=", "region: "),
            ("s3://files?path_style=yes", "path_style: "),
            ("s3://files?style=path", "only, with &"),
            ("s3://files?region=a&region=b", "only once"),
            ("s3://files?region=%4", "% is not"),
            ("s3://files?endpoint=http://127.0.0.1:9000&path_style=false", "needs path_style"),
            ("s3://my.files", "with a dot"),
            ("s3://files/../x", "what follows"),
            ("s3://files/a//b", "what follows"),
        ] {
            let error = S3Place::parse(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
