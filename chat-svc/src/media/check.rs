//! What is done with an upload before others see it: it is checked, cleaned, and of an image a smaller one is made.

use std::sync::Arc;

use blobs::{
    Blob, BlobName, Cleaner, HEAD, NotAnImage, Picture, PictureError, Size, Sniffed, Survey,
    is_picture, kind_of, read_up_to, sniff, thumbnail,
};
use data_encoding::HEXLOWER;
use decider::{Failure, unavailable};
use schemas::events::{MediaFile, MediaState};
use schemas::media::Checksum;
use sha2::{Digest as _, Sha256};

use super::{Files, store_failed};
use crate::domain::media::MediaRejection;

/// Of images of more bytes no smaller one is made.
const MAX_PICTURE: usize = 32 * 1024 * 1024;
/// Bytes a decoded pixel takes, with what decoding takes besides.
const PIXEL: u64 = 5;
const MEBIBYTE: u64 = 1024 * 1024;
/// Bytes read at once where parts of a file are looked at.
const WINDOW: usize = 64 * 1024;

impl Files {
    /// Checks what was uploaded of a medium and stores what is kept of it: the file, and as what it was stored.
    ///
    /// # Errors
    /// What was uploaded is not what was announced; the store does not answer.
    pub(crate) async fn check(&self, media: &MediaState) -> Result<(MediaFile, Blob), Failure> {
        let _turn = self.checking.acquire().await.map_err(|_| unavailable("stopping"))?;
        let announced = &media.file;
        let name = BlobName::Upload(announced.id);
        let found = self.store.stat(&name).await.map_err(|error| store_failed(&error))?;
        let blob = found.ok_or(MediaRejection::NotUploaded)?;
        if blob.size != announced.size {
            let (announced, uploaded) = (announced.size, blob.size);
            return Err(MediaRejection::OtherSize { announced, uploaded }.into());
        }
        // A store to which clients send straight knows no checksum: it is taken as the file is read below.
        if let (Some(wanted), Some(found)) = (&announced.sha256, &blob.sha256)
            && wanted != found
        {
            return Err(MediaRejection::OtherChecksum.into());
        }
        let cleaner = self.sniffed(announced, &name, &blob).await?;
        let (kept, start) = self.cleaned(announced, (&name, &blob), cleaner).await?;
        let picture = match is_picture(&announced.content_type) {
            true => self.picture(announced, &kept, start).await?,
            false => Seen::default(),
        };
        let file = MediaFile {
            size: kept.size,
            sha256: kept.sha256.clone(),
            width: picture.size.map(|size| size.width),
            height: picture.size.map(|size| size.height),
            thumbnail: picture.thumbnail,
            ..announced.clone()
        };
        Ok((file, kept))
    }

    /// What cleans a file that is what was announced.
    async fn sniffed(
        &self,
        file: &MediaFile,
        name: &BlobName,
        blob: &Blob,
    ) -> Result<Cleaner, Failure> {
        let most = u64::try_from(HEAD).unwrap_or(u64::MAX);
        let head = self.store.read(name, blob, 0, most).await;
        let head = head.map_err(|error| store_failed(&error))?;
        let found = match sniff(&head, &file.content_type) {
            Sniffed::AsAnnounced => {
                return match Survey::of(&head, &file.content_type, blob.size) {
                    Some(survey) => self.surveyed(survey, name, blob).await,
                    None => Ok(Cleaner::of(&kind_of(&head, &file.content_type))),
                };
            }
            Sniffed::Otherwise(found) => format!(", but {found}"),
            Sniffed::NotAnnounced => String::new(),
        };
        Err(MediaRejection::OtherType(found).into())
    }

    /// Looks for what says too much in a file that may say it anywhere.
    async fn surveyed(
        &self,
        mut survey: Survey,
        name: &BlobName,
        blob: &Blob,
    ) -> Result<Cleaner, Failure> {
        let mut window = Window::default();
        while let Some((from, count)) = survey.wants() {
            if window.part(from, count).is_none() {
                window = self.window(name, blob, from, count.max(WINDOW)).await?;
            }
            let all = window.bytes.len().min(count);
            let bytes = window.part(from, count).or_else(|| window.part(from, all));
            survey.take(bytes.unwrap_or_default()).map_err(no_image)?;
        }
        Ok(survey.cleaner())
    }

    /// So many bytes of a file from a place on; fewer where it ends.
    async fn window(
        &self,
        name: &BlobName,
        blob: &Blob,
        from: u64,
        most: usize,
    ) -> Result<Window, Failure> {
        let bytes = read_up_to(&*self.store, (name, blob), from, most).await;
        let bytes = bytes.map_err(|error| store_failed(&error))?;
        Ok(Window { from, bytes })
    }

