use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use proptest::prelude::*;

use super::*;

/// Where the picture was taken, as it would stand in a file.
const PLACE: &[u8] = b"GPS 52.5200N 13.4050E";

fn drawn(format: ImageFormat) -> Vec<u8> {
    let image = RgbImage::from_fn(33, 21, |x, y| {
        Rgb([u8::try_from(x * 7).unwrap(), u8::try_from(y * 11).unwrap(), 90])
    });
    let mut bytes = Vec::new();
    DynamicImage::from(image).write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

/// A JPEG with everything that a camera says, lying on its side, and something hidden behind its end.
fn jpeg() -> Vec<u8> {
    let plain = drawn(ImageFormat::Jpeg);
    let mut exif =
        b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".to_vec();
    exif.extend_from_slice(PLACE);
    let mut file = plain[..2].to_vec();
    for (marker, content) in [
        (0xe1, exif.as_slice()),
        (0xe1, b"http://ns.adobe.com/xap/1.0/\0GPS"),
        (0xfe, PLACE),
        (0xed, PLACE),
    ] {
        file.extend_from_slice(&[0xff, marker]);
        file.extend_from_slice(&u16::try_from(content.len() + 2).unwrap().to_be_bytes());
        file.extend_from_slice(content);
    }
    file.extend_from_slice(&plain[2..]);
    file.extend_from_slice(b"PK\x03\x04");
    file.extend_from_slice(PLACE);
    file
}

fn png_chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut chunk = u32::try_from(content.len()).unwrap().to_be_bytes().to_vec();
    chunk.extend_from_slice(kind);
    chunk.extend_from_slice(content);
    chunk.extend_from_slice(&[0; 4]);
    chunk
}

fn png() -> Vec<u8> {
    let plain = drawn(ImageFormat::Png);
    // Behind the signature and IHDR.
    let mut file = plain[..33].to_vec();
    for kind in [b"eXIf", b"tEXt", b"iTXt", b"zzZz"] {
        file.extend_from_slice(&png_chunk(kind, PLACE));
    }
    file.extend_from_slice(&plain[33..]);
    file.extend_from_slice(PLACE);
    file
}

fn webp() -> Vec<u8> {
    let plain = drawn(ImageFormat::WebP);
    let mut file = plain[..12].to_vec();
    let mut extended = vec![SAYS_EXIF, 0, 0, 0];
    extended.extend_from_slice(&[32, 0, 0, 20, 0, 0]);
    for (kind, content) in [(b"VP8X", extended.as_slice()), (b"EXIF", PLACE), (b"XMP ", PLACE)] {
        if kind == b"EXIF" {
            file.extend_from_slice(&plain[12..]);
        }
        file.extend_from_slice(kind);
        file.extend_from_slice(&u32::try_from(content.len()).unwrap().to_le_bytes());
        file.extend_from_slice(content);
        file.resize(file.len() + content.len() % 2, 0);
    }
    let length = u32::try_from(file.len() - 8).unwrap();
    file[4..8].copy_from_slice(&length.to_le_bytes());
    file.extend_from_slice(PLACE);
    file
}

/// A GIF that repeats, with what programs note, and something hidden behind its end.
fn gif() -> Vec<u8> {
    let plain = drawn(ImageFormat::Gif);
    let colours = if plain[10] & 0x80 == 0 { 0 } else { 3 << ((plain[10] & 7) + 1) };
    let (head, rest) = plain.split_at(13 + colours);
    let piece = |bytes: &[u8]| [[u8::try_from(bytes.len()).unwrap()].as_slice(), bytes].concat();
    let xmp = [b"XMP DataXMP".as_slice(), b"GPS"].map(piece).concat();
    let repeats = [b"NETSCAPE2.0".as_slice(), b"\x01\0\0"].map(piece).concat();
    [
        head,
        b"!\xfe",
        &piece(PLACE),
        b"\0!\xff",
        &xmp,
        b"\0!\xff",
        &repeats,
        b"\0!\xff",
        &piece(PLACE),
        b"\0",
        rest,
        b"PK\x03\x04",
        PLACE,
    ]
    .concat()
}

fn heif_box(kind: &[u8], content: &[u8]) -> Vec<u8> {
    let size = u32::try_from(content.len() + 8).unwrap().to_be_bytes();
    [size.as_slice(), kind, content].concat()
}

