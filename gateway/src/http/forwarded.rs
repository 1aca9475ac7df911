//! What proxies in front of the gateway say of a request, as far as they are trusted.
//!
//! Each proxy adds to the end of a list what it saw; so lists are read from the right, through trusted hops only. What
//! stands further left was said by the client. `X-Forwarded-*` is what most proxies send; `Forwarded` (RFC 7239) is
//! read where there is none of it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::http::Version;
use ipnet::IpNet;

use super::head::header;
use crate::config::Config;
use crate::listen::Listen;

/// Where a request came from and what it was sent to, proxies that are trusted left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Forwarded {
    /// Who sent it.
    pub(super) ip: IpAddr,
    /// The host it was sent to, as the client knows it.
    pub(super) host: Option<String>,
    /// `http` or `https`, when a proxy says so or we speak TLS ourselves; what speaks plain text to us may stand for either.
    pub(super) scheme: Option<String>,
}

impl Forwarded {
    /// Looks at a request.
    pub(super) fn of(request: &HttpRequest, config: &Config) -> Self {
        let peer = request.peer_addr().map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.ip());
        let peer = peer.to_canonical();
        let scheme = config.tls.is_some().then(|| "https".to_owned());
        let own = Self { ip: peer, host: called(request), scheme };
        // Who may open the Unix socket is said by its folder, and is a proxy.
        let local = matches!(config.listen, Listen::Unix(_)) && request.peer_addr().is_none();
        if !local && !is_trusted(peer, &config.trusted_proxies) {
            return own;
        }
        let said = Said::of(request);
        let (ip, hops) = behind(peer, &said.clients, &config.trusted_proxies);
        let scheme = at(&said.schemes, hops).map(|scheme| scheme.to_ascii_lowercase());
        Self {
            ip,
            host: at(&said.hosts, hops).cloned().or(own.host),
            scheme: scheme
                .filter(|scheme| ["http", "https"].contains(&scheme.as_str()))
                .or(own.scheme),
        }
    }
}

/// The host that was called: over HTTP/2 it stands beside the path.
fn called(request: &HttpRequest) -> Option<String> {
    let authority = request.uri().authority().filter(|_| request.version() == Version::HTTP_2);
    let header = header(request, "host").map(str::to_owned);
    header.or_else(|| authority.map(ToString::to_string))
}

/// What stands in the headers, from left to right.
#[derive(Debug, Default, PartialEq)]
struct Said {
    clients: Vec<String>,
    hosts: Vec<String>,
    schemes: Vec<String>,
}

impl Said {
    fn of(request: &HttpRequest) -> Self {
        let list = |name: &str| -> Vec<String> {
            let values = request.headers().get_all(name).filter_map(|value| value.to_str().ok());
            let items = values.flat_map(|value| value.split(','));
            items.map(|item| item.trim().to_owned()).collect()
        };
        let said = Self {
            clients: list("x-forwarded-for"),
            hosts: list("x-forwarded-host"),
            schemes: list("x-forwarded-proto"),
        };
        if said != Self::default() {
            return said;
        }
        let mut said = Self::default();
        let values = request.headers().get_all("forwarded").filter_map(|value| value.to_str().ok());
        for element in values.flat_map(|value| split(value, ',')) {
            said.take(element);
        }
        said
    }

    /// Takes an element of `Forwarded`: `for=192.0.2.1;proto=https;host="x:1"`.
    fn take(&mut self, element: &str) {
        let value_of = |wanted: &str| {
            let mut pairs = split(element, ';').filter_map(|pair| pair.split_once('='));
            let found = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| value.trim().trim_matches('"').to_owned())
        };
        // An element that does not say who hides who was before it.
        self.clients.push(value_of("for").unwrap_or_default());
        self.hosts.extend(value_of("host"));
        self.schemes.extend(value_of("proto"));
    }
}

/// Splits where a separator stands outside quotes.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c| {
        quoted ^= c == '"';
        c == separator && !quoted
    })
}

/// Who is behind a peer, and how many trusted proxies stand between.
fn behind(peer: IpAddr, clients: &[String], trusted: &[IpNet]) -> (IpAddr, usize) {
    let (mut seen, mut hops) = (peer, 0);
    for (number, hop) in clients.iter().rev().enumerate() {
        // The peer was judged before.
        if number > 0 && !is_trusted(seen, trusted) {
            break;
        }
        let Some(ip) = address(hop) else { break };
        (seen, hops) = (ip, number);
    }
    (seen, hops)
}

/// What the outermost of so many trusted proxies said; of a shorter list, what its first said.
fn at(list: &[String], hops: usize) -> Option<&String> {
    let place = list.len().checked_sub(1)?.saturating_sub(hops);
    list.get(place).filter(|item| !item.is_empty())
}

