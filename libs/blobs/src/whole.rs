//! Reading a file that fits into memory, or a stretch of one. The store answers in pieces of its own size.

use crate::error::BlobError;
use crate::store::{Blob, BlobName, BlobStore};

/// Bytes of a file from a place on, `most` of them or as many as there are.
///
/// # Errors
/// [`BlobError::Gone`] when it is not the file that was asked about any more. See [`BlobError`].
pub async fn read_up_to(
    store: &dyn BlobStore,
    (name, blob): (&BlobName, &Blob),
    from: u64,
    most: usize,
) -> Result<Vec<u8>, BlobError> {
    let left = usize::try_from(blob.size.saturating_sub(from)).unwrap_or(usize::MAX);
    let (mut bytes, most) = (Vec::new(), most.min(left));
    while bytes.len() < most {
        let at = from.saturating_add(length(bytes.len()));
        let some = store.read(name, blob, at, length(most - bytes.len())).await?;
        if some.is_empty() {
            break;
        }
        bytes.extend_from_slice(&some);
    }
    Ok(bytes)
}

/// A whole file; none of one that has more than `most` bytes.
///
/// # Errors
/// [`BlobError::Gone`] when it is not the file that was asked about any more. See [`BlobError`].
pub async fn read_whole(
    store: &dyn BlobStore,
    (name, blob): (&BlobName, &Blob),
    most: usize,
) -> Result<Option<Vec<u8>>, BlobError> {
    let size = usize::try_from(blob.size).ok().filter(|size| *size <= most);
    let Some(size) = size else { return Ok(None) };
    let bytes = read_up_to(store, (name, blob), 0, size).await?;
    if bytes.len() == size { Ok(Some(bytes)) } else { Err(BlobError::Gone) }
}

fn length(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
