//! Contents on their way out of a layer's tar: who wants which file, and where its bytes go. Knows no file system.

use xxhash_rust::xxh3::Xxh3;

use super::LayerError;

/// What is to be done with a file's contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Nothing.
    Skip,
    /// Their hash.
    Hash,
    /// The bytes, and their hash.
    Contents,
}

/// Takes what a file reads as, in order.
pub trait Feed {
    /// Bytes.
    ///
    /// # Errors
    /// They cannot be taken, or no more are wanted.
    fn part(&mut self, bytes: &[u8]) -> Result<(), LayerError>;

    /// So many zeros, which no tar stores.
    ///
    /// # Errors
    /// They cannot be taken, or no more are wanted.
    fn hole(&mut self, bytes: u64) -> Result<(), LayerError>;
}

/// Chooses files as they go by, and takes their contents.
pub trait Tap: Feed {
    /// Told before every entry: the byte of the tar at which its headers begin. Reading may begin there.
    fn begins(&mut self, _at: u64) {}

    /// Asked once for every file, by its path as the tar spells it, its apparent size in bytes, and its mode.
    ///
    /// # Errors
    /// Reading is to stop here.
    fn wants(&mut self, path: &[u8], size: u64, mode: u16) -> Result<Want, LayerError>;

    /// Told after the contents that were wanted, with their hash; `None` for an empty file.
    ///
    /// # Errors
    /// Reading is to stop here.
    fn complete(&mut self, content: Option<u128>) -> Result<(), LayerError>;

    /// Asked after every entry: whether the rest of the tar need not be read.
    fn has_enough(&self) -> bool;
}

/// Wants no contents, just their hashes.
pub struct Hashes;

impl Feed for Hashes {
    fn part(&mut self, _: &[u8]) -> Result<(), LayerError> {
        Ok(())
    }

    fn hole(&mut self, _: u64) -> Result<(), LayerError> {
        Ok(())
    }
}

impl Tap for Hashes {
    fn wants(&mut self, _: &[u8], _: u64, _: u16) -> Result<Want, LayerError> {
        Ok(Want::Hash)
    }

    fn complete(&mut self, _: Option<u128>) -> Result<(), LayerError> {
        Ok(())
    }

    fn has_enough(&self) -> bool {
        false
    }
}

/// Hashes what goes to a tap.
pub(super) struct Tapped<'t, T> {
    pub hash: Xxh3,
    pub tap: &'t mut T,
}

impl<T: Tap> Feed for Tapped<'_, T> {
    fn part(&mut self, bytes: &[u8]) -> Result<(), LayerError> {
        self.hash.update(bytes);
        self.tap.part(bytes)
    }

    fn hole(&mut self, bytes: u64) -> Result<(), LayerError> {
        // The tap first: it may have enough, and a long hole takes long to hash.
        self.tap.hole(bytes)?;
        self.hash.hole(bytes)
    }
}

/// The parts of a path as a tar spells it, the way the index takes them: `.` and empty parts count for nothing, `..`
/// steps back but never out of the root. The parts are joined by slashes in `path`.
pub fn spell(spelled: &[u8], path: &mut Vec<u8>) {
    path.clear();
    for part in spelled.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => path.truncate(memchr::memrchr(b'/', path).unwrap_or(0)),
            part => {
                if !path.is_empty() {
                    path.push(b'/');
                }
                path.extend_from_slice(part);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_spelled_as_the_index_does() {
        let mut path = Vec::new();
        for (spelled, wanted) in
            [("./a//b/", "a/b"), ("/a", "a"), ("../../a/../b/c", "b/c"), ("a/..", ""), ("a/b/../c", "a/c"), ("", "")]
        {
            spell(spelled.as_bytes(), &mut path);
            assert_eq!(path, wanted.as_bytes(), "{spelled}");
        }
    }
}
