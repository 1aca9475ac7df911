//! Names in all company: whatever letters and marks stand around one, it names a member; in an address, in a link and in
//! code it names no one.

use serde_json::{Value, json};
use tests::kit::installation::Place;
use tests::kit::person::Person;

cases!(names_are_found_in_any_company, names_in_addresses_and_links_are_none, code_names_no_one);

/// What may stand before a name.
const BEFORE: &[&str] = &[
    "",
    "(",
    "[",
    "{",
    "\"",
    "„",
    "交给",
    "こんにちは",
    "안녕",
    "สวัสดี",
    "é",
    "👍",
    "->",
    "a/",
    "a:",
    "-",
    "--",
    "...",
    "word...",
    "_",
    "__",
    "*",
    "**",
    "~~",
    "_%",
    "ß",
    "«",
    "\n",
    "؟",
];
/// What may stand behind it.
const BEHIND: &[&str] = &[
    "", "!", ": hello", ")", "}", "\"", "“", "'s", ",", "处理", "さん", "님", "у", "👍", "@", ".",
    "...", "-", "--", "_", "__", "._-.", "»", "؟", "\n", "…",
];
/// What makes it a part of an address or a link.
const PART_OF: &[&str] = &[
    "a",
    "Z",
    "7",
    "a.",
    "a+",
    "a_",
    "a%",
    "a-",
    "A9",
    "@",
    "https://x.org/",
    "www.x.org/",
    "HTTPS://x.y/z?u=",
    "ftp://",
    "sub.example.co.uk:8080/",
];

/// One in so many of the combinations in the run of every change.
fn stride() -> usize {
    if crate::scene::long() { 1 } else { 7 }
}

/// Whom a text mentions, by the answer and as it is read.
async fn mentioned(who: &Person, room: &str, text: &str, format: &str) -> Value {
    let body = json!({"body": text, "format": format});
    let said = who.post(&format!("/v1/rooms/{room}/messages"), body).await.ok(201);
    said["mentions"].clone()
}

/// Each of one list with each of another.
fn pairs<'a>(one: &'a [&'a str], other: &'a [&'a str]) -> impl Iterator<Item = (&'a str, &'a str)> {
    let all = one.iter().flat_map(|first| other.iter().map(move |second| (*first, *second)));
    all.step_by(stride())
}

async fn names_are_found_in_any_company(place: Place) {
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let room = ada.group(&[&bob]).await;
    for (before, behind) in pairs(BEFORE, BEHIND) {
        let text = format!("say {before}{}{behind} now", bob.at_name());
        for format in ["plain", "markdown"] {
            let found = mentioned(&ada, &room, &text, format).await;
            assert_eq!(found, json!([bob.id]), "{format}: {text:?}");
        }
    }
}

async fn names_in_addresses_and_links_are_none(place: Place) {
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let room = ada.group(&[&bob]).await;
    for (before, behind) in pairs(PART_OF, BEHIND) {
        let text = format!("say {before}{}{behind} now", bob.at_name());
        for format in ["plain", "markdown"] {
            let found = mentioned(&ada, &room, &text, format).await;
            assert_eq!(found, json!([]), "{format}: {text:?}");
        }
    }
    // Another name that begins with it is another name.
    for more in ["x", "7", "xyz", "0"] {
        let text = format!("say {}{more} now", bob.at_name());
        assert_eq!(mentioned(&ada, &room, &text, "plain").await, json!([]), "{text:?}");
    }
}

async fn code_names_no_one(place: Place) {
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let room = ada.group(&[&bob]).await;
    let fences = ["```", "````", "~~~", "~~~~~", "```rust"];
    for fence in fences {
        let close: String = fence.chars().filter(|mark| "`~".contains(*mark)).collect();
        for around in ["", "> ", "- "] {
            let inner = if around == "- " { "  " } else { around };
            let lines = [
                format!("{around}{fence}"),
                format!("{inner}hello {}", bob.at_name()),
                format!("{inner}{} and @room", bob.at_name()),
                format!("{inner}{close}"),
            ];
            let text = lines.join("\n");
            let found = mentioned(&ada, &room, &text, "markdown").await;
            assert_eq!(found, json!([]), "{text:?}");
            let found = mentioned(&ada, &room, &text, "plain").await;
            assert_eq!(found, json!([bob.id]), "in plain text: {text:?}");
        }
    }
    for span in ["`", "``", "```"] {
        for behind in BEHIND.iter().filter(|behind| !behind.contains('\n')) {
            let text = format!("say {span}x {}{behind} y{span} now", bob.at_name());
            let found = mentioned(&ada, &room, &text, "markdown").await;
            assert_eq!(found, json!([]), "{text:?}");
        }
    }
}
