//! What tells a file of a backup from one that is damaged: its size and its checksum.

use std::io::{self, Read as _};
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use data_encoding::HEXLOWER;
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWrite;

/// Bytes read at once.
const READ: usize = 1 << 20;

/// Of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileSum {
    /// Bytes.
    pub(super) size: u64,
    /// SHA-256 in hexadecimal digits.
    sha256: String,
}

impl FileSum {
    /// Of a file whose content is in memory.
    pub(super) fn of(content: &[u8]) -> Self {
        let mut sum = Sum::default();
        sum.add(content);
        sum.done()
    }

    /// Of a file on the disk; adds what was read to a bar.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) async fn of_file(path: PathBuf, bar: ProgressBar) -> io::Result<Self> {
        let read = move || -> io::Result<Self> {
            let mut file = std::fs::File::open(path)?;
            let (mut sum, mut buffer) = (Sum::default(), vec![0; READ]);
            loop {
                let count = file.read(&mut buffer)?;
                if count == 0 {
                    return Ok(sum.done());
                }
                sum.add(buffer.get(..count).unwrap_or_default());
                bar.inc(long(count));
            }
        };
        tokio::task::spawn_blocking(read).await.map_err(io::Error::other)?
    }
}

#[derive(Default)]
struct Sum {
    hash: Sha256,
    size: u64,
}

impl Sum {
    fn add(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.size += long(bytes.len());
    }

    fn done(self) -> FileSum {
        FileSum { size: self.size, sha256: HEXLOWER.encode(&self.hash.finalize()) }
    }
}

fn long(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Passes bytes on and sums them up.
pub(super) struct Summed<W> {
    inner: W,
    sum: Sum,
}

impl<W> Summed<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner, sum: Sum::default() }
    }

    /// What was written to, and the sum of all that was.
    pub(super) fn done(self) -> (W, FileSum) {
        (self.inner, self.sum.done())
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for Summed<W> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.inner).poll_write(context, bytes))?;
        this.sum.add(bytes.get(..written).unwrap_or_default());
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    #[tokio::test]
    async fn a_sum_is_the_same_however_it_is_made() {
        let content: Vec<u8> =
            (0..3_000_000_u32).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, &content).unwrap();
        let mut summed = Summed::new(Vec::new());
        for some in content.chunks(70_001) {
            summed.write_all(some).await.unwrap();
        }
        let (written, sum) = summed.done();
        assert!(written == content);
        assert_eq!(sum, FileSum::of(&content));
        assert_eq!(sum, FileSum::of_file(path, ProgressBar::hidden()).await.unwrap());
        assert_ne!(sum, FileSum::of(&content[1..]));
    }
}
