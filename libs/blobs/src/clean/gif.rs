//! GIF: a head, then blocks, each in pieces with their lengths. Comments are left out, and what programs note; how often
//! an animation repeats and what its colours mean is kept.

use crate::not_an_image::NotAnImage;

/// What programs note that says how the picture is shown: how often it repeats, what its colours mean.
const KEPT: [&[u8]; 3] = [b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012"];
const IMAGE: u8 = 0x2c;
const EXTENSION: u8 = 0x21;
const TRAILER: u8 = 0x3b;
/// Extensions that show something: how a frame follows the one before, and text.
const SHOWN: [u8; 2] = [0xf9, 0x01];
const APPLICATION: u8 = 0xff;

/// Cleans a GIF image.
#[derive(Debug, Default)]
pub struct Gif {
    /// What is not decided on.
    waiting: Vec<u8>,
    expects: Expects,
    /// Bytes that are still to come before what is expected.
    pass: usize,
    /// Whether they, and the pieces of the present block, are kept.
    keeps: bool,
}

/// What comes next.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Expects {
    #[default]
    Head,
    Block,
    Image,
    Extension,
    /// The length of a program's name.
    NameLength,
    /// A program's name.
    Name,
    Piece,
    /// The image has ended.
    Nothing,
}

impl Expects {
    /// With how many bytes it can be decided on.
    fn bytes(self) -> usize {
        match self {
            Self::Head => 13,
            Self::Block | Self::Piece => 1,
            Self::Image => 10,
            Self::Extension => 2,
            Self::NameLength => 3,
            Self::Name => 14,
            Self::Nothing => 0,
        }
    }
}

impl Gif {
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>, NotAnImage> {
        let mut kept = Vec::with_capacity(bytes.len() + 14);
        let mut rest = bytes;
        while !rest.is_empty() && (self.pass > 0 || self.expects != Expects::Nothing) {
            if self.pass > 0 {
                let (some, later) = rest.split_at(self.pass.min(rest.len()));
                if self.keeps {
                    kept.extend_from_slice(some);
                }
                self.pass -= some.len();
                rest = later;
                continue;
            }
            let room = self.expects.bytes() - self.waiting.len();
            let (some, later) = rest.split_at(room.min(rest.len()));
            self.waiting.extend_from_slice(some);
            rest = later;
            if self.waiting.len() == self.expects.bytes() {
                self.decide(&mut kept)?;
            }
        }
        Ok(kept)
    }

    /// Programs that write GIFs forget the trailer; what has begun must be whole.
    pub(super) fn end(self) -> Result<(), NotAnImage> {
        match (self.pass, self.expects) {
            (0, Expects::Nothing | Expects::Block) => Ok(()),
            _ => Err(NotAnImage),
        }
    }

    fn decide(&mut self, kept: &mut Vec<u8>) -> Result<(), NotAnImage> {
        let byte = |at: usize| self.waiting.get(at).copied().unwrap_or(0);
        match self.expects {
            Expects::Head => {
                if !self.waiting.starts_with(b"GIF87a") && !self.waiting.starts_with(b"GIF89a") {
                    return Err(NotAnImage);
                }
                let colours = colours(byte(10));
                self.go_on(kept, true, colours, Expects::Block);
            }
            Expects::Block => match byte(0) {
                IMAGE => self.expects = Expects::Image,
                EXTENSION => self.expects = Expects::Extension,
                // Some programs fill up with zeros.
                0 => self.waiting.clear(),
                _ => {
                    self.waiting.clear();
                    self.expects = Expects::Nothing;
                    kept.push(TRAILER);
                }
            },
            Expects::Image => {
                // Behind its colours there is a byte on how it is packed.
                let before = colours(byte(9)) + 1;
                self.go_on(kept, true, before, Expects::Piece);
            }
            Expects::Extension if byte(1) == APPLICATION => self.expects = Expects::NameLength,
            Expects::Extension => {
                let shown = SHOWN.contains(&byte(1));
                self.go_on(kept, shown, 0, Expects::Piece);
            }
            Expects::NameLength if byte(2) == 11 => self.expects = Expects::Name,
            Expects::NameLength => {
                let length = byte(2);
                self.go_on(kept, false, usize::from(length), after(length));
            }
            Expects::Name => {
                let keeps = KEPT.iter().any(|name| self.waiting.ends_with(name));
                self.go_on(kept, keeps, 0, Expects::Piece);
            }
            Expects::Piece => {
                let length = byte(0);
                self.go_on(kept, self.keeps, usize::from(length), after(length));
            }
            Expects::Nothing => {}
        }
        Ok(())
    }

    /// What has waited is decided on, and so are the bytes behind it.
    fn go_on(&mut self, kept: &mut Vec<u8>, keeps: bool, pass: usize, expects: Expects) {
        if keeps {
            kept.extend_from_slice(&self.waiting);
        }
        self.waiting.clear();
        (self.keeps, self.pass, self.expects) = (keeps, pass, expects);
    }
}

/// The bytes of a table of colours, as the flags before it say.
fn colours(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

/// An empty piece ends a block.
fn after(length: u8) -> Expects {
    if length == 0 { Expects::Block } else { Expects::Piece }
}
