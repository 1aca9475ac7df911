//! Texts that hide something: invisible characters in every text a client can send.

use serde_json::{Value, json};
use tests::kit::installation::Place;
use tests::kit::lasting;
use tests::kit::person::{Person, Stranger, id_of};
use tests::kit::unique;

use crate::aftermath::events_of;

cases!(
    nothing_hidden_is_stored,
    nothing_without_a_look_is_a_text,
    lengths_are_counted_as_they_are_kept,
    no_name_is_taken_twice_in_disguise,
    reserved_words_are_refused_as_usernames,
    no_text_is_slow_to_read,
);

/// One of every kind of invisible character, with more at the ends of ranges.
fn hidden() -> Vec<char> {
    let ranges = [
        '\0'..='\u{8}',
        '\u{b}'..='\u{c}',
        '\u{e}'..='\u{1f}',
        '\u{7f}'..='\u{9f}',
        '\u{200b}'..='\u{200b}',
        '\u{2028}'..='\u{202e}',
        '\u{2060}'..='\u{2065}',
        '\u{206a}'..='\u{206f}',
        '\u{fff0}'..='\u{fffb}',
        '\u{fdd0}'..='\u{fdd1}',
        '\u{fffe}'..='\u{ffff}',
        '\u{1bca0}'..='\u{1bca3}',
        '\u{1d173}'..='\u{1d17a}',
        '\u{e0000}'..='\u{e0002}',
        '\u{e007f}'..='\u{e0080}',
        '\u{10fffe}'..='\u{10ffff}',
    ];
    // These stay where emoji or a script need them, which Latin letters do not.
    let single = "\u{ad}\u{34f}\u{61c}\u{115f}\u{1160}\u{17b4}\u{17b5}\u{180b}\u{180e}\u{200c}\u{200d}\u{200e}\u{200f}\
        \u{3164}\u{fe00}\u{fe0e}\u{fe0f}\u{feff}\u{ffa0}\u{e0041}\u{e0100}\u{e01ef}\u{e01f0}\u{e0fff}";
    ranges.into_iter().flatten().chain(single.chars()).collect()
}

/// Every text of every route: method, path, a good body, the field, whether it stands for a name.
struct Texts {
    room: String,
    message: String,
    ada: Person,
    admin: Person,
    name: String,
}

impl Texts {
    async fn new(place: &Place) -> Self {
        let ada = Person::register(place, "ada").await;
        let room = ada.channel().await.0;
        let message = id_of(&ada.says(&room, "hello").await);
        Self { room, message, ada, admin: place.admin().await, name: unique("new") }
    }

    fn fields(&self) -> Vec<(&'static str, String, Value, &'static str, bool)> {
        let Self { room, message, name, .. } = self;
        let account = json!({"username": name, "email": format!("{name}@example.org"), "password": "secret of new"});
        let notice = json!({"users": [self.ada.id], "title": "t", "body": "b"});
        let file = json!({"content_type": "text/plain", "size": 5});
        let room_path = format!("/v1/rooms/{room}");
        let me = || "/v1/users/me".to_owned();
        vec![
            ("POST", "/v1/users".to_owned(), account.clone(), "username", true),
            ("POST", "/v1/users".to_owned(), account, "display_name", true),
            ("PATCH", me(), json!({}), "display_name", true),
            ("PATCH", me(), json!({}), "username", true),
            ("PATCH", me(), json!({}), "bio", false),
            ("POST", "/v1/rooms".to_owned(), json!({"kind": "channel"}), "name", true),
            ("POST", "/v1/rooms".to_owned(), json!({"kind": "group"}), "name", true),
            ("POST", "/v1/rooms".to_owned(), json!({"kind": "group", "name": "x"}), "topic", false),
            ("PATCH", room_path.clone(), json!({}), "name", true),
            ("PATCH", room_path.clone(), json!({}), "topic", false),
            ("POST", format!("{room_path}/messages"), json!({}), "body", false),
            ("POST", format!("{room_path}/messages"), json!({"format": "markdown"}), "body", false),
            ("PATCH", format!("/v1/messages/{message}"), json!({}), "body", false),
            ("POST", "/v1/admin/notifications".to_owned(), notice.clone(), "title", false),
            ("POST", "/v1/admin/notifications".to_owned(), notice, "body", false),
            ("POST", "/v1/media".to_owned(), file, "filename", true),
            ("POST", format!("/v1/messages/{message}/reports"), json!({}), "reason", false),
        ]
    }

