use proptest::prelude::*;

use super::numbers::wide;
use super::*;

/// Where a picture was taken, as it would stand in a file.
const PLACE: &[u8] = b"+52.5200+013.4050+034.000/";
const PICTURE: &[u8] = b"what the picture shows";
const TITLE: &[u8] = b"a day at the lake";

fn survey(announced: &str, file: &[u8]) -> Option<Survey> {
    let announced = ContentType::parse(announced).unwrap();
    Survey::of(&file[..file.len().min(1024)], &announced, wide(file.len()))
}

fn cleaned(announced: &str, file: &[u8]) -> Result<Vec<u8>, NotAnImage> {
    let mut survey = survey(announced, file).unwrap();
    while let Some((from, count)) = survey.wants() {
        let from = usize::try_from(from).unwrap().min(file.len());
        survey.take(&file[from..from.saturating_add(count).min(file.len())])?;
    }
    let mut cleaner = survey.cleaner();
    let mut kept = Vec::new();
    for piece in file.chunks(7) {
        kept.extend(cleaner.push(piece)?);
    }
    cleaner.end().map(|()| kept)
}

fn says(file: &[u8], what: &[u8]) -> bool {
    file.windows(what.len()).any(|window| window == what)
}

/// A TIFF image with XMP and a position. Its second directory is the first once more.
fn tiff(is_little: bool) -> Vec<u8> {
    let bytes = |number: u32, count: usize| match is_little {
        true => number.to_le_bytes()[..count].to_vec(),
        false => number.to_be_bytes()[4 - count..].to_vec(),
    };
    let entry = |tag: u32, kind: u32, count: usize, value: Vec<u8>| {
        let count = u32::try_from(count).unwrap();
        let mut entry = [bytes(tag, 2), bytes(kind, 2), bytes(count, 4), value].concat();
        entry.resize(12, 0);
        entry
    };
    // 8: the first directory; 50: XMP; 76: the position; 106: its numbers; 130: the picture.
    [
        if is_little { b"II*\0".to_vec() } else { b"MM\0*".to_vec() },
        bytes(8, 4),
        bytes(3, 2),
        entry(0x0100, 3, 1, bytes(33, 2)),
        entry(0x02bc, 1, PLACE.len(), bytes(50, 4)),
        entry(0x8825, 4, 1, bytes(76, 4)),
        bytes(8, 4),
        PLACE.to_vec(),
        bytes(2, 2),
        entry(1, 2, 2, b"N\0".to_vec()),
        entry(2, 5, 3, bytes(106, 4)),
        bytes(0, 4),
        b"52 degrees, 31 minutes N".to_vec(),
        PICTURE.to_vec(),
    ]
    .concat()
}

fn boxed(kind: &[u8], content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    let size = u32::try_from(content.len() + 8).unwrap().to_be_bytes();
    [&size[..], kind, &content].concat()
}

fn data(text: &[u8]) -> Vec<u8> {
    boxed(b"data", &[b"\0\0\0\x01\0\0\0\0", text])
}

