//! Offers to leave HTTP, split in awkward places, and bodies that look like offers: none is accepted.

use tests::kit::installation::Place;
use tests::kit::kept::Kept;
use tests::kit::person::Person;

cases!(offers_of_all_kinds_are_ignored, bodies_that_look_like_offers_stay_bodies);

/// The same numbers in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }
}

const PROTOCOLS: &[&str] = &[
    "h2c",
    "H2C",
    "TLS/1.0",
    "HTTP/2.0, SHTTP/1.3, IRC/6.9",
    "websocket",
    "websockets",
    "x",
    "h2c,websocket",
];
const CONNECTIONS: &[&str] = &[
    "Upgrade",
    "upgrade",
    "UPGRADE, HTTP2-Settings",
    "HTTP2-Settings,Upgrade",
    "keep-alive, Upgrade",
    " , upgrade ,,",
    "keep-alive",
];
const NAMES: &[(&str, &str)] =
    &[("Connection", "Upgrade"), ("connection", "upgrade"), ("CONNECTION", "UPGRADE")];

fn offer(dice: &mut Dice) -> String {
    let (connection, upgrade) = NAMES[dice.roll(NAMES.len())];
    let mut headers = Vec::new();
    for _ in 0..=dice.roll(2) {
        headers.push(format!("{connection}: {}", dice.one(CONNECTIONS)));
    }
    for _ in 0..dice.roll(3) {
        headers.push(format!("{upgrade}:{}", dice.one(PROTOCOLS)));
    }
    if dice.roll(2) == 0 {
        headers.push("HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA".to_owned());
    }
    headers.iter().map(|header| format!("{header}\r\n")).collect()
}

async fn offers_of_all_kinds_are_ignored(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let bearer = format!("authorization: Bearer {}\r\n", ada.access);
    let mut dice = Dice(7);
    let mut kept = Kept::to(place.url(0)).await;
    let mut posts = 0;
    let rounds = if crate::scene::long() { 2_000 } else { 150 };
    for round in 0..rounds {
        let offer = offer(&mut dice);
        let (request, status) = match dice.roll(4) {
            0 => {
                posts += 1;
                let body = format!("{{\"body\": \"{round}\"}}");
                let length = body.len();
                let head = format!(
                    "POST /v1/rooms/{room}/messages HTTP/1.1\r\nhost: x\r\n{bearer}{offer}\
                     content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
                );
                (head + &body, 201)
            }
            1 => (format!("GET /v1/rooms HTTP/1.1\r\nhost: x\r\n{offer}{bearer}\r\n"), 200),
            2 => (format!("GET /v1/rooms HTTP/1.1\r\n{offer}host: x\r\n\r\n"), 401),
            _ => (format!("HEAD /v1/users/me HTTP/1.1\r\n{offer}host: x\r\n{bearer}\r\n"), 200),
        };
        // In one piece or several, wherever they are cut.
        let mut rest = request.as_bytes();
        while !rest.is_empty() {
            let (piece, more) = rest.split_at(1 + dice.roll(rest.len()));
            kept.write(piece).await;
            rest = more;
        }
        let answer = kept.answer(request.starts_with("HEAD")).await;
        assert_eq!(answer.status, status, "{request}: {}", answer.body);
        assert_eq!(answer.header("connection"), None, "{request}: {}", answer.head);
    }
    // The session sees what it wrote, over whichever connection.
    let seen = ada.ask("GET", &format!("/v1/rooms/{room}")).once().await.ok(200);
    assert_eq!(seen["message_count"], posts);
}

async fn bodies_that_look_like_offers_stay_bodies(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let mut kept = Kept::to(place.url(0)).await;
    for inner in [
        "GET /v1/ws HTTP/1.1\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\n\\r\\n",
        "\\r\\n0\\r\\n\\r\\nConnection: Upgrade",
        "Upgrade: h2c",
    ] {
        let body = format!("{{\"body\": \"{inner}\"}}");
        for chunked in [false, true] {
            let framing = if chunked {
                "transfer-encoding: chunked".to_owned()
            } else {
                format!("content-length: {}", body.len())
            };
            let body = if chunked {
                let (one, two) = body.split_at(body.len() / 2);
                format!(
                    "{:x};upgrade=h2c\r\n{one}\r\n{:X}\r\n{two}\r\n0\r\n\r\n",
                    one.len(),
                    two.len()
                )
            } else {
                body.clone()
            };
            let request = format!(
                "POST /v1/rooms/{room}/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
                 connection: upgrade\r\nupgrade: h2c\r\ncontent-type: application/json\r\n{framing}\r\n\r\n{body}",
                ada.access
            );
            let answer = kept.ask(&request).await;
            assert_eq!(answer.status, 201, "{request}: {}", answer.body);
            let said: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
            let wanted: serde_json::Value = serde_json::from_str(&format!("\"{inner}\"")).unwrap();
            // Line ends may be written in one way.
            let plain =
                |value: &serde_json::Value| value.as_str().unwrap().replace(['\r', '\n'], "");
            assert_eq!(plain(&said["body"]), plain(&wanted));
        }
    }
    // What cannot be told apart is refused and the connection ended, and nothing of it is a request.
    for odd in [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n",
        "content-length: 5\r\ncontent-length: 6\r\n",
        "transfer-encoding: gzip\r\n",
    ] {
        let mut kept = Kept::to(place.url(0)).await;
        let request = format!(
            "POST /v1/rooms HTTP/1.1\r\nhost: x\r\nupgrade: h2c\r\nconnection: upgrade\r\n{odd}\r\n\
             GET /v1/ws HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n"
        );
        assert_eq!(kept.ask(&request).await.status, 400, "{odd}");
    }
}
