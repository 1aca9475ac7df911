use super::*;

#[track_caller]
fn code<T>(result: Result<T, InvalidValue>) -> Option<&'static str> {
    result.err().map(|e| e.code)
}

#[test]
fn usernames_are_folded_and_bounded() {
    assert_eq!(Username::parse("Ada.L").map(|u| u.to_string()), Ok("ada.l".into()));
    assert_eq!(code(Username::parse("ab")), Some("too_short"));
    assert_eq!(code(Username::parse(&"a".repeat(33))), Some("too_long"));
    for bad in [".abc", "a b c", "аda", "ada*", "ada>", "ada\n", "bob.", "bob-", "bob_"] {
        assert_eq!(code(Username::parse(bad)), Some("invalid_format"), "{bad:?}");
    }
}

#[test]
fn reserved_names_are_not_taken_and_old_names_are_found() {
    for name in RESERVED_USERNAMES {
        assert_eq!(code(Username::parse(&name.to_uppercase())), Some("reserved"), "{name}");
    }
    for old in ["bob.", "room", "ada"] {
        assert_eq!(Username::existing(old).map(|name| name.to_string()), Ok(old.to_owned()));
        assert!(serde_json::from_value::<Username>(old.into()).is_ok());
        assert!(UserRef::parse(&format!("@{old}")).is_ok());
    }
}

#[test]
fn what_was_stored_is_read_to_the_letter_and_a_command_is_not() {
    let old = "e\u{301}\r\n\u{202e}\u{2028}";
    let read: Body = serde_json::from_value(old.into()).unwrap();
    assert_eq!(read.as_str(), old);
    assert_eq!(code(read.strict()), Some("invalid_format"));
    let read: Topic = serde_json::from_value("e\u{301}".into()).unwrap();
    assert_eq!(Some(read).strict().unwrap().unwrap().as_str(), "\u{e9}");
    assert_eq!(Patch::<Topic>::Keep.strict(), Ok(Patch::Keep));
}

#[test]
fn emails_must_be_plain_addresses() {
    for good in ["ada@Example.ORG", " ada@example.org\t", "\u{a0}ada@EXAMPLE.org\u{3000}\r\n"] {
        assert!(Email::parse(good).is_ok_and(|e| e.as_str() == "ada@example.org"), "{good:?}");
    }
    let longest = format!(" {}@{}.org ", "a".repeat(64), ["b"; 93].join("."));
    assert_eq!(Email::parse(&longest).map(|e| e.as_str().len()), Ok(64 + 1 + 185 + 4));
    assert_eq!(code(Email::parse(&longest.replace("@", "@b"))), Some("too_long"));
    let spaced = [" ", "a b@x.y", "a @x.y", "a@ x.y", "a@b.c\r\nBcc: d@e.f"];
    let others = ["", "ada", "@x.y", "a@", "a@x", "a@x..y", ".a@x.y"];
    for bad in spaced.into_iter().chain(others) {
        assert_eq!(code(Email::parse(bad)), Some("invalid_format"), "{bad:?}");
    }
}

#[test]
fn bodies_count_characters_not_bytes() {
    assert!(Body::parse(&"ü".repeat(8000)).is_ok());
    assert_eq!(code(Body::parse(&"ü".repeat(8001))), Some("too_long"));
    assert_eq!(code(Body::parse(" \n ")), Some("too_short"));
    assert_eq!(code(Body::parse("a\0b")), Some("invalid_format"));
}