/// A film whose description comes last, with a position in everything that may say one.
fn film() -> Vec<u8> {
    let key = |name: &[u8]| boxed(b"mdta", &[name]);
    let keys = [
        b"\0\0\0\0\0\0\0\x02".as_slice(),
        &key(b"com.apple.quicktime.title"),
        &key(b"com.apple.quicktime.location.ISO6709"),
    ];
    let items = [boxed(b"\0\0\0\x01", &[&data(TITLE)]), boxed(b"\0\0\0\x02", &[&data(PLACE)])];
    let apples =
        [boxed(b"hdlr", &[b"mdta"]), boxed(b"keys", &keys), boxed(b"ilst", &[&items.concat()])];
    let items = [boxed(b"\xa9nam", &[&data(TITLE)]), boxed(b"\xa9xyz", &[&data(PLACE)])];
    let list = [boxed(b"hdlr", &[b"mdir"]), boxed(b"ilst", &[&items.concat()])];
    let user_data = [
        boxed(b"\xa9xyz", &[b"\0\x1a\x15\xc7", PLACE]),
        boxed(b"loci", &[b"\0\0\0\0", PLACE]),
        boxed(b"\xa9nam", &[TITLE]),
        boxed(b"meta", &[b"\0\0\0\0", &list.concat()]),
    ];
    let xmp = b"\xbe\x7a\xcf\xcb\x97\xa9\x42\xe8\x9c\x71\x99\x94\x91\xe3\xaf\xac";
    let mut long = boxed(b"mdat", &[&[0; 8], PICTURE]);
    let size = wide(long.len()).to_be_bytes();
    long[..4].copy_from_slice(&[0, 0, 0, 1]);
    long[8..16].copy_from_slice(&size);
    [
        boxed(b"ftyp", &[b"qt  \0\0\0\0"]),
        boxed(b"free", &[PLACE]),
        long,
        boxed(
            b"moov",
            &[
                &boxed(b"mvhd", &[&[0; 100]]),
                &boxed(b"trak", &[&boxed(b"meta", &[&apples.concat()])]),
                &boxed(b"udta", &[&user_data.concat(), b"\0\0\0\0"]),
                &boxed(b"meta", &[&apples.concat()]),
            ],
        ),
        boxed(b"uuid", &[xmp, PLACE]),
        boxed(b"uuid", &[&[7; 16], TITLE]),
    ]
    .concat()
}

#[test]
fn positions_are_taken_out_of_tiff_images() {
    for file in [tiff(true), tiff(false)] {
        for announced in ["image/tiff", "application/octet-stream"] {
            let kept = cleaned(announced, &file).unwrap();
            assert_eq!(kept.len(), file.len());
            assert!(says(&file, PLACE) && !says(&kept, PLACE) && !says(&kept, b"degrees"));
            assert_eq!(kept[76..130], [0; 54], "a directory with nothing in it");
            assert_eq!((&kept[..50], &kept[130..]), (&file[..50], PICTURE));
        }
    }
}

#[test]
fn positions_are_taken_out_of_films() {
    let file = film();
    let count = |file: &[u8], what: &[u8]| file.windows(what.len()).filter(|w| *w == what).count();
    assert_eq!((count(&file, PLACE), count(&file, TITLE)), (7, 5));
    for announced in ["video/quicktime", "video/mp4", "application/octet-stream"] {
        let kept = cleaned(announced, &file).unwrap();
        assert_eq!((kept.len(), count(&kept, PLACE), count(&kept, TITLE)), (file.len(), 0, 5));
        assert!(says(&kept, PICTURE) && !says(&kept, b"\xa9xyz"));
    }
    // Before films said what they are; and one whose last box reaches to the end of the file.
    let ftyp = boxed(b"ftyp", &[b"qt  \0\0\0\0"]).len();
    assert!(!says(&cleaned("video/quicktime", &file[ftyp..]).unwrap(), PLACE));
    let mut open =
        [&file[..ftyp], &boxed(b"moov", &[&boxed(b"udta", &[&boxed(b"loci", &[PLACE])])])].concat();
    open[ftyp..ftyp + 4].copy_from_slice(&[0; 4]);
    assert!(!says(&cleaned("video/mp4", &open).unwrap(), PLACE));
}

#[test]
fn what_items_say_whose_keys_are_not_known_is_taken_out() {
    let items = [boxed(b"\0\0\0\x01", &[&data(PLACE)]), boxed(b"\xa9nam", &[&data(TITLE)])];
    let meta = boxed(b"meta", &[&boxed(b"hdlr", &[b"mdta"]), &boxed(b"ilst", &[&items.concat()])]);
    let file = [boxed(b"ftyp", &[b"isom\0\0\0\0"]), boxed(b"moov", &[&meta])].concat();
    let kept = cleaned("video/mp4", &file).unwrap();
    assert!(!says(&kept, PLACE) && says(&kept, TITLE));
}

/// An element with a size of one byte.
fn element(kind: &[u8], content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    let size = u8::try_from(content.len()).unwrap();
    assert!(size < 127);
    [kind, &[0x80 | size], &content].concat()
}

