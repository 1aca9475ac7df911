//! Passwords that bcrypt or a careless parser would take for others.

use serde_json::json;
use tests::kit::installation::Place;
use tests::kit::person::{Person, Stranger};
use tests::kit::unique;

cases!(
    passwords_longer_than_bcrypt_takes_are_refused,
    huge_passwords_are_refused_unhashed,
    look_alike_passwords_are_different,
    every_spelling_of_a_password_is_the_same_one,
    a_wrong_present_password_is_refused_with_every_new_one,
    spaces_around_a_login_are_ignored,
);

async fn register(place: &Place, password: &str) -> (String, tests::kit::http::Reply) {
    let name = unique("pw");
    let body =
        json!({"username": name, "email": format!("{name}@example.org"), "password": password});
    (name, Stranger::new(place).post("/v1/users", body).await)
}

async fn logs_in(place: &Place, login: &str, password: &str) -> bool {
    let body = json!({"login": login, "password": password});
    let reply = Stranger::new(place).post("/v1/sessions", body).await;
    assert!([201, 401].contains(&reply.status), "{}", reply.text);
    reply.status == 201
}

async fn passwords_longer_than_bcrypt_takes_are_refused(place: Place) {
    let longest = format!("secret of {}", "x".repeat(62));
    assert_eq!(longest.len(), 72);
    let (name, reply) = register(&place, &longest).await;
    reply.ok(201);
    assert!(logs_in(&place, &name, &longest).await);
    for other in
        [format!("{longest}y"), format!("{longest}{}", "z".repeat(500)), longest[..71].to_owned()]
    {
        assert!(!logs_in(&place, &name, &other).await, "{} bytes", other.len());
    }
    for bad in [
        format!("{longest}y"),
        // 37 characters, 74 bytes.
        "ü".repeat(37),
        "secret of \0 it".to_owned(),
        "\0".repeat(20),
        "1234567".to_owned(),
        String::new(),
    ] {
        let problem = register(&place, &bad).await.1.problem(400, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], "/password");
        assert!(bad.is_empty() || !problem.to_string().contains(&bad), "it is not repeated");
    }
    // A NUL does not end a password either.
    let (name, reply) = register(&place, "secret of before").await;
    reply.ok(201);
    assert!(!logs_in(&place, &name, "secret of before\0").await);
    assert!(!logs_in(&place, &name, "secret of before\0after").await);
    let ada = Person::register(&place, "ada").await;
    for bad in [format!("{longest}y"), "secret of \0 it".to_owned()] {
        let body = json!({"current_password": ada.password, "new_password": bad});
        ada.post("/v1/users/me/password", body).await.problem(400, "validation_failed");
    }
}

async fn huge_passwords_are_refused_unhashed(place: Place) {
    let (ada, stranger) = (Person::register(&place, "ada").await, Stranger::new(&place));
    let huge = "x".repeat(1_000_000);
    register(&place, &huge).await.1.problem(413, "payload_too_large");
    let body = json!({"login": ada.username, "password": huge});
    stranger.post("/v1/sessions", body).await.problem(413, "payload_too_large");
    let body = json!({"current_password": huge, "new_password": huge});
    ada.post("/v1/users/me/password", body).await.problem(413, "payload_too_large");
    let big = "x".repeat(100_000);
    register(&place, &big).await.1.problem(400, "validation_failed");
    let body = json!({"login": ada.username, "password": big});
    stranger.post("/v1/sessions", body).await.problem(400, "validation_failed");
}

async fn look_alike_passwords_are_different(place: Place) {
    let (name, reply) = register(&place, "secret of Ångström").await;
    reply.ok(201);
    assert!(logs_in(&place, &name, "secret of Ångström").await);
    // The same letters put together from parts, or others that Unicode says are the same, are the same password.
    for same in ["secret of A\u{30a}ngstro\u{308}m", "secret of \u{212b}ngstro\u{308}m"] {
        assert!(logs_in(&place, &name, same).await, "{same}");
    }
    // Another case, white space around it, letters that only look the same.
    for other in [
        "secret of ångström",
        "SECRET OF ÅNGSTRÖM",
        " secret of Ångström",
        "secret of Ångström ",
        "secret of Ångstrom",
        "secret of Ångström\u{200d}",
        "secret\u{a0}of Ångström",
        "ｓecret of Ångström",
        "sеcret of Ångström",
    ] {
        assert!(!logs_in(&place, &name, other).await, "{other}");
    }
    for wrong in [json!({"$ne": ""}), json!(["secret of Ångström"]), json!(true), json!(null)] {
        let body = json!({"login": name, "password": wrong});
        let reply = Stranger::new(&place).post("/v1/sessions", body).await;
        reply.problem(400, "validation_failed");
    }
}

