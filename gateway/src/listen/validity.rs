//! From when and until when a certificate holds (RFC 5280, section 4.1.2.5). What checks certificates of others does not
//! say so of one's own, so the two times are read here, and nothing else.

use schemas::Timestamp;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xA0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The first and the last moment of a certificate in DER; none when it cannot be read.
pub(super) fn of(certificate: &[u8]) -> Option<(Timestamp, Timestamp)> {
    let (whole, _) = expect(certificate, SEQUENCE)?;
    let (mut fields, _) = expect(whole, SEQUENCE)?;
    if fields.first() == Some(&VERSION) {
        fields = element(fields)?.2;
    }
    // Serial number, signature algorithm, issuer.
    for _ in 0..3 {
        fields = element(fields)?.2;
    }
    let (validity, _) = expect(fields, SEQUENCE)?;
    let (kind, first, rest) = element(validity)?;
    let (last_kind, last, _) = element(rest)?;
    Some((time(kind, first)?, time(last_kind, last)?))
}

fn expect(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = element(bytes)?;
    (found == tag).then_some((content, rest))
}

/// The tag and the content of the first element, and what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, bytes) = bytes.split_first()?;
    let (&short, bytes) = bytes.split_first()?;
    let (length, bytes) = match short {
        0..=0x7F => (usize::from(short), bytes),
        0x81..=0x84 => {
            let (digits, bytes) = bytes.split_at_checked(usize::from(short & 0x7F))?;
            let length = digits.iter().fold(0_usize, |sum, digit| (sum << 8) | usize::from(*digit));
            (length, bytes)
        }
        _ => return None,
    };
    let (content, rest) = bytes.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`; two digits of a year are of 1950 to 2049.
fn time(kind: u8, digits: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(digits).ok()?.strip_suffix('Z')?;
    let (year, rest) = match kind {
        UTC_TIME => {
            let (year, rest) = text.split_at_checked(2)?;
            let century = if year.parse::<u8>().ok()? < 50 { "20" } else { "19" };
            (format!("{century}{year}"), rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = text.split_at_checked(4)?;
            (year.to_owned(), rest)
        }
        _ => return None,
    };
    let pair = |place: usize| rest.get(place..place + 2);
    let (month, day) = (pair(0)?, pair(2)?);
    let (hour, minute, second) = (pair(4)?, pair(6)?, pair(8)?);
    Timestamp::parse(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}.000Z")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_writing_a_time_are_read() {
        let of = |kind, text: &str| time(kind, text.as_bytes()).map(|time| time.to_string());
        assert_eq!(of(UTC_TIME, "260102030405Z").unwrap(), "2026-01-02T03:04:05.000Z");
        assert_eq!(of(UTC_TIME, "990102030405Z").unwrap(), "1999-01-02T03:04:05.000Z");
        let far = of(GENERALIZED_TIME, "20600102030405Z").unwrap();
        assert_eq!(far, "2060-01-02T03:04:05.000Z");
        for bad in ["", "Z", "2601020304Z", "26010203040Z", "260102030405", "26😀02030405Z"] {
            assert_eq!(of(UTC_TIME, bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_cut_or_damaged_is_no_certificate() {
        // SEQUENCE { SEQUENCE { INTEGER 1, SEQUENCE {}, SEQUENCE {}, SEQUENCE { UTCTime, UTCTime } } }
        let mut validity = Vec::new();
        for text in ["260101000000Z", "270101000000Z"] {
            validity.extend([UTC_TIME, 13]);
            validity.extend(text.as_bytes());
        }
        let wrap = |content: &[u8]| {
            let mut whole = vec![SEQUENCE, u8::try_from(content.len()).unwrap()];
            whole.extend(content);
            whole
        };
        let fields = [&[2, 1, 1], &wrap(&[])[..], &wrap(&[]), &wrap(&validity)].concat();
        let whole = wrap(&wrap(&fields));
        let (first, last) = of(&whole).unwrap();
        assert_eq!(first.to_string(), "2026-01-01T00:00:00.000Z");
        assert_eq!(last.to_string(), "2027-01-01T00:00:00.000Z");
        for length in 0..whole.len() {
            assert_eq!(of(&whole[..length]), None, "{length}");
        }
    }
}
