//! Blobs that went by when somebody looked into them, kept as long as the image is open: an engine's export, or an archive
//! that is packed as a whole, does not go by again for the next file. Nothing is kept of what is only indexed.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::source::part::Part;
use crate::source::scratch;

/// Bytes of all blobs that are kept; those that were not looked into for the longest time leave first.
const MOST: u64 = 4 * 1024 * 1024 * 1024;

/// What is left to others of a file system's free bytes: the half.
const SHARE: u64 = 2;

/// Copied at once.
const PIECE: usize = 256 * 1024;

/// The beginning of a file's name for the moment that it has one.
const NAME: &str = "draft-spool";

/// The blobs.
#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
    most: u64,
    /// Those used last are last.
    kept: Mutex<VecDeque<(String, Part)>>,
}

/// A blob that went by.
pub(super) enum Caught<'b> {
    /// It lies in a file now.
    All(Part),
    /// It could not be kept, and goes by from its beginning.
    Passing(Box<dyn Read + 'b>),
}

impl Spool {
    /// Keeps blobs in a folder, which need not be there yet.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, most: MOST, kept: Mutex::default() }
    }

    /// A blob that was kept.
    pub fn find(&self, name: &str) -> Option<Part> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let place = kept.iter().position(|(known, _)| known == name)?;
        let found = kept.remove(place)?;
        let part = found.1.clone();
        kept.push_back(found);
        Some(part)
    }

    /// Keeps a blob of so many bytes that goes by, if there is room for it.
    ///
    /// # Errors
    /// Whatever reading gives.
    pub fn catch<'b>(&self, name: &str, mut blob: impl Read + 'b, size: u64) -> io::Result<Caught<'b>> {
        let file = scratch::make(&self.folder, NAME).ok().filter(|_| size <= self.most);
        let Some(file) = file.filter(|file| size <= scratch::free(file) / SHARE) else {
            return Ok(Caught::Passing(Box::new(blob)));
        };
        let (file, mut length, mut piece) = (Arc::new(file), 0, vec![0; PIECE]);
        loop {
            let read = blob.read(&mut piece)?;
            if read == 0 {
                break;
            }
            if write(&file, &piece[..read]).is_err() {
                // Somebody else filled the disk.
                piece.truncate(read);
                let before = Part::new(file, 0, length).chain(io::Cursor::new(piece));
                return Ok(Caught::Passing(Box::new(before.chain(blob))));
            }
            length += read as u64;
        }
        let part = Part::new(file, 0, length);
        self.keep(name, part.clone());
        Ok(Caught::All(part))
    }

    fn keep(&self, name: &str, part: Part) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(known, _)| known != name);
        kept.push_back((name.to_owned(), part));
        while kept.len() > 1 && kept.iter().map(|(_, part)| part.length()).sum::<u64>() > self.most {
            kept.pop_front();
        }
    }
}

fn write(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut from: impl Read) -> Vec<u8> {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        bytes
    }

    fn catch(spool: &Spool, name: &str, bytes: &[u8]) -> bool {
        match spool.catch(name, bytes, bytes.len() as u64).unwrap() {
            Caught::All(part) => {
                assert!(all(part) == bytes);
                true
            }
            Caught::Passing(blob) => {
                assert!(all(blob) == bytes);
                false
            }
        }
    }

    #[test]
    fn what_was_looked_into_last_is_kept_as_long_as_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool { most: 1_000_000, ..Spool::new(folder.path().join("cache")) };
        let blob = |byte: u8| vec![byte; 400_000];
        assert!(spool.find("a").is_none());
        assert!(catch(&spool, "a", &blob(1)) && catch(&spool, "b", &blob(2)));
        assert!(all(spool.find("a").unwrap()) == blob(1));
        assert!(catch(&spool, "c", &blob(3)));
        assert!(spool.find("b").is_none(), "it was not looked into for the longest time");
        assert!(spool.find("a").is_some() && spool.find("c").is_some());
        // Another one of the same name takes its place.
        assert!(catch(&spool, "a", &blob(4)));
        assert!(all(spool.find("a").unwrap()) == blob(4));
        assert!(!catch(&spool, "large", &vec![5; 1_000_001]));
        assert!(spool.find("large").is_none());
    }

    #[test]
    fn where_nothing_can_be_written_it_goes_by() {
        let spool = Spool::new("/proc/nowhere".into());
        assert!(!catch(&spool, "a", b"bytes"));
    }

    #[test]
    fn what_breaks_off_is_an_error_and_not_kept() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("broken"))
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path().into());
        assert!(spool.catch("a", b"begin".chain(Broken), 100).is_err());
        assert!(spool.find("a").is_none());
    }
}