/// A HEIF image of three items (a picture, its Exif, its XMP, which stands in `meta` itself), with a film behind it.
fn heif() -> Vec<u8> {
    let exif = [b"\0\0\0\x06Exif\0\0MM\0*\0\0\0\x08".as_slice(), PLACE].concat();
    let item = |id: u8, kind: &[u8]| {
        heif_box(b"infe", &[[2, 0, 0, 0, 0, id, 0, 0].as_slice(), kind, b"\0"].concat())
    };
    let items = [item(1, b"av01"), item(2, b"Exif"), item(3, b"mime")].concat();
    let items = heif_box(b"iinf", &[b"\0\0\0\0\0\x03".as_slice(), &items].concat());
    let ftyp = heif_box(b"ftyp", b"avif\0\0\0\0avifmif1");
    let meta = |start: usize| {
        let mut places = vec![1, 0, 0, 0, 0x44, 0, 0, 3];
        let mut located = |id: u8, method: u8, offset: usize, length: usize| {
            places.extend_from_slice(&[0, id, 0, method, 0, 0, 0, 1]);
            for number in [offset, length] {
                places.extend_from_slice(&u32::try_from(number).unwrap().to_be_bytes());
            }
        };
        located(1, 0, start, PICTURE.len());
        located(2, 0, start + PICTURE.len(), exif.len());
        located(3, 1, 0, PLACE.len());
        let parts = [heif_box(b"idat", PLACE), items.clone(), heif_box(b"iloc", &places)];
        heif_box(b"meta", &[b"\0\0\0\0".as_slice(), &parts.concat()].concat())
    };
    let start = ftyp.len() + meta(0).len() + 8;
    let data = heif_box(b"mdat", &[PICTURE, &exif, PICTURE].concat());
    [ftyp, meta(start), data, heif_box(b"mpvd", PLACE)].concat()
}

const PICTURE: &[u8] = b"what the picture shows";

const SAYS_EXIF: u8 = 0b0000_1100;

