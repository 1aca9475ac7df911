//! Where the body of a request ends and the next request begins.
//!
//! Only to know where heads are: the framework reads the same bytes and decides. Whatever is not plain is
//! [`Body::Unframed`], after which nothing is looked at any more; so no disagreement over an end can
//! change what a request is.

use httparse::Header;

/// How much follows a head.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Body {
    /// Nothing: the next head.
    None,
    /// So many bytes.
    Length(u64),
    /// Pieces that say their length.
    Chunked(Chunks),
    /// Everything there is: bytes of a socket, or something that cannot be told.
    Unframed,
}

/// Where in a body of pieces one is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Chunks {
    /// In the line with a piece's length, which is this so far; whether a digit was there.
    Size(u64, bool),
    /// In the rest of that line.
    Rest(u64),
    /// In a piece with so much to come, its line end included.
    Piece(u64),
    /// After the last piece, in a line of so many characters.
    Trailer(u64),
}

impl Body {
    /// The body a head announces.
    pub(super) fn of(headers: &[Header<'_>], connect: bool) -> Self {
        let mut lengths = values(headers, "content-length");
        let mut encodings = values(headers, "transfer-encoding");
        let (length, encoding) = (lengths.next(), encodings.next());
        if connect || lengths.next().is_some() || encodings.next().is_some() {
            return Self::Unframed;
        }
        match (length, encoding) {
            (None, None) => Self::None,
            (Some(length), None) => match decimal(length) {
                Some(0) => Self::None,
                Some(length) => Self::Length(length),
                None => Self::Unframed,
            },
            (None, Some(value)) if value.trim_ascii().eq_ignore_ascii_case(b"chunked") => {
                Self::Chunked(Chunks::Size(0, false))
            }
            _ => Self::Unframed,
        }
    }

    /// How many of these bytes belong to the body; afterwards it is [`Body::None`] if it has ended.
    pub(super) fn take(&mut self, bytes: &[u8]) -> usize {
        match self {
            Self::None => 0,
            Self::Unframed => bytes.len(),
            Self::Length(left) => {
                let count = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= u64::try_from(count).unwrap_or(*left);
                if *left == 0 {
                    *self = Self::None;
                }
                count
            }
            Self::Chunked(_) => self.take_chunks(bytes),
        }
    }

    fn take_chunks(&mut self, bytes: &[u8]) -> usize {
        let mut place = 0;
        while let (Self::Chunked(chunks), Some(byte)) = (&mut *self, bytes.get(place)) {
            if let Chunks::Piece(left) = chunks {
                let there = bytes.len() - place;
                let count = usize::try_from(*left).unwrap_or(usize::MAX).min(there);
                *left -= u64::try_from(count).unwrap_or(*left);
                if *left == 0 {
                    *chunks = Chunks::Size(0, false);
                }
                place += count;
                continue;
            }
            place += 1;
            match chunks.after(*byte) {
                Some(next) => *self = next,
                None => {
                    *self = Self::Unframed;
                    return bytes.len();
                }
            }
        }
        place
    }
}

impl Chunks {
    /// What comes after a byte; none when it does not belong there.
    fn after(&self, byte: u8) -> Option<Body> {
        let next = match (self, byte) {
            (Self::Size(size, true) | Self::Rest(size), b'\n') => match size {
                0 => Self::Trailer(0),
                // The piece ends with a line end of its own.
                size => Self::Piece(size.checked_add(2)?),
            },
            (Self::Size(size, true), b'\r' | b';' | b' ' | b'\t') => Self::Rest(*size),
            (Self::Rest(size), _) => Self::Rest(*size),
            (Self::Size(size, _), digit) => {
                let digit = char::from(digit).to_digit(16)?;
                Self::Size(size.checked_mul(16)?.checked_add(digit.into())?, true)
            }
            (Self::Trailer(0), b'\n') => return Some(Body::None),
            (Self::Trailer(_), b'\n') => Self::Trailer(0),
            (Self::Trailer(length), b'\r') => Self::Trailer(*length),
            (Self::Trailer(length), _) => Self::Trailer(length + 1),
            (Self::Piece(_), _) => return None,
        };
        Some(Body::Chunked(next))
    }
}

fn decimal(value: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(value).ok()?.trim();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// The values of all headers of a name.
pub(super) fn values<'a>(
    headers: &'a [Header<'a>],
    name: &'static str,
) -> impl Iterator<Item = &'a [u8]> {
    headers
        .iter()
        .filter(move |header| header.name.eq_ignore_ascii_case(name))
        .map(|header| header.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(headers: &[(&str, &str)]) -> Body {
        let headers: Vec<Header<'_>> =
            headers.iter().map(|(name, value)| Header { name, value: value.as_bytes() }).collect();
        Body::of(&headers, false)
    }

    fn chunked() -> Body {
        of(&[("Transfer-Encoding", "Chunked")])
    }

    #[test]
    fn a_body_has_one_plain_length_or_nothing_is_looked_at_any_more() {
        assert_eq!(of(&[]), Body::None);
        assert_eq!(of(&[("content-length", " 0")]), Body::None);
        assert_eq!(of(&[("Content-Length", "12")]), Body::Length(12));
        assert_eq!(chunked(), Body::Chunked(Chunks::Size(0, false)));
        for odd in [
            &[("content-length", "+1")][..],
            &[("content-length", "1"), ("content-length", "1")],
            &[("content-length", "99999999999999999999")],
            &[("content-length", "1"), ("transfer-encoding", "chunked")],
            &[("transfer-encoding", "gzip, chunked")],
            &[("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")],
        ] {
            assert_eq!(of(odd), Body::Unframed, "{odd:?}");
        }
    }

    #[test]
    fn pieces_end_after_the_empty_line_wherever_they_are_cut() {
        let bodies = [
            "0\r\n\r\n",
            "2\r\n{}\r\n0\r\n\r\n",
            "A;x=y\r\n0123456789\r\n1\r\n\n\r\n00\r\nTrailer: x\r\n\r\n",
        ];
        for text in bodies {
            let bytes = format!("{text}GET / HTTP/1.1");
            for cut in 0..text.len() {
                let mut body = chunked();
                let (one, two) = bytes.as_bytes().split_at(cut);
                assert_eq!(body.take(one), cut, "{text:?} cut at {cut}");
                assert_eq!(body.take(two), text.len() - cut, "{text:?} cut at {cut}");
                assert_eq!(body, Body::None, "{text:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn what_is_no_piece_is_left_to_the_framework() {
        for text in ["x", "-1\r\n", "\r\n", "ffffffffffffffffff\r\n", "ffffffffffffffff\r\n"] {
            let mut body = chunked();
            assert_eq!(body.take(text.as_bytes()), text.len());
            assert_eq!(body, Body::Unframed, "{text:?}");
        }
    }

    #[test]
    fn a_length_is_counted_down() {
        let mut body = Body::Length(5);
        assert_eq!(body.take(b"abc"), 3);
        assert_eq!(body.take(b"deGET"), 2);
        assert_eq!(body, Body::None);
    }
}
