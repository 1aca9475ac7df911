//! Every route of the document, and what all of them must refuse in the same way.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::kit::http::{Reply, raw};
use tests::kit::installation::Place;
use tests::kit::person::{Person, Stranger};

use crate::ids::BAD_IDS;
use crate::routes::{Operation, Things, operations};

cases!(
    no_route_without_a_token,
    no_route_takes_an_id_that_is_none,
    no_route_takes_an_unknown_field,
    no_field_takes_null_against_the_document,
    no_route_takes_another_content_type,
    no_path_has_another_method,
    admin_routes_are_for_admins,
    open_routes_wait_for_no_position,
);

/// A read that waits for a position does so for two seconds.
const HELD: Duration = Duration::from_millis(1_800);

/// A caller for every route: an admin for the admins' ones.
struct Walker {
    ada: Person,
    admin: Person,
    things: Things,
    all: Vec<Operation>,
}

impl Walker {
    async fn new(place: &Place) -> Self {
        let (ada, bob) =
            (Person::register(place, "ada").await, Person::register(place, "bob").await);
        let things = Things::between(&ada, &bob).await;
        Self { admin: place.admin().await, things, ada, all: operations(place).await }
    }

    fn caller(&self, operation: &Operation) -> &Person {
        if operation.is_admins() { &self.admin } else { &self.ada }
    }

    async fn send(&self, operation: &Operation, path: &str, body: Option<Value>) -> Reply {
        let asked = if operation.secured {
            self.caller(operation).ask(&operation.method, path)
        } else {
            Stranger::new(&self.ada.place).ask(&operation.method, path)
        };
        match body {
            Some(body) => asked.json(body).once().await,
            None => asked.once().await,
        }
    }
}

async fn no_route_without_a_token(place: Place) {
    let walker = Walker::new(&place).await;
    let stranger = Stranger::new(&place);
    for operation in walker.all.iter().filter(|operation| operation.secured) {
        let path = operation.among(&walker.things);
        for header in [
            None,
            Some(""),
            Some("Bearer"),
            Some("Bearer "),
            Some("Basic YTpi"),
            Some("bearer null"),
        ] {
            let mut asked = stranger.ask(&operation.method, &path);
            if let Some(header) = header {
                asked = asked.header("authorization", header);
            }
            if let Some(body) = operation.sample(&walker.things) {
                asked = asked.json(body);
            }
            asked.once().await.problem(401, "unauthenticated");
        }
        // An unauthenticated caller does not learn what exists: the answer is the same without anything there.
        let nothing = operation.with_every_name("nothing");
        stranger.ask(&operation.method, &nothing).once().await.problem(401, "unauthenticated");
    }
}

async fn no_route_takes_an_id_that_is_none(place: Place) {
    let walker = Walker::new(&place).await;
    let nowhere = ["room", "usr", "msg", "ses", "ntf", "media"]
        .map(|kind| format!("{kind}_{}", "0".repeat(26)));
    for operation in walker.all.iter().filter(|operation| !operation.names().is_empty()) {
        let body =
            operation.sample(&walker.things).map(|body| body.to_string()).unwrap_or_default();
        let token = &walker.caller(operation).access;
        for bad in BAD_IDS.iter().copied().chain(nowhere.iter().map(String::as_str)) {
            // Written by hand: a library would tidy the path up.
            let path = operation.with_every_name(bad);
            let request = format!(
                "{} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\
                 content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                operation.method,
                body.len()
            );
            let (status, text) = raw(place.url(0), request.as_bytes()).await;
            // What RFC 3986 does not allow in a path is no request to begin with.
            let unreadable = status == 400 && bad.contains('>');
            // A text that is no emoji is a wrong value, whatever message it is for.
            let no_emoji = status == 400 && operation.names().contains(&"emoji");
            assert!(status == 404 || unreadable || no_emoji, "{} {path}: {text}", operation.method);
            assert!(
                !text.to_lowercase().contains("\nx-evil"),
                "{} {path}: {text}",
                operation.method
            );
        }
    }
}

async fn no_route_takes_an_unknown_field(place: Place) {
    let walker = Walker::new(&place).await;
    for operation in walker.all.iter().filter(|operation| !operation.is_socket()) {
        let path = operation.among(&walker.things);
        if operation.secured && operation.method == "GET" {
            for query in
                ["unknown=1", "unknown", "limit[$gt]=1", "$where=1", "__proto__=1", "a.b=c"]
            {
                let reply = walker.send(operation, &format!("{path}?{query}"), None).await;
                reply.problem(400, "validation_failed");
            }
        }
        let Some(body) = operation.sample(&walker.things) else { continue };
        for name in ["unknown", "$set", "a.b", "__proto__", "constructor", "", "_id", "Body", "id "]
        {
            let mut body = body.clone();
            body[name] = json!({"x": 1});
            let problem = walker.send(operation, &path, Some(body)).await;
            let problem = problem.problem(400, "validation_failed");
            let pointers: Vec<&str> = problem["errors"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|error| error["pointer"].as_str())
                .collect();
            assert!(pointers.contains(&format!("/{name}").as_str()), "{name}: {problem}");
        }
        for body in [json!([]), json!([body]), json!("x"), json!(1), json!(null), json!(true)] {
            let reply = walker.send(operation, &path, Some(body)).await;
            reply.problem(400, "validation_failed");
        }
    }
}