    /// Sends a text as every field that `wanted` picks, over REST and a socket: each is refused by name.
    async fn refused(&self, text: &str, wanted: impl Fn(&str, bool) -> bool) {
        for (method, path, mut body, field, name) in self.fields() {
            if !wanted(field, name) {
                continue;
            }
            body[field] = json!(text);
            let who = if path.contains("/admin/") { &self.admin } else { &self.ada };
            let problem =
                who.ask(method, &path).json(body).once().await.problem(400, "validation_failed");
            let pointer = problem["errors"][0]["pointer"].as_str().unwrap_or_default();
            let shown = text.escape_unicode();
            assert_eq!(pointer, format!("/{field}"), "{method} {path} {shown}: {problem}");
        }
    }

    async fn refused_by_socket(&self, socket: &mut tests::kit::socket::Socket, text: &str) {
        for frame in [
            json!({"type": "post", "room_id": self.room, "body": text}),
            json!({"type": "edit", "message_id": self.message, "body": text}),
        ] {
            let answer = socket.call(frame).await;
            let shown = text.escape_unicode();
            assert_eq!(answer["error"]["code"], "validation_failed", "{shown}: {answer}");
            assert_eq!(answer["error"]["errors"][0]["pointer"], "/body", "{shown}: {answer}");
        }
    }
}

async fn nothing_hidden_is_stored(place: Place) {
    let installation = lasting::one_process_installation().await;
    let texts = Texts::new(&place).await;
    let mut socket = texts.ada.connect().await;
    let before = events_of(installation, &texts.ada).await;
    for (n, c) in hidden().into_iter().enumerate() {
        let text = match n % 3 {
            0 => format!("ab{c}cd"),
            1 => format!("{c}abcd"),
            _ => format!("abcd{c}"),
        };
        texts.refused(&text, |_, _| true).await;
        texts.refused_by_socket(&mut socket, &text).await;
    }
    for isolate in
        ['\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}', '\u{2800}', '\u{e000}', '\u{378}']
    {
        texts.refused(&format!("ab{isolate}cd"), |_, name| name).await;
    }
    for lines in ["a\nb", "a\tb", "a\r\nb"] {
        texts.refused(lines, |field, name| name || field == "title").await;
    }
    let flood = format!("abc{}", "\u{336}\u{310}".repeat(100));
    texts.refused(&flood, |_, _| true).await;
    texts.refused_by_socket(&mut socket, &flood).await;
    assert_eq!(events_of(installation, &texts.ada).await, before, "nothing was stored");
    let message = texts.ada.get(&format!("/v1/messages/{}", texts.message)).await.ok(200);
    assert_eq!(message["body"], "hello");
}

async fn nothing_without_a_look_is_a_text(place: Place) {
    let texts = Texts::new(&place).await;
    let mut socket = texts.ada.connect().await;
    let alone = hidden().into_iter().filter(|c| !c.is_whitespace()).map(String::from);
    let more = [
        " ",
        "\u{a0}",
        "\u{3000}\u{2003}",
        "\u{2800}",
        "\u{2800}\u{2800}",
        "\u{1d159}",
        "\u{301}",
        "\u{2066}\u{2069}",
        "\u{2060}\u{feff}",
        "\u{200d}\u{200c}",
    ];
    for text in alone.chain(more.map(str::to_owned)) {
        texts.refused(&text, |field, _| field != "username").await;
        texts.refused_by_socket(&mut socket, &text).await;
    }
    for empty in ["", "\n\t\n"] {
        texts.refused(empty, |field, name| name && field != "username").await;
        texts.refused_by_socket(&mut socket, empty).await;
    }
}