/// An address as proxies write it: with a port or without, IPv6 in brackets or not.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let ip = bare.parse::<IpAddr>().ok();
    let ip = ip.or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))?;
    Some(ip.to_canonical())
}

fn is_trusted(ip: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&ip))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn of(peer: &str, headers: &[(&str, &str)]) -> Forwarded {
        let mut config = Config::at(([127, 0, 0, 1], 0).into());
        config.trusted_proxies =
            ["10.0.0.0/8", "fd00::/8"].iter().map(|net| net.parse().unwrap()).collect();
        let peer = SocketAddr::new(peer.parse().unwrap(), 1);
        let mut request = TestRequest::default().peer_addr(peer).insert_header(("host", "inner:1"));
        for header in headers {
            request = request.append_header(*header);
        }
        Forwarded::of(&request.to_http_request(), &config)
    }

    #[track_caller]
    fn comes_from(peer: &str, forwarded: &str, wanted: &str) {
        let found = of(peer, &[("x-forwarded-for", forwarded)]);
        assert_eq!(found.ip.to_string(), wanted, "{forwarded}");
    }

    #[test]
    fn only_trusted_proxies_say_who_is_behind_them() {
        comes_from("6.6.6.6", "1.1.1.1", "6.6.6.6");
        comes_from("10.0.0.1", "1.1.1.1", "1.1.1.1");
        comes_from("10.9.9.9", "9.9.9.9, 1.1.1.1", "1.1.1.1");
        comes_from("10.0.0.1", "9.9.9.9,1.1.1.1,10.0.0.2", "1.1.1.1");
        comes_from("10.0.0.1", "1.1.1.1, nonsense", "10.0.0.1");
        comes_from("10.0.0.1", "", "10.0.0.1");
        comes_from("10.0.0.1", "10.0.0.2, 10.0.0.3", "10.0.0.2");
        comes_from("::ffff:10.0.0.1", "::ffff:1.1.1.1", "1.1.1.1");
        comes_from("fd12::1", "[2001:db8::1]:4711", "2001:db8::1");
        comes_from("fd12::1", "1.1.1.1:80", "1.1.1.1");
        comes_from("fe80::1", "1.1.1.1", "fe80::1");
    }

    #[test]
    fn several_headers_are_one_list() {
        let headers = [("x-forwarded-for", "9.9.9.9"), ("x-forwarded-for", "1.1.1.1, 10.0.0.2")];
        assert_eq!(of("10.0.0.1", &headers).ip.to_string(), "1.1.1.1");
    }

    #[test]
    fn host_and_scheme_are_those_the_outermost_trusted_proxy_saw() {
        let said = |peer: &str, headers: &[(&str, &str)]| {
            let Forwarded { host, scheme, .. } = of(peer, headers);
            (host.unwrap_or_default(), scheme.unwrap_or_default())
        };
        let one = [
            ("x-forwarded-for", "1.1.1.1"),
            ("x-forwarded-host", "evil.example, chat.example.org"),
            ("x-forwarded-proto", "HTTPS"),
        ];
        assert_eq!(said("10.0.0.1", &one), ("chat.example.org".into(), "https".into()));
        assert_eq!(said("1.2.3.4", &one), ("inner:1".into(), String::new()));
        let two = [
            ("x-forwarded-for", "1.1.1.1, 10.0.0.2"),
            ("x-forwarded-host", "evil.example, chat.example.org, inner"),
            ("x-forwarded-proto", "https"),
        ];
        assert_eq!(said("10.0.0.1", &two), ("chat.example.org".into(), "https".into()));
        assert_eq!(said("10.0.0.1", &[]), ("inner:1".into(), String::new()));
        assert_eq!(said("10.0.0.1", &[("x-forwarded-proto", "gopher")]).1, "");
    }

    #[test]
    fn the_standard_header_is_read_where_there_is_no_other() {
        let text = r#"for=9.9.9.9, for="[2001:db8::1]:47";proto=https;host="chat.example.org:8443", for=10.0.0.2"#;
        let found = of("10.0.0.1", &[("forwarded", text)]);
        assert_eq!(found.ip.to_string(), "2001:db8::1");
        assert_eq!(found.host.as_deref(), Some("chat.example.org:8443"));
        assert_eq!(found.scheme.as_deref(), Some("https"));
        for hidden in ["for=unknown", "for=_hidden", "proto=https", "for=\"1.1.1.1", ";;=,"] {
            let found = of("10.0.0.1", &[("forwarded", hidden)]).ip.to_string();
            assert!(["10.0.0.1", "1.1.1.1"].contains(&found.as_str()), "{hidden}: {found}");
        }
        let both = [("forwarded", "for=9.9.9.9"), ("x-forwarded-for", "1.1.1.1")];
        assert_eq!(of("10.0.0.1", &both).ip.to_string(), "1.1.1.1");
    }
}