/// Null where the document does not allow it is a wrong type like any other, and not passed over; where the document
/// allows it, it is not refused.
async fn no_field_takes_null_against_the_document(place: Place) {
    let walker = Walker::new(&place).await;
    let (mut refused, mut taken) = (0, 0);
    for operation in &walker.all {
        let Some(body) = operation.sample(&walker.things) else { continue };
        let path = operation.among(&walker.things);
        for at in &operation.places {
            let mut body = at.emptied_in(body.clone());
            // What may be null is sent beside a fault, so that nothing is carried out.
            if at.may_be_null {
                body["unknown"] = json!(1);
            }
            let problem = walker.send(operation, &path, Some(body)).await;
            let problem = problem.problem(400, "validation_failed");
            let faults = problem["errors"].as_array().unwrap().iter();
            let wrong = faults.filter(|fault| fault["pointer"] == at.pointer.as_str());
            let codes: Vec<&Value> = wrong.map(|fault| &fault["code"]).collect();
            if at.may_be_null {
                assert!(!codes.contains(&&json!("wrong_type")), "{path} {at:?}: {problem}");
                taken += 1;
            } else {
                assert_eq!(codes, [&json!("wrong_type")], "{path} {at:?}: {problem}");
                refused += 1;
            }
        }
    }
    assert!(refused > 50 && taken > 40, "{refused} fields are never null, {taken} may be");
    // What a change leaves out stays; what may be absent is emptied.
    let me = walker.ada.get("/v1/users/me").await.ok(200);
    assert_eq!(me["username"], walker.ada.username);
}

async fn no_route_takes_another_content_type(place: Place) {
    let walker = Walker::new(&place).await;
    for operation in &walker.all {
        let Some(body) = operation.sample(&walker.things) else { continue };
        let (path, body) = (operation.among(&walker.things), body.to_string());
        for kind in [
            "",
            "content-type: text/plain\r\n",
            "content-type: text/json\r\n",
            "content-type: application/jsonx\r\n",
            "content-type: application/json;charset=utf-16\r\n",
            "content-type: application/x-www-form-urlencoded\r\n",
            "content-type: multipart/form-data; boundary=x\r\n",
            "content-type: application/xml\r\n",
        ] {
            let request = format!(
                "{} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nconnection: close\r\n{kind}\
                 content-length: {}\r\n\r\n{body}",
                operation.method,
                walker.caller(operation).access,
                body.len()
            );
            let (status, text) = raw(place.url(0), request.as_bytes()).await;
            assert_eq!(status, 415, "{} {path} {kind}: {text}", operation.method);
        }
    }
}

async fn no_path_has_another_method(place: Place) {
    let walker = Walker::new(&place).await;
    let mut paths: Vec<&str> = walker.all.iter().map(|one| one.path.as_str()).collect();
    paths.dedup();
    for path in paths {
        let here: Vec<&Operation> = walker.all.iter().filter(|one| one.path == path).collect();
        let has: Vec<&str> = here.iter().map(|one| one.method.as_str()).collect();
        let concrete = here[0].among(&walker.things);
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "BREW"] {
            if has.contains(&method) {
                continue;
            }
            let reply = walker.ada.ask(method, &concrete).once().await;
            let allow = reply.header("allow").to_owned();
            assert!(has.iter().all(|one| allow.contains(one)), "{method} {concrete}: {allow:?}");
            reply.problem(405, "method_not_allowed");
        }
    }
}

async fn admin_routes_are_for_admins(place: Place) {
    let walker = Walker::new(&place).await;
    for operation in walker.all.iter().filter(|operation| operation.is_admins()) {
        let path = operation.among(&walker.things);
        let mut asked = walker.ada.ask(&operation.method, &path);
        if let Some(body) = operation.sample(&walker.things) {
            asked = asked.json(body);
        }
        asked.once().await.problem(403, "forbidden");
        // Neither a header nor another spelling of the path makes an admin.
        for (name, value) in [
            ("x-role", "admin"),
            ("x-user-id", walker.admin.id.as_str()),
            ("x-original-url", "/v1/users/me"),
            ("x-rewrite-url", "/v1/users/me"),
            ("x-http-method-override", "GET"),
        ] {
            let asked = walker.ada.ask(&operation.method, &path).header(name, value);
            let reply = asked.once().await;
            assert!([400, 403].contains(&reply.status), "{name}: {}", reply.text);
        }
    }
    for path in [
        "/V1/admin/users",
        "/v1/admin//users",
        "/v1/./admin/users",
        "/v1/%61dmin/users",
        "/v1/admin/users/",
    ] {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nconnection: close\r\n\r\n",
            walker.ada.access
        );
        let (status, text) = raw(place.url(0), request.as_bytes()).await;
        assert!([403, 404].contains(&status), "{path}: {text}");
    }
}

/// No stranger has a request held by naming a place that the log has not reached.
async fn open_routes_wait_for_no_position(place: Place) {
    let walker = Walker::new(&place).await;
    let here = walker.ada.ask("PUT", "/v1/notifications/read").once().await;
    let epoch = here.header("tidings-position").split(':').next().unwrap_or_default().to_owned();
    let stranger = Stranger::new(&place);
    let open = |one: &&Operation| !one.secured && one.method == "GET" && !one.is_socket();
    for operation in walker.all.iter().filter(open) {
        let path = operation.with_every_name("nothing");
        for position in [format!("{epoch}:99999999"), format!("{epoch}:1"), "x:1".to_owned()] {
            let begun = Instant::now();
            let asked = stranger.ask("GET", &path).header("tidings-min-position", &position);
            let reply = asked.once().await;
            assert!(reply.status != 503, "{path} at {position}: {}", reply.text);
            assert!(begun.elapsed() < HELD, "{path} at {position}: {:?}", begun.elapsed());
        }
    }
}
