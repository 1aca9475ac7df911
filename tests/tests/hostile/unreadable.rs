//! Values that could be written so that they cannot be read back: depths, numbers, times, keys, texts. Whatever is
//! accepted comes back as it was given, and every event in the log is one that can be read.

use serde_json::{Map, Value, json};
use tests::kit::installation::Place;
use tests::kit::person::Person;

cases!(
    settings_come_back_or_are_refused,
    settings_have_sixteen_levels_and_sixteen_kibibytes,
    times_stay_within_four_digits,
);

/// A value with this many levels, objects and lists in turn.
fn nested(levels: usize) -> Value {
    (1..levels).fold(json!({}), |inside, level| match level % 3 {
        0 => json!([inside]),
        _ => json!({ "a": inside }),
    })
}

/// A generator with a memory of one number, so that a failure can be played again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn text(&mut self) -> String {
        let pieces = [
            "a",
            "\0",
            "\u{1f}",
            "\u{2028}",
            "\u{feff}",
            "$",
            ".",
            "\"",
            "\\\\",
            "\u{10ffff}",
            "é",
            "e\u{301}",
            "🦀",
            "",
        ];
        let count = self.below(4);
        let piece = |dice: &mut Self| pieces[usize::try_from(dice.below(14)).unwrap()];
        (0..count).map(|_| piece(self)).collect()
    }

    fn number(&mut self) -> Value {
        let bits = self.below(u64::MAX);
        match self.below(6) {
            0 => json!(bits),
            1 => json!(bits.cast_signed()),
            2 => json!(f64::from_bits(bits)),
            3 => json!(-0.0),
            4 => json!(5e-324),
            _ => json!(9_007_199_254_740_993_u64 + bits % 7),
        }
    }

    fn value(&mut self, levels: u64) -> Value {
        match self.below(if levels == 0 { 4 } else { 7 }) {
            0 => self.number(),
            1 => json!(self.text()),
            2 => Value::Null,
            3 => json!(self.below(2) == 0),
            4 => (0..self.below(4)).map(|_| self.value(levels - 1)).collect(),
            _ => {
                let field = |dice: &mut Self| (dice.text(), dice.value(levels - 1));
                let count = self.below(4);
                Value::Object((0..count).map(|_| field(self)).collect::<Map<_, _>>())
            }
        }
    }
}

async fn settings_come_back_or_are_refused(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let mut dice = Dice(0x5eed_0bad_cafe_f00d);
    for round in 0..40 {
        let levels = dice.below(24);
        let given = json!({ dice.text(): dice.value(levels) });
        let reply = ada.patch("/v1/users/me", json!({ "settings": given })).await;
        if reply.status == 400 {
            reply.problem(400, "validation_failed");
            continue;
        }
        assert_eq!(reply.ok(200)["settings"], given, "round {round}");
        assert_eq!(ada.get("/v1/users/me").await.ok(200)["settings"], given, "round {round}");
    }
}

async fn settings_have_sixteen_levels_and_sixteen_kibibytes(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let text = |bytes: usize| json!({ "k": "x".repeat(bytes - 8) });
    for (settings, status) in [
        (json!({ "a": nested(15) }), 200),
        (json!({ "a": nested(16) }), 400),
        (json!({ "a": nested(63) }), 400),
        (json!({ "a": nested(125) }), 400),
        (text(16 * 1024), 200),
        (text(16 * 1024 + 1), 400),
        (json!([]), 400),
        (json!("x"), 400),
    ] {
        let reply = ada.patch("/v1/users/me", json!({ "settings": settings })).await;
        if status == 200 {
            assert_eq!(reply.ok(200)["settings"], settings);
        } else {
            let problem = reply.problem(400, "validation_failed");
            assert_eq!(problem["errors"][0]["pointer"], "/settings", "{problem}");
        }
    }
    // It is an account like any other afterwards.
    ada.connect().await;
}

async fn times_stay_within_four_digits(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let bob = Person::register(&place, "bob").await;
    let room = ada.group(&[&bob]).await;
    let path = format!("/v1/rooms/{room}/members/{}", bob.id);
    for bad in [
        "9999-12-31T23:59:59.999-23:59",
        "9999-12-31T23:59:59.999-00:01",
        "9999-12-31T23:59:60Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "+10000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "-0001-01-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "262142-12-31T23:59:59Z",
        "",
    ] {
        let reply = ada.patch(&path, json!({ "muted_until": bad })).await;
        let problem = reply.problem(400, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], "/muted_until", "{bad}: {problem}");
    }
    for (given, kept) in [
        ("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.999Z"),
        ("9999-12-31T23:59:59+23:59", "9999-12-31T00:00:59.000Z"),
        ("2099-01-01t00:00:00z", "2099-01-01T00:00:00.000Z"),
    ] {
        let member = ada.patch(&path, json!({ "muted_until": given })).await.ok(200);
        assert_eq!(member["muted_until"], kept, "{given}");
    }
    ada.patch(&path, json!({ "muted_until": null })).await.ok(200);
    bob.says(&room, "heard again").await;
}