    /// Copies a file without what says too much. Of an image gives what is kept, as long as it is not too large to be
    /// decoded; then its beginning.
    async fn cleaned(
        &self,
        file: &MediaFile,
        (name, blob): (&BlobName, &Blob),
        mut cleaner: Cleaner,
    ) -> Result<(Blob, Start), Failure> {
        let failed = |error| store_failed(&error);
        let to = BlobName::File(file.id);
        let mut copy = self.store.begin(to).await.map_err(failed)?;
        let mut hash = Sha256::new();
        let mut start = Start::of(is_picture(&file.content_type));
        let mut at = 0;
        let copied = loop {
            let bytes = match self.store.read(name, blob, at, u64::MAX).await {
                Ok(bytes) => bytes,
                Err(error) => break Err(store_failed(&error)),
            };
            if bytes.is_empty() {
                break fits(&hash, file.sha256.as_ref())
                    .and_then(|()| cleaner.end().map_err(no_image));
            }
            hash.update(&bytes);
            at += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            let kept = match cleaner.push(&bytes) {
                Ok(kept) => kept,
                Err(error) => break Err(no_image(error)),
            };
            start.take(&kept);
            if let Err(error) = copy.write(&kept).await {
                break Err(store_failed(&error));
            }
        };
        if let Err(failure) = copied {
            copy.abort().await;
            return Err(failure);
        }
        Ok((copy.finish().await.map_err(failed)?, start))
    }

    /// The size of an image, and its smaller image once that is stored.
    async fn picture(&self, file: &MediaFile, kept: &Blob, start: Start) -> Result<Seen, Failure> {
        let size = match Size::of(&start.bytes, &file.content_type) {
            Ok(size) => size,
            Err(PictureError::NotAnImage) if start.is_cut => return Ok(Seen::default()),
            Err(error) => return Err(refused(error)),
        };
        if start.is_cut {
            return Ok(Seen { size: Some(size), thumbnail: false });
        }
        let mebibytes = (size.pixels() * PIXEL + kept.size).div_ceil(MEBIBYTE);
        let mebibytes = u32::try_from(mebibytes).unwrap_or(u32::MAX).clamp(1, 256);
        let room = Arc::clone(&self.decoding).acquire_many_owned(mebibytes).await;
        let room = room.map_err(|_| unavailable("stopping"))?;
        let content_type = file.content_type.clone();
        let decoding = tokio::task::spawn_blocking(move || {
            let _room = room;
            thumbnail(&start.bytes, &content_type)
        });
        // A decoder that gives up on a file in its own way has found no image either.
        let decoded = decoding.await.unwrap_or(Err(PictureError::NotAnImage));
        let Picture { size, thumbnail } = decoded.map_err(refused)?;
        let failed = |error| store_failed(&error);
        let name = BlobName::Thumbnail(file.id);
        let mut small = self.store.begin(name).await.map_err(failed)?;
        small.write(&thumbnail).await.map_err(failed)?;
        small.finish().await.map_err(failed)?;
        Ok(Seen { size: Some(size), thumbnail: true })
    }
}

/// A part of a file: what is looked at stands close together.
#[derive(Default)]
struct Window {
    from: u64,
    bytes: Vec<u8>,
}

impl Window {
    /// So many bytes from a place on, if all of them are here.
    fn part(&self, from: u64, count: usize) -> Option<&[u8]> {
        let start = usize::try_from(from.checked_sub(self.from)?).ok()?;
        self.bytes.get(start..start.checked_add(count)?)
    }
}

/// What was found out about an image.
#[derive(Default)]
struct Seen {
    size: Option<Size>,
    thumbnail: bool,
}

/// The beginning of an image, or all of it.
struct Start {
    bytes: Vec<u8>,
    wanted: bool,
    is_cut: bool,
}

impl Start {
    fn of(wanted: bool) -> Self {
        Self { bytes: Vec::new(), wanted, is_cut: false }
    }

    fn take(&mut self, more: &[u8]) {
        if !self.wanted || self.is_cut {
            return;
        }
        if self.bytes.len() + more.len() > MAX_PICTURE {
            self.is_cut = true;
            // Sizes stand at the beginning.
            self.bytes.truncate(usize::try_from(MEBIBYTE).unwrap_or(usize::MAX));
            self.bytes.shrink_to_fit();
        } else {
            self.bytes.extend_from_slice(more);
        }
    }
}

/// Whether what was read is what was announced.
fn fits(hash: &Sha256, announced: Option<&Checksum>) -> Result<(), Failure> {
    let digits = HEXLOWER.encode(&hash.clone().finalize());
    match announced {
        Some(announced) if announced.as_str() != digits => {
            Err(MediaRejection::OtherChecksum.into())
        }
        Some(_) | None => Ok(()),
    }
}

fn no_image(_: NotAnImage) -> Failure {
    MediaRejection::OtherType(String::new()).into()
}

fn refused(error: PictureError) -> Failure {
    match error {
        PictureError::NotAnImage => MediaRejection::OtherType(String::new()).into(),
        PictureError::TooLarge => MediaRejection::TooManyPixels.into(),
    }
}
