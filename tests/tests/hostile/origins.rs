//! Web pages of other origins.

use serde_json::Value;
use tests::kit::installation::Place;
use tests::kit::person::Person;
use tests::kit::socket::handshake;

cases!(
    foreign_pages_open_no_socket,
    foreign_pages_read_no_answer,
    default_ports_may_be_written_or_not,
);

fn foreign(place: &Place) -> Vec<String> {
    let own = place.url(0);
    let port = own.rsplit(':').next().unwrap();
    vec![
        "https://evil.example".to_owned(),
        "null".to_owned(),
        "NULL".to_owned(),
        String::new(),
        "file://".to_owned(),
        format!("{own}.evil.example"),
        format!("{own}/"),
        format!("{own}@evil.example"),
        format!("{own}0"),
        format!("http://evil.example/{own}"),
        format!("http://evil.example#{own}"),
        format!("http://127.0.0.1.evil.example:{port}"),
        format!("http://localhost:{port}"),
        "http://127.0.0.1".to_owned(),
        format!("ws://127.0.0.1:{port}"),
        format!("ftp://127.0.0.1:{port}"),
        format!("127.0.0.1:{port}"),
        format!("{own} https://evil.example"),
        format!("{own},https://evil.example"),
        "*".to_owned(),
        format!("http://{}", "a".repeat(5_000)),
    ]
}

async fn foreign_pages_open_no_socket(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let bearer = format!("Bearer {}", ada.access);
    for origin in foreign(&place) {
        for headers in [
            &[("origin", origin.as_str())][..],
            &[("origin", origin.as_str()), ("authorization", &bearer)],
        ] {
            let opened = handshake(&place, 0, "/v1/ws", headers).await;
            assert_eq!(opened.err(), Some(403), "{origin:.80}");
        }
    }
    let own = place.url(0).to_owned();
    assert!(handshake(&place, 0, "/v1/ws", &[("origin", &own)]).await.is_ok());
    // Two origins are none; the library sends one, so this is written by hand.
    let request = "GET /v1/ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         origin: http://x\r\norigin: http://x\r\n\r\n";
    let (status, _) = tests::kit::http::raw(place.url(0), request.as_bytes()).await;
    assert_eq!(status, 403);
}

async fn foreign_pages_read_no_answer(place: Place) {
    let ada = Person::register(&place, "ada").await;
    for origin in foreign(&place) {
        let reply = ada.ask("GET", "/v1/users/me").header("origin", &origin).once().await;
        assert_eq!(reply.header("access-control-allow-origin"), "", "{origin:.80}");
        let asked = ada.ask("OPTIONS", "/v1/users/me").header("origin", &origin);
        let reply = asked.header("access-control-request-method", "PATCH").once().await;
        assert_eq!(reply.header("access-control-allow-origin"), "", "{origin:.80}");
        assert_eq!(reply.header("access-control-allow-methods"), "", "{origin:.80}");
        assert_eq!(reply.json, Value::Null);
    }
    let own = place.url(0).to_owned();
    let reply = ada.ask("GET", "/v1/users/me").header("origin", &own).once().await;
    assert_eq!(reply.header("access-control-allow-origin"), own);
    // Credentials are headers, never cookies: a browser has nothing to send by itself.
    assert_eq!(reply.header("access-control-allow-credentials"), "");
    assert_eq!(reply.header("set-cookie"), "");
}

/// A page is the server's own when host and port are, and what stands for no port is the default of the page's scheme.
async fn default_ports_may_be_written_or_not(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let bearer = format!("Bearer {}", ada.access);
    let hosts = ["chat.example.org", "CHAT.example.org", "127.0.0.1", "[::1]", "localhost"];
    let ports = ["", ":80", ":443", ":8443"];
    let pages = ports.into_iter().flat_map(|own| [("http", own), ("https", own)]);
    let pages: Vec<(&str, &str)> = pages.collect();
    for (host, served) in hosts.into_iter().flat_map(|host| ports.map(|served| (host, served))) {
        for (scheme, own) in pages.iter().copied() {
            let usual = if scheme == "https" { ":443" } else { ":80" };
            let port = |written: &str| if written.is_empty() { usual } else { written }.to_owned();
            let (asked, origin) = (format!("{host}{served}"), format!("{scheme}://{host}{own}"));
            let headers =
                [("host", asked.as_str()), ("origin", &origin), ("authorization", &bearer)];
            let opened = handshake(&place, 0, "/v1/ws", &headers).await;
            let wanted = (port(served) != port(own)).then_some(403);
            assert_eq!(opened.err(), wanted, "{asked} from {origin}");
        }
    }
}
