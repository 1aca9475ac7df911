//! Where in a file stands what says too much, for files that may say it anywhere: looked for before they are read from
//! their beginning to their end. Pure: it asks for bytes and is given them, a few at a time, whatever the file's size.

mod film;
mod matroska;
mod numbers;
mod tiff;
mod walk;

use schemas::media::ContentType;

use crate::clean::Cleaner;
use crate::not_an_image::NotAnImage;
use crate::sniff::{Container, container};

/// Looks for where a file says where it was made.
#[derive(Debug)]
pub enum Survey {
    /// In a TIFF image.
    Tiff(tiff::Tiff),
    /// In an MP4 or QuickTime film.
    Film(film::Film),
    /// In a WebM or Matroska film.
    Matroska(matroska::Matroska),
}

impl Survey {
    /// For a file that begins so and has so many bytes; none where what is to be taken out of it is found as it is read.
    #[must_use]
    pub fn of(head: &[u8], announced: &ContentType, size: u64) -> Option<Self> {
        match container(head, announced)? {
            Container::Tiff => Some(Self::Tiff(tiff::Tiff::default())),
            Container::Film => Some(Self::Film(film::Film::new(size))),
            Container::Matroska => Some(Self::Matroska(matroska::Matroska::new(size))),
        }
    }

    /// The bytes it wants next: from which place on, and how many. None when it has seen everything it needs.
    #[must_use]
    pub fn wants(&self) -> Option<(u64, usize)> {
        match self {
            Self::Tiff(tiff) => tiff.wants(),
            Self::Film(film) => film.wants(),
            Self::Matroska(matroska) => matroska.wants(),
        }
    }

    /// Takes the bytes it wants; fewer only where the file ends.
    ///
    /// # Errors
    /// [`NotAnImage`], also for a file that is made to be looked at for ever.
    pub fn take(&mut self, bytes: &[u8]) -> Result<(), NotAnImage> {
        match self {
            Self::Tiff(tiff) => tiff.take(bytes),
            Self::Film(film) => film.take(bytes),
            Self::Matroska(matroska) => matroska.take(bytes),
        }
    }

    /// What takes out of the file what was found.
    #[must_use]
    pub fn cleaner(self) -> Cleaner {
        Cleaner::blanking(match self {
            Self::Tiff(tiff) => tiff.marked.apart(),
            Self::Film(film) => film.marked.apart(),
            Self::Matroska(matroska) => matroska.marked.apart(),
        })
    }
}

#[cfg(test)]
mod tests;
