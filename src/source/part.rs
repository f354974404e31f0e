//! A part of a file, read without moving the file's own position: parts are read side by side. Knows no format.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::Arc;

/// A part of a file with a position of its own.
#[derive(Debug, Clone)]
pub struct Part {
    file: Arc<File>,
    start: u64,
    end: u64,
    at: u64,
}

/// What changes when a file does: who has the same had no other contents in between, as far as a file system can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Device and number of the file.
    pub file: (u64, u64),
    /// Its bytes.
    pub length: u64,
    /// Last change of its contents, in seconds since 1970 and nanoseconds.
    pub modified: (i64, i64),
    /// Last change of anything about it, in the same.
    pub changed: (i64, i64),
}

impl Part {
    /// What the whole file is by now.
    ///
    /// # Errors
    /// The file system does not say.
    pub fn stamp(&self) -> io::Result<Stamp> {
        let now = self.file.metadata()?;
        Ok(Stamp {
            file: (now.dev(), now.ino()),
            length: now.len(),
            modified: (now.mtime(), now.mtime_nsec()),
            changed: (now.ctime(), now.ctime_nsec()),
        })
    }

    /// The `length` bytes that begin at byte `start`.
    #[must_use]
    pub fn new(file: Arc<File>, start: u64, length: u64) -> Self {
        Self { file, start, end: start.saturating_add(length), at: start }
    }

    /// The byte of the file at which it begins.
    #[must_use]
    pub fn start(&self) -> u64 {
        self.start
    }

    /// How many bytes it has.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.end - self.start
    }
}

impl Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.file.read_at(&mut buffer[..left], self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Part {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(place) => self.start.checked_add(place),
            SeekFrom::End(step) => self.end.checked_add_signed(step),
            SeekFrom::Current(step) => self.at.checked_add_signed(step),
        };
        let target = target.filter(|target| *target >= self.start);
        self.at = target.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at - self.start)
    }
}