/// Numbers that follow from a seed, to make variants of.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

/// Pieces with two spellings, or one: composed, and taken apart.
const PIECES: [(&str, &str); 10] = [
    ("é", "e\u{301}"),
    ("ü", "u\u{308}"),
    ("\u{1e69}", "s\u{307}\u{323}"),
    ("한", "\u{1112}\u{1161}\u{11ab}"),
    ("\u{3a9}", "\u{2126}"),
    ("\u{915}\u{93c}", "\u{958}"),
    ("x", "x"),
    ("7", "7"),
    ("ß", "ß"),
    ("👩\u{200d}🚀", "👩\u{200d}🚀"),
];

async fn every_spelling_of_a_password_is_the_same_one(place: Place) {
    let mut dice = Dice(38);
    for round in 0..12 {
        let pieces: Vec<usize> = (0..4 + dice.below(4)).map(|_| dice.below(PIECES.len())).collect();
        let mut spelled = || -> String {
            let pick = |piece: &usize| match dice.below(2) {
                0 => PIECES[*piece].0,
                _ => PIECES[*piece].1,
            };
            let word: String = pieces.iter().map(pick).collect();
            format!("pass {word}")
        };
        let (first, others) = (spelled(), [spelled(), spelled(), spelled()]);
        let (name, reply) = register(&place, &first).await;
        if reply.status == 400 {
            // Its normal form is too long; then that of every spelling is.
            for other in others {
                register(&place, &other).await.1.problem(400, "validation_failed");
            }
            continue;
        }
        reply.ok(201);
        for other in &others {
            assert!(logs_in(&place, &name, other).await, "{round}: {first:?} as {other:?}");
        }
        let more = format!("{first}\u{301}");
        assert!(!logs_in(&place, &name, &more).await, "{round}: {more:?}");
    }
}

async fn a_wrong_present_password_is_refused_with_every_new_one(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let present = ada.password.clone();
    let wrong = [
        String::new(),
        format!("{present} "),
        present.to_uppercase(),
        format!("{present}\0"),
        present.chars().rev().collect(),
    ];
    for current in wrong {
        for new in [present.as_str(), "another horse", current.as_str()] {
            let body = json!({"current_password": current, "new_password": new});
            let reply = ada.post("/v1/users/me/password", body).await;
            // What cannot be a password at all is refused as such.
            assert!([401, 400].contains(&reply.status), "{}", reply.text);
            assert!(new.len() < 8 || new.contains('\0') || reply.status == 401, "{}", reply.text);
        }
    }
    assert!(logs_in(&place, &ada.username, &present).await);
    ada.get("/v1/users/me").await.ok(200);
}

async fn spaces_around_a_login_are_ignored(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let spaces = [" ", "\t", "\n", "\r\n", "\u{a0}", "\u{2003}", "\u{3000}", "\u{2028}", "\u{85}"];
    let mut dice = Dice(40);
    for login in [ada.username.clone(), ada.email.clone(), ada.username.to_uppercase()] {
        for _ in 0..6 {
            let mut some = || -> String {
                (0..dice.below(4)).map(|_| spaces[dice.below(spaces.len())]).collect()
            };
            let typed = format!("{}{login}{}", some(), some());
            assert!(logs_in(&place, &typed, &ada.password).await, "{typed:?}");
        }
        let middle = format!("{} {}", &login[..2], &login[2..]);
        assert!(!logs_in(&place, &middle, &ada.password).await, "{middle:?}");
        assert!(!logs_in(&place, &format!("{login}\u{200b}"), &ada.password).await);
    }
}
