use super::*;

/// The parts of a block with these messages; of none for none.
fn built<'a>(entries: impl IntoIterator<Item = Entry<'a>>) -> Parts {
    let mut block = Builder::default();
    entries.into_iter().for_each(|entry| block.add(&entry));
    block.finish()
}

fn at(n: u64) -> usize {
    usize::try_from(n).unwrap()
}

fn ids() -> (RoomId, UserId) {
    let uuid = uuid::Uuid::from_u128(7);
    (RoomId::from_uuid(uuid), UserId::from_uuid(uuid))
}

fn entry<'a>(posted: Sequence, body: &'a str, (room, sender): &'a (RoomId, UserId)) -> Entry<'a> {
    let (room, sender) = (room.as_str(), sender.as_str());
    let found_by = FoundBy { room, sender, body, files: posted.is_multiple_of(2) };
    Entry { posted, created: 1000 - posted.cast_signed(), found_by: Some(found_by) }
}

fn found(parts: &Parts, term: &str, begun: bool) -> Vec<u16> {
    parts.get(&part_of(term)).map_or_else(Vec::new, |part| find(part, term, begun).unwrap())
}

#[test]
fn what_is_written_is_found_and_nothing_else() {
    let ids = ids();
    let bodies = ["the quick fox", "quicker 北京大学", "see HTTP://x.org", "🎉 fox"];
    let parts = built((2048..).zip(bodies).map(|(n, body)| entry(n, body, &ids)));
    assert_eq!(found(&parts, "quick", false), [0]);
    assert_eq!(found(&parts, "quick", true), [0, 1]);
    assert_eq!(found(&parts, "fox", false), [0, 3]);
    assert_eq!(found(&parts, "fo", false), [0_u16; 0]);
    assert_eq!(found(&parts, "大学", false), [1]);
    assert_eq!(found(&parts, "大", true), [1]);
    assert_eq!(found(&parts, "🎉", true), [3]);
    assert_eq!(found(&parts, LINK, false), [2]);
    assert_eq!(found(&parts, FILE, false), [0, 2]);
    assert_eq!(found(&parts, &of_room(&ids.0), false), [0, 1, 2, 3]);
    assert_eq!(found(&parts, &of_sender(&ids.1), false), [0, 1, 2, 3]);
    assert_eq!(times(&parts[&TIMES]), Ok((1000 - 2051, 1000 - 2048)));
    assert!(parts.len() <= 49 && built([]).is_empty());
}

#[test]
fn a_changed_block_is_as_if_it_had_been_built_so() {
    let ids = ids();
    let texts = |n: u64| match n % 4 {
        0 => format!("common word{n} secret"),
        1 => format!("common 京都{n}"),
        2 => format!("w{} x{}", n % 7, n % 5),
        _ => "common".to_owned(),
    };
    let before: Vec<String> = (0..200).map(texts).collect();
    let parts = built((0..200).map(|n| entry(n, &before[at(n)], &ids)));
    let after = |n: u64| match n % 3 {
        0 => String::new(),
        1 => format!("new{n} {}", before[at(n)]),
        _ => before[at(n)].clone(),
    };
    let after: Vec<String> = (0..200).map(after).collect();
    let now = |n: u64| {
        let gone = n.is_multiple_of(3);
        let entry = entry(n, &after[at(n)], &ids);
        Entry { found_by: entry.found_by.filter(|_| !gone), ..entry }
    };
    let changes = changed(&parts, (0..200).map(now)).unwrap();
    let mut merged = parts.clone();
    merged.extend(changes);
    merged.retain(|_, bytes| !bytes.is_empty());
    assert_eq!(merged, built((0..200).map(now)));
    // All of it deleted leaves nothing but when it was.
    let none = |n: u64| Entry { found_by: None, ..entry(n, "", &ids) };
    let changes = changed(&parts, (0..200).map(none)).unwrap();
    assert!(changes.values().all(Vec::is_empty) && changes.len() == parts.len() - 1);
}

#[test]
fn parts_are_of_like_size_and_beginnings_lead_to_them() {
    for (begun, term) in [("qu", "quick"), ("京", "京都"), ("👍", "👍"), ("éc", "école")] {
        assert!(leads_to_one_part(begun) && part_of(begun) == part_of(term), "{begun}");
    }
    assert!(!leads_to_one_part("q") && !leads_to_one_part(""));
    let mut sizes = vec![0_usize; at(PARTS.into())];
    for a in 'a'..='z' {
        for b in 'a'..='z' {
            sizes[at(part_of(&format!("{a}{b}x")).into())] += 1;
        }
    }
    assert!(sizes.iter().all(|size| (4..=28).contains(size)), "{sizes:?}");
}

/// Terms are passed over without being put together; what is found is what a look at all of them finds.
#[test]
fn what_is_found_in_a_part_is_what_a_look_at_its_terms_finds() {
    let mut seed = 5_u64;
    let mut next = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let mut hits = 0;
    for _ in 0..200 {
        let mut term =
            || (0..=next(5)).map(|_| ['a', 'b', 'é', '京'][at(next(4))]).collect::<String>();
        let sought: Vec<String> = (0..20).map(|_| term()).collect();
        let mut part = Part::default();
        for (offset, term) in (0..).step_by(37).zip((0..30).map(|_| term())) {
            part.note(&term, offset);
            part.note("ab", offset / 2);
        }
        let written = part.write();
        for (term, begun) in sought.iter().flat_map(|term| [(term, false), (term, true)]) {
            let fits = |other: &str| other == term || (begun && other.starts_with(term.as_str()));
            let all =
                part.0.iter().filter(|(other, _)| fits(other)).flat_map(|(_, offsets)| offsets);
            let wanted: std::collections::BTreeSet<u16> = all.copied().collect();
            let wanted: Vec<u16> = wanted.into_iter().collect();
            assert_eq!(find(&written, term, begun), Ok(wanted.clone()), "{term} {begun}: {part:?}");
            hits += usize::from(!wanted.is_empty());
        }
    }
    assert!(hits > 1_000, "{hits}");
}

#[test]
fn damage_is_told() {
    for bytes in [&[0_u8][..], &[0, 5, 1], &[9, 1, b'a', 0], &[0xff; 9], &[0, 1, b'a', 2, 1]] {
        assert_eq!(Part::read(bytes), Err(Damaged), "{bytes:?}");
    }
    assert_eq!(times(&[0; 9]), Err(Damaged));
}

#[test]
fn links_are_seen() {
    for text in ["https://a.b", "x HTTP://y", "(http://[::1]/)", "a://b http://c"] {
        assert!(has_link(text), "{text}");
    }
    for text in ["", "http://", "http:// x", "ftp://a", "://a", "https:/a", "é://a"] {
        assert!(!has_link(text), "{text}");
    }
}
