//! The file of an increment that holds what a stream has got: blocks of messages, each compressed where that makes it
//! smaller.
//!
//! After a line that says what it is, a block is two lengths (as it is, and as it is stored; 32 bits, the least first) and its
//! bytes; a block of no bytes ends the file. In a block a message is two parts, each with its length: what is said of
//! it, in JSON, and its bytes.

use std::io::{self, Read as _, Write as _};
use std::path::Path;

use bytes::{Buf as _, BufMut as _, Bytes};
use eventlog::Copied;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use schemas::{Sequence, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader, BufWriter};

use super::file_sum::{FileSum, Summed};

/// What such a file is called.
pub(super) const FILE: &str = "messages";
const MAGIC: &[u8] = b"tidings messages 1\n";
/// A block is closed when it has as many bytes.
const BLOCK: usize = 1 << 20;
/// No block is larger: the server takes no message that would make it so.
const LARGEST: u32 = 80 << 20;

/// What is said of a message.
#[derive(Serialize, Deserialize)]
struct About {
    sequence: Sequence,
    subject: String,
    stored_at: Timestamp,
}

/// Such a file that is being written.
pub(super) struct MessagesWriter {
    sink: Summed<BufWriter<File>>,
    block: Vec<u8>,
    messages: u64,
    bytes: u64,
}

impl MessagesWriter {
    /// Makes a file that only its owner can read.
    ///
    /// # Errors
    /// It cannot be made.
    pub(super) async fn create(path: &Path) -> io::Result<Self> {
        let made = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path).await?;
        let mut sink = Summed::new(BufWriter::new(made));
        sink.write_all(MAGIC).await?;
        Ok(Self { sink, block: Vec::new(), messages: 0, bytes: 0 })
    }

    /// Adds a message; answers the bytes of all so far.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) async fn add(&mut self, message: Copied) -> io::Result<u64> {
        let Copied { sequence, subject, stored_at, payload } = message;
        let about = serde_json::to_vec(&About { sequence, subject, stored_at })?;
        for part in [about.as_slice(), payload.as_ref()] {
            self.block.put_u32_le(short(part.len())?);
            self.block.put_slice(part);
        }
        self.messages += 1;
        self.bytes += u64::try_from(payload.len()).unwrap_or(u64::MAX);
        if self.block.len() >= BLOCK {
            self.close().await?;
        }
        Ok(self.bytes)
    }

    /// Writes what is left, and makes sure that all of it is on the disk; what the file is, and how many messages it has.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) async fn finish(mut self) -> io::Result<(FileSum, u64)> {
        self.close().await?;
        self.sink.write_all(&[0; 8]).await?;
        self.sink.flush().await?;
        let (sink, sum) = self.sink.done();
        sink.get_ref().sync_all().await?;
        Ok((sum, self.messages))
    }

    async fn close(&mut self) -> io::Result<()> {
        let block = std::mem::take(&mut self.block);
        if block.is_empty() {
            return Ok(());
        }
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&block)?;
        let packed = encoder.finish()?;
        let stored = if packed.len() < block.len() { &packed } else { &block };
        self.sink.write_u32_le(short(block.len())?).await?;
        self.sink.write_u32_le(short(stored.len())?).await?;
        self.sink.write_all(stored).await
    }
}

/// Such a file that is being read.
pub(super) struct MessagesReader {
    source: BufReader<File>,
}

impl MessagesReader {
    /// Opens a file.
    ///
    /// # Errors
    /// It cannot be read, or is no such file.
    pub(super) async fn open(path: &Path) -> io::Result<Self> {
        let mut source = BufReader::new(File::open(path).await?);
        let mut magic = vec![0; MAGIC.len()];
        source.read_exact(&mut magic).await?;
        if magic != MAGIC {
            return Err(damaged());
        }
        Ok(Self { source })
    }

    /// The messages of the next block, in order; none at the end.
    ///
    /// # Errors
    /// It cannot be read, or is damaged.
    pub(super) async fn next(&mut self) -> io::Result<Option<Vec<Copied>>> {
        let (size, stored) = (self.source.read_u32_le().await?, self.source.read_u32_le().await?);
        if size == 0 && stored == 0 {
            return Ok(None);
        }
        if size > LARGEST || stored > size {
            return Err(damaged());
        }
        let mut bytes = vec![0; usize::try_from(stored).map_err(|_| damaged())?];
        self.source.read_exact(&mut bytes).await?;
        if stored < size {
            let mut whole = Vec::new();
            let most = u64::from(size).saturating_add(1);
            DeflateDecoder::new(bytes.as_slice()).take(most).read_to_end(&mut whole)?;
            if u32::try_from(whole.len()) != Ok(size) {
                return Err(damaged());
            }
            bytes = whole;
        }
        let (mut block, mut messages) = (Bytes::from(bytes), Vec::new());
        while block.has_remaining() {
            let about = part(&mut block)?;
            let About { sequence, subject, stored_at } = serde_json::from_slice(&about)?;
            let payload = part(&mut block)?;
            messages.push(Copied { sequence, subject, stored_at, payload });
        }
        Ok(Some(messages))
    }
}

/// Takes bytes with their length before them.
fn part(block: &mut Bytes) -> io::Result<Bytes> {
    let length = block.try_get_u32_le().map_err(|_| damaged())?;
    let length = usize::try_from(length).map_err(|_| damaged())?;
    if block.len() < length { Err(damaged()) } else { Ok(block.split_to(length)) }
}

fn short(length: usize) -> io::Result<u32> {
    let short = u32::try_from(length).ok().filter(|length| *length <= LARGEST);
    short.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a message is too large"))
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the file is damaged")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(sequence: Sequence, payload: Vec<u8>) -> Copied {
        let subject = format!("ns.evt.user.{sequence}");
        let stored_at = Timestamp::from_millis(1_000 * i64::try_from(sequence).unwrap());
        Copied { sequence, subject, stored_at, payload: payload.into() }
    }

    #[tokio::test]
    async fn what_was_written_is_read_in_its_order_and_a_cut_file_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        // What can be compressed, what cannot, what is empty, and more than a block.
        let noise: Vec<u8> = (0..700_000).map(|_| rand::random()).collect();
        let all: Vec<Copied> = (1..=40)
            .map(|sequence| match sequence % 4 {
                0 => message(sequence, noise.clone()),
                1 => message(sequence, vec![b'x'; 300_000]),
                2 => message(sequence, Vec::new()),
                _ => message(sequence, b"{\"a\": 1}".to_vec()),
            })
            .collect();
        let mut writer = MessagesWriter::create(&path).await.unwrap();
        for one in all.clone() {
            writer.add(one).await.unwrap();
        }
        let (sum, messages) = writer.finish().await.unwrap();
        assert_eq!(messages, 40);
        let content = std::fs::read(&path).unwrap();
        assert_eq!(sum, FileSum::of(&content));
        assert!(content.len() < 8_000_000, "texts are compressed: {}", content.len());
        let mut reader = MessagesReader::open(&path).await.unwrap();
        let mut read = Vec::new();
        while let Some(some) = reader.next().await.unwrap() {
            read.extend(some);
        }
        assert!(read == all);

        std::fs::write(&path, &content[..content.len() - 8]).unwrap();
        let mut reader = MessagesReader::open(&path).await.unwrap();
        let cut = loop {
            match reader.next().await {
                Ok(Some(_)) => {}
                other => break other,
            }
        };
        assert!(cut.is_err(), "the end is missing");
        std::fs::write(&path, b"something else altogether").unwrap();
        assert!(MessagesReader::open(&path).await.is_err());
    }
}