async fn lengths_are_counted_as_they_are_kept(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let path = format!("/v1/rooms/{room}");
    for (field, most) in [("name", 100), ("topic", 1_000)] {
        for unit in ["x", "e\u{301}", "日", "🦀"] {
            let text = unit.repeat(most);
            let changed = ada.patch(&path, json!({field: text})).await.ok(200);
            let kept = changed[field].as_str().unwrap();
            assert_eq!(kept.chars().count(), most, "{field} {unit}");
            let longer = json!({field: unit.repeat(most + 1)});
            let problem = ada.patch(&path, longer).await.problem(400, "validation_failed");
            assert_eq!(problem["errors"][0]["code"], "too_long", "{problem}");
        }
    }
    for (field, most) in [("display_name", 64), ("bio", 2_000)] {
        let text = "e\u{301}".repeat(most);
        let changed = ada.patch("/v1/users/me", json!({field: text})).await.ok(200);
        assert_eq!(changed[field], "é".repeat(most));
        let longer = json!({field: "é".repeat(most + 1)});
        ada.patch("/v1/users/me", longer).await.problem(400, "validation_failed");
    }
    let said = ada.says(&room, &"e\u{301}".repeat(8_000)).await;
    assert_eq!(said["body"], "é".repeat(8_000));
    let said = ada.says(&room, "one\r\ntwo\rthree\n").await;
    assert_eq!(said["body"], "one\ntwo\nthree\n");
    for flag in ["🏴󠁧󠁢󠁳󠁣󠁴󠁿", "👩🏽‍❤️‍💋‍👨🏻", "می‌خواهم", "ශ්‍රී", "שלום\u{200f}!", "葛󠄀"]
    {
        assert_eq!(ada.says(&room, flag).await["body"], *flag);
    }
}

async fn no_name_is_taken_twice_in_disguise(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let base = unique("Éclair straße ﬁne ");
    let made = ada.post("/v1/rooms", json!({"kind": "channel", "name": base})).await.ok(201);
    for other in [
        base.to_uppercase(),
        base.to_lowercase(),
        base.replace('É', "E\u{301}"),
        base.replace('ß', "ss"),
        base.replace('ﬁ', "fi"),
        base.replace('r', "ｒ"),
        base.replace(' ', "\u{a0}"),
        base.replace(' ', "  "),
    ] {
        let body = json!({"kind": "channel", "name": other});
        let problem = ada.post("/v1/rooms", body).await.problem(409, "already_exists");
        assert_eq!(problem["errors"][0]["pointer"], "/name", "{other}");
        let encoded: String = other.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let found = ada.get(&format!("/v1/rooms?visibility=public&name={encoded}")).await.ok(200);
        assert_eq!(found["items"][0]["id"], made["id"], "{other}");
    }
    // Its own name in another spelling it may have.
    let path = format!("/v1/rooms/{}", id_of(&made));
    let renamed = ada.patch(&path, json!({"name": base.to_uppercase()})).await.ok(200);
    assert_eq!(renamed["name"], base.to_uppercase());
}

async fn reserved_words_are_refused_as_usernames(place: Place) {
    let (ada, stranger) = (Person::register(&place, "ada").await, Stranger::new(&place));
    let names = [
        "admin",
        "administrator",
        "all",
        "channel",
        "deleted",
        "everyone",
        "here",
        "me",
        "moderator",
        "room",
        "root",
        "support",
        "system",
    ];
    for name in names {
        for name in [name.to_owned(), name.to_uppercase()] {
            let code = if name.len() < 2 { "too_short" } else { "reserved" };
            let account =
                json!({"username": name, "email": "x@example.org", "password": "secret of x"});
            let problem =
                stranger.post("/v1/users", account).await.problem(400, "validation_failed");
            assert_eq!(problem["errors"][0]["pointer"], "/username");
            assert_eq!(problem["errors"][0]["code"], code, "{problem}");
            let change = json!({"username": name});
            let problem = ada.patch("/v1/users/me", change).await.problem(400, "validation_failed");
            assert_eq!(problem["errors"][0]["code"], code, "{problem}");
        }
    }
    for name in ["bob.", "bob-", "bob_", "bob..", "a.", ".bob", "b"] {
        let account =
            json!({"username": name, "email": "x@example.org", "password": "secret of x"});
        stranger.post("/v1/users", account).await.problem(400, "validation_failed");
    }
    assert_eq!(ada.get("/v1/users/me").await.ok(200)["username"], ada.username);
}

async fn no_text_is_slow_to_read(place: Place) {
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let room = ada.group(&[&bob]).await;
    let path = format!("/v1/rooms/{room}/messages");
    let named = format!("{} ", bob.at_name());
    for unit in [
        "[", ">", "*", "`", "_", "<", "(", "![", "[](", "*a_", "> > ", "- - ", "<!--", "a://", "@",
        "@a.", "\n>",
    ] {
        for start in ["", "\n\n"] {
            let room_left = 8_000 - named.len() - start.len();
            let body = format!("{named}{start}{}", unit.repeat(room_left / unit.len()));
            let said = ada.post(&path, json!({"body": body, "format": "markdown"})).await.ok(201);
            assert_eq!(said["mentions"], json!([bob.id]), "{unit}");
        }
    }
}
