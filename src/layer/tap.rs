//! Contents on their way out of a layer's tar: who wants which file, and where its bytes go. Knows no file system.

use twox_hash::XxHash3_128;

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

    /// Told after the contents that were wanted, with their hash; `None` for an empty file, and for one that was not read
    /// to its end.
    ///
    /// # Errors
    /// Reading is to stop here.
    fn complete(&mut self, content: Option<u128>) -> Result<(), LayerError>;

    /// Asked between parts of the contents that are wanted: whether the rest of this file would tell nothing. Where it
    /// can be read later it is then left out, and its hash is not known when the file is complete.
    fn is_sated(&self) -> bool {
        false
    }

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
    pub hash: XxHash3_128,
    pub tap: &'t mut T,
}

impl<T: Tap> Feed for Tapped<'_, T> {
    fn part(&mut self, bytes: &[u8]) -> Result<(), LayerError> {
        self.hash.write(bytes);
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
    // Nearly all are spelled so already, apart from a slash at the end.
    let plain = spelled.strip_suffix(b"/").unwrap_or(spelled);
    if is_plain(plain) {
        return path.extend_from_slice(plain);
    }
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

/// Whether no part of the path is empty or begins with a dot.
#[allow(clippy::needless_bitwise_bool)] // To ask all and not to stop at the first is what a compiler makes vectors of.
fn is_plain(path: &[u8]) -> bool {
    let is_odd = |byte: u8| matches!(byte, b'/' | b'.');
    let (Some(&first), Some(&last)) = (path.first(), path.last()) else { return false };
    let pairs = path.iter().zip(&path[1..]);
    let has_odd =
        pairs.fold(false, |has, (&before, &byte)| has | ((before == b'/') & ((byte == b'/') | (byte == b'.'))));
    !is_odd(first) && last != b'/' && !has_odd
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::{Content, Entry, Limits, read_in_place, read_tapped};

    /// Wants everything, and of each file no more than its beginning.
    struct Nibbler {
        eaten: usize,
        told: Vec<Option<u128>>,
    }

    const MEAL: usize = 8192;

    impl Feed for Nibbler {
        fn part(&mut self, bytes: &[u8]) -> Result<(), LayerError> {
            self.eaten += bytes.len();
            Ok(())
        }

        fn hole(&mut self, _: u64) -> Result<(), LayerError> {
            Ok(())
        }
    }

    impl Tap for Nibbler {
        fn wants(&mut self, _: &[u8], _: u64, _: u16) -> Result<Want, LayerError> {
            self.eaten = 0;
            Ok(Want::Contents)
        }

        fn complete(&mut self, content: Option<u128>) -> Result<(), LayerError> {
            self.told.push(content);
            Ok(())
        }

        fn is_sated(&self) -> bool {
            self.eaten >= MEAL
        }

        fn has_enough(&self) -> bool {
            false
        }
    }

    #[test]
    fn who_is_sated_leaves_the_rest_unread_where_it_lies() {
        let sizes = [3, 0, 5000, 4_000_000, MEAL, 300_000];
        let mut tar = tar::Builder::new(Vec::new());
        for (number, size) in sizes.into_iter().enumerate() {
            let bytes: Vec<u8> = (0..size).map(|at| (at * 7 + number).to_le_bytes()[0]).collect();
            let mut header = tar::Header::new_ustar();
            header.set_size(size as u64);
            tar.append_data(&mut header, number.to_string(), &bytes[..]).unwrap();
        }
        let tar = tar.into_inner().unwrap();
        let (place, limits) = (|| std::io::Cursor::new(&tar), Limits::default());
        let nibbler = || Nibbler { eaten: 0, told: Vec::new() };
        let (mut hopped, mut unread, mut passed) = (Vec::new(), Vec::new(), Vec::new());
        let keep = |entry: &Entry<'_>, contents: &mut Vec<Content>| {
            contents.push(entry.content);
            Ok(())
        };
        let (mut here, mut there, length) = (nibbler(), nibbler(), tar.len() as u64);
        read_in_place(place(), length, &limits, &mut here, |entry| keep(entry, &mut hopped)).unwrap();
        read_in_place(place(), length, &limits, &mut Hashes, |entry| keep(entry, &mut unread)).unwrap();
        read_tapped(place(), &limits, &mut there, |entry| keep(entry, &mut passed)).unwrap();
        // What goes by is hashed all the same, for it cannot be read again.
        assert!(passed.iter().zip(sizes).all(|(content, size)| matches!(content, Content::Hash(_)) == (size > 0)));
        for (number, size) in sizes.into_iter().enumerate() {
            let is_left = size > 100_000;
            // Left out, it is as if nobody had wanted it; read whole, its hash is that of the stream.
            assert_eq!(hopped[number], if is_left { unread[number] } else { passed[number] }, "{size}");
            assert_eq!(here.told[number].is_none(), is_left || size == 0, "{size}");
        }
    }

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