fn tag(name: &[u8], text: &[u8]) -> Vec<u8> {
    let said = [element(b"\x45\xa3", &[name]), element(b"\x44\x87", &[text])];
    element(b"\x73\x73", &[&element(b"\x67\xc8", &[&said.concat()])])
}

#[test]
fn positions_are_taken_out_of_the_tags_of_webm() {
    let nameless = element(b"\x67\xc8", &[&element(b"\x44\x87", &[PLACE])]);
    for (size, clusters) in
        [(&b"\x40\xd0"[..], &b"\x82??"[..]), (b"\x01\xff\xff\xff\xff\xff\xff\xff", b"\xff??")]
    {
        let tags = [
            element(
                b"\x12\x54\xc3\x67",
                &[&tag(b"LOCATION", PLACE), &element(b"\x73\x73", &[&nameless])],
            ),
            element(b"\x12\x54\xc3\x67", &[&tag(b"TITLE", TITLE)]),
        ];
        let file = [
            &element(b"\x1a\x45\xdf\xa3", &[b"\x42\x82\x84webm"])[..],
            b"\x18\x53\x80\x67",
            size,
            &tags.concat(),
            b"\x1f\x43\xb6\x75",
            clusters,
            PICTURE,
        ]
        .concat();
        for announced in ["video/webm", "application/octet-stream"] {
            let kept = cleaned(announced, &file).unwrap();
            assert!(says(&file, PLACE) && !says(&kept, PLACE));
            assert!(says(&kept, TITLE) && says(&kept, PICTURE) && kept.len() == file.len());
        }
    }
}

#[test]
fn other_files_are_not_looked_through() {
    for (announced, file) in [
        ("image/png", &b"\x89PNG\r\n\x1a\n"[..]),
        ("application/octet-stream", b"anything"),
        ("image/heic", b"\0\0\0\x18ftypheic"),
        ("audio/aac", b"\xff\xf1\x50\x80"),
        ("application/octet-stream", b"\0\0\0\x08wide"),
    ] {
        assert!(survey(announced, file).is_none(), "{announced}");
    }
}

#[test]
fn what_points_at_itself_comes_to_an_end_and_what_points_for_ever_is_refused() {
    let within_one_another = |count: u32| {
        let mut file = b"II*\0\x08\0\0\0".to_vec();
        for nth in 1..=count {
            file.extend_from_slice(&[1, 0, 0x4a, 0x01, 4, 0, 1, 0, 0, 0]);
            file.extend_from_slice(&(8 + 18 * nth).to_le_bytes());
            file.extend_from_slice(&8_u32.to_le_bytes());
        }
        file
    };
    let few = within_one_another(1_000);
    assert_eq!(cleaned("image/tiff", &few), Ok(few.clone()));
    assert_eq!(cleaned("image/tiff", &within_one_another(5_000)), Err(NotAnImage));
    assert_eq!(cleaned("image/tiff", b"II*\0\x08\0\0\0\x02\0"), Err(NotAnImage));
    assert_eq!(cleaned("image/tiff", b"II*\0\xff\0\0\0"), Ok(b"II*\0\xff\0\0\0".to_vec()));
    let many = vec![boxed(b"free", &[b"x"]); 5_000].concat();
    let film = [boxed(b"ftyp", &[b"isom\0\0\0\0"]), many].concat();
    assert_eq!(cleaned("video/mp4", &film), Err(NotAnImage));
}

proptest! {
    /// No input brings it down or keeps it for ever, and nothing moves.
    #[test]
    fn any_bytes_are_dealt_with(mut bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0_usize..4) {
        let head: &[u8] = [
            &b"II*\0\x08\0\0\0\x02\0"[..],
            b"MM\0*\0\0\0\x08\0\x02",
            b"\0\0\0\x08ftyp\0\0\x01\0moov\0\0\0\x80meta\0\0\0\0",
            b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\xff\x12\x54\xc3\x67\x40\xff",
        ][at];
        bytes.splice(..0, head.iter().copied());
        if let Ok(kept) = cleaned("application/octet-stream", &bytes) {
            prop_assert_eq!(kept.len(), bytes.len());
        }
    }
}
