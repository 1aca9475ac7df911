//! AWS Signature Version 4: in headers for this server's own requests, in the query for URLs that clients are given.

use std::fmt::Write as _;

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use schemas::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::store::Period;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// Stands for the checksum of a body that the one who signs does not know.
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// Who asks a store.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The id of the key.
    pub access_key: String,
    /// The secret that goes with it.
    pub secret_key: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

/// A request as far as it is signed.
#[derive(Debug, Default)]
pub(super) struct Signed<'a> {
    pub(super) method: &'a str,
    /// The header `Host`.
    pub(super) host: &'a str,
    /// As it was encoded.
    pub(super) path: &'a str,
    /// Not encoded.
    pub(super) query: Vec<(&'static str, String)>,
    /// The other headers that are signed, in lower case.
    pub(super) headers: Vec<(&'static str, String)>,
}

/// Signs requests to one region.
#[derive(Debug)]
pub(super) struct Signer {
    credentials: Credentials,
    region: String,
}

impl Signer {
    pub(super) fn new(credentials: Credentials, region: &str) -> Self {
        Self { credentials, region: region.to_owned() }
    }

    /// The headers that sign a request with this body, those that it has already among them; and its query, encoded.
    pub(super) fn sign(
        &self,
        mut request: Signed<'_>,
        body: &[u8],
        at: Timestamp,
    ) -> (Vec<(&'static str, String)>, String) {
        let (checksum, at) = (HEXLOWER.encode(&Sha256::digest(body)), stamp(at));
        request.headers.push(("x-amz-content-sha256", checksum.clone()));
        request.headers.push(("x-amz-date", at.clone()));
        let query = query(&request.query);
        let (canonical, names) = canonical(&request, &query, &checksum);
        let (signature, scope) = self.signature(&canonical, &at);
        let key = &self.credentials.access_key;
        let authorization = format!(
            "{ALGORITHM} Credential={key}/{scope}, SignedHeaders={names}, Signature={signature}"
        );
        request.headers.push(("authorization", authorization));
        (request.headers, query)
    }

    /// The query that lets its holder make a request, with exactly its headers, for some time.
    pub(super) fn presign(&self, mut request: Signed<'_>, period: Period) -> String {
        let at = stamp(period.from);
        let scope = self.scope(&at);
        let credential = format!("{}/{scope}", self.credentials.access_key);
        request.query.push(("X-Amz-Algorithm", ALGORITHM.to_owned()));
        request.query.push(("X-Amz-Credential", credential));
        request.query.push(("X-Amz-Date", at.clone()));
        request.query.push(("X-Amz-Expires", period.lasts.as_secs().to_string()));
        request.query.push(("X-Amz-SignedHeaders", headers(&request).1));
        let query = query(&request.query);
        let (canonical, _) = canonical(&request, &query, UNSIGNED);
        let (signature, _) = self.signature(&canonical, &at);
        format!("{query}&X-Amz-Signature={signature}")
    }

    fn scope(&self, at: &str) -> String {
        format!("{}/{}/s3/aws4_request", day(at), self.region)
    }

    /// The signature under a request, and for what its key is good.
    fn signature(&self, canonical: &str, at: &str) -> (String, String) {
        let scope = self.scope(at);
        let digest = HEXLOWER.encode(&Sha256::digest(canonical.as_bytes()));
        let text = format!("{ALGORITHM}\n{at}\n{scope}\n{digest}");
        let mut key = format!("AWS4{}", self.credentials.secret_key).into_bytes();
        for part in [day(at), &self.region, "s3", "aws4_request"] {
            key = keyed(&key, part);
        }
        (HEXLOWER.encode(&keyed(&key, &text)), scope)
    }
}

/// A moment as signatures write it: `20130524T000000Z`.
fn stamp(at: Timestamp) -> String {
    let text = at.to_string();
    let seconds = text.split('.').next().unwrap_or_default();
    let mut stamp: String = seconds.chars().filter(|c| !"-:Z".contains(*c)).collect();
    stamp.push('Z');
    stamp
}

fn day(stamp: &str) -> &str {
    stamp.get(..8).unwrap_or(stamp)
}

fn keyed(key: &[u8], text: &str) -> Vec<u8> {
    // A key of any length is one.
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.chain_update(text.as_bytes()).finalize().into_bytes().to_vec()
}

/// What is signed of a request, and the names of its headers.
fn canonical(request: &Signed<'_>, query: &str, checksum: &str) -> (String, String) {
    let (headers, names) = headers(request);
    let (method, path) = (request.method, request.path);
    (format!("{method}\n{path}\n{query}\n{headers}\n{names}\n{checksum}"), names)
}

/// Headers a line each, and their names.
fn headers(request: &Signed<'_>) -> (String, String) {
    let mut all: Vec<(&str, &str)> =
        request.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    all.push(("host", request.host));
    all.sort_unstable();
    let lines = all.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
    let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    (lines, names.join(";"))
}

/// A query as it is signed and sent: encoded, in order.
fn query(pairs: &[(&'static str, String)]) -> String {
    let mut all: Vec<(String, String)> =
        pairs.iter().map(|(name, value)| (encoded(name), encoded(value))).collect();
    all.sort_unstable();
    let all: Vec<String> = all.iter().map(|(name, value)| format!("{name}={value}")).collect();
    all.join("&")
}

/// A text with everything but letters, digits and `-._~` as percent signs.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// The key and the moment of the examples in Amazon's manual.
    fn signer() -> (Signer, Timestamp) {
        let credentials = Credentials {
            access_key: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
        };
        let at = Timestamp::parse("2013-05-24T00:00:00Z").unwrap();
        (Signer::new(credentials, "us-east-1"), at)
    }

    const HOST: &str = "examplebucket.s3.amazonaws.com";

    #[test]
    fn a_url_is_signed_as_the_manual_has_it() {
        let (signer, from) = signer();
        let request = Signed { method: "GET", host: HOST, path: "/test.txt", ..Signed::default() };
        let query = signer.presign(request, Period { from, lasts: Duration::from_secs(86_400) });
        assert_eq!(
            query,
            "X-Amz-Algorithm=AWS4-HMAC-SHA256\
             &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
             &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
             &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
        );
    }

    #[test]
    fn requests_are_signed_as_the_manual_has_it() {
        let (signer, at) = signer();
        let range = vec![("range", "bytes=0-9".to_owned())];
        let request =
            Signed { method: "GET", host: HOST, path: "/test.txt", headers: range, query: vec![] };
        let (headers, _) = signer.sign(request, b"", at);
        let (_, authorization) = headers.last().unwrap();
        let signature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
        assert!(authorization.ends_with(signature), "{authorization}");
        assert!(authorization.contains("SignedHeaders=host;range;x-amz-content-sha256;x-amz-date"));
        let pairs = vec![("prefix", "J".to_owned()), ("max-keys", "2".to_owned())];
        let request =
            Signed { method: "GET", host: HOST, path: "/", query: pairs, headers: vec![] };
        let (headers, query) = signer.sign(request, b"", at);
        assert_eq!(query, "max-keys=2&prefix=J");
        let (_, authorization) = headers.last().unwrap();
        let signature = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7";
        assert!(authorization.ends_with(signature), "{authorization}");
    }

    #[test]
    fn every_part_of_a_url_is_bound() {
        let (signer, from) = signer();
        let period = Period { from, lasts: Duration::from_secs(60) };
        let sign = |method: &'static str, path: &'static str, length: &str, period| {
            let headers = vec![("content-length", length.to_owned())];
            let request = Signed { method, host: HOST, path, headers, query: vec![] };
            let query = signer.presign(request, period);
            query.rsplit('=').next().unwrap().to_owned()
        };
        let one = sign("PUT", "/a", "1", period);
        assert_eq!(one, sign("PUT", "/a", "1", period));
        assert_ne!(one, sign("GET", "/a", "1", period));
        assert_ne!(one, sign("PUT", "/b", "1", period));
        assert_ne!(one, sign("PUT", "/a", "2", period));
        assert_ne!(
            one,
            sign("PUT", "/a", "1", Period { lasts: Duration::from_secs(61), ..period })
        );
        assert_ne!(one, sign("PUT", "/a", "1", Period { from: from.plus_seconds(1), ..period }));
    }

    #[test]
    fn what_is_not_plain_is_encoded_and_no_secret_is_shown() {
        assert_eq!(encoded("a b/\u{e9}+~"), "a%20b%2F%C3%A9%2B~");
        assert_eq!(stamp(Timestamp::from_millis(1_000_123)), "19700101T001640Z");
        assert!(!format!("{:?}", signer()).contains("wJalr"));
    }
}