fn every_type() -> [(&'static str, Vec<u8>); 5] {
    [
        ("image/jpeg", jpeg()),
        ("image/png", png()),
        ("image/webp", webp()),
        ("image/gif", gif()),
        ("image/heic", heif()),
    ]
}

fn cleaned(name: &str, file: &[u8], sizes: &[usize]) -> Result<Vec<u8>, NotAnImage> {
    let mut cleaner = Cleaner::of(&ContentType::parse(name).unwrap());
    let (mut kept, mut rest, mut sizes) = (Vec::new(), file, sizes.iter().cycle());
    while !rest.is_empty() {
        let size = sizes.next().copied().unwrap_or(usize::MAX).clamp(1, rest.len());
        let (some, later) = rest.split_at(size);
        kept.extend(cleaner.push(some)?);
        rest = later;
    }
    cleaner.end().map(|()| kept)
}

fn says(file: &[u8], what: &[u8]) -> bool {
    file.windows(what.len()).any(|window| window == what)
}

#[test]
fn positions_are_taken_out_and_the_picture_stays_the_same() {
    for (name, format, file) in [
        ("image/jpeg", ImageFormat::Jpeg, jpeg()),
        ("image/png", ImageFormat::Png, png()),
        ("image/webp", ImageFormat::WebP, webp()),
        ("image/gif", ImageFormat::Gif, gif()),
    ] {
        assert!(says(&file, PLACE), "{name}");
        let kept = cleaned(name, &file, &[]).unwrap();
        assert!(
            !says(&kept, PLACE) && !says(&kept, b"GPS") && !says(&kept, b"PK\x03\x04"),
            "{name}"
        );
        let pixels = |file: &[u8]| image::load_from_memory_with_format(file, format).unwrap();
        assert_eq!(pixels(&kept), pixels(&drawn(format)), "{name}");
    }
}

#[test]
fn a_colour_profile_stays_unless_it_is_packed_from_very_much() {
    use std::io::Write as _;
    let profile = |bytes: usize| {
        let name = b"colours\0\0".to_vec();
        let mut packer = flate2::write::ZlibEncoder::new(name, flate2::Compression::best());
        packer.write_all(&vec![7; bytes]).unwrap();
        png_chunk(b"iCCP", &packer.finish().unwrap())
    };
    let plain = drawn(ImageFormat::Png);
    let with = |chunks: &[&[u8]]| [&plain[..33], chunks.concat().as_slice(), &plain[33..]].concat();
    let kept = |chunks: &[&[u8]]| cleaned("image/png", &with(chunks), &[7]).unwrap();
    let (small, large, bomb) = (profile(3_000), profile(4 << 20), profile((4 << 20) + 1));
    assert!(bomb.len() < 10_000);
    for one in [small.as_slice(), &large] {
        assert_eq!(kept(&[one]), with(&[one]));
    }
    let broken = png_chunk(b"iCCP", b"colours\0\0no profile");
    for one in [bomb.as_slice(), &broken, &png_chunk(b"iCCP", b"colours")] {
        assert_eq!(kept(&[one]), kept(&[]));
    }
    // Only the first counts.
    assert_eq!(kept(&[&small, &small]), with(&[&small]));
    assert_eq!(kept(&[&bomb, &small]), kept(&[]));
}

#[test]
fn in_a_heif_image_nothing_moves() {
    let file = heif();
    let kept = cleaned("image/avif", &file, &[]).unwrap();
    assert!(says(&file, PLACE) && !says(&kept, b"GPS"));
    assert_eq!(kept.len(), file.len());
    let pictures = kept.windows(PICTURE.len()).filter(|window| *window == PICTURE).count();
    assert_eq!(pictures, 2);
    // What reads the Exif block finds one, without anything in it.
    assert!(says(&kept, b"MM\0*\0\0\0\x08\0\0"));
    // Where the description comes last, the data have been given away by then.
    let ftyp = heif_box(b"ftyp", b"avif\0\0\0\0avifmif1");
    let late = [ftyp.as_slice(), &heif_box(b"mdat", PLACE), &file[ftyp.len()..]].concat();
    assert_eq!(cleaned("image/heic", &late, &[]), Err(NotAnImage));
}

#[test]
fn a_gif_still_repeats() {
    let kept = cleaned("image/gif", &gif(), &[]).unwrap();
    assert!(says(&kept, b"NETSCAPE2.0\x03\x01\0\0\0"));
    // Some end without saying so.
    let end = kept.len() - 1;
    assert_eq!(cleaned("image/gif", &kept[..end], &[]), Ok(kept[..end].to_vec()));
}

#[test]
fn which_way_is_up_stays_known() {
    use image::ImageDecoder as _;
    let kept = cleaned("image/jpeg", &jpeg(), &[]).unwrap();
    let reader = image::ImageReader::with_format(Cursor::new(&kept), ImageFormat::Jpeg);
    let turned = reader.into_decoder().unwrap().orientation().unwrap();
    assert_eq!(turned.to_exif(), 6);
    let plain = cleaned("image/jpeg", &drawn(ImageFormat::Jpeg), &[]).unwrap();
    assert!(!says(&plain, b"Exif"));
}

#[test]
fn what_ends_early_is_no_image() {
    for (name, file) in every_type() {
        for end in [0, 1, 11, 40, file.len() / 2] {
            assert_eq!(cleaned(name, &file[..end], &[]), Err(NotAnImage), "{name} {end}");
        }
    }
    assert_eq!(cleaned("text/plain", b"anything", &[]), Ok(b"anything".to_vec()));
}

proptest! {
    /// However a file arrives, the same is kept of it.
    #[test]
    fn pieces_make_no_difference(sizes in prop::collection::vec(1_usize..40, 1..20)) {
        for (name, file) in every_type() {
            prop_assert_eq!(cleaned(name, &file, &sizes), cleaned(name, &file, &[]));
        }
    }

    /// No input brings a cleaner down.
    #[test]
    fn any_bytes_are_dealt_with(mut bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0_usize..5) {
        let (name, head): (_, &[u8]) = [
            ("image/jpeg", &b"\xff\xd8\xff"[..]), ("image/png", b"\x89PNG\r\n\x1a\n"), ("image/webp", b"RIFF\x40\0\0\0WEBP"),
            ("image/gif", b"GIF89a"), ("image/heic", b"\0\0\0\x08ftyp\0\0\0\x40meta\0\0\0\0"),
        ][at];
        bytes.splice(..0, head.iter().copied());
        let _ = cleaned(name, &bytes, &[3]);
    }
}
