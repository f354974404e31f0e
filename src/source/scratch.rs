//! Files without a name, for what need not outlive the process: whatever ends it, nothing is left of them. Knows no
//! format.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Makes one in a folder, which is made as well. `name` begins the name that it has for a moment.
///
/// # Errors
/// It cannot be made there.
pub fn make(folder: &Path, name: &str) -> io::Result<File> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let path = folder.join(format!("{name}-{}-{}", std::process::id(), NUMBER.fetch_add(1, Relaxed)));
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    fs::remove_file(&path)?;
    Ok(file)
}

/// Bytes that this user may still write to the file system of a file; 0 where that cannot be told.
#[must_use]
pub fn free(file: &File) -> u64 {
    rustix::fs::fstatvfs(file).map_or(0, |there| there.f_bavail.saturating_mul(there.f_frsize))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek, Write};

    use super::*;

    #[test]
    fn it_holds_what_is_written_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("made");
        let (mut one, mut other) = (make(&inside, "x").unwrap(), make(&inside, "x").unwrap());
        one.write_all(b"one").unwrap();
        other.write_all(b"other").unwrap();
        one.rewind().unwrap();
        let mut text = String::new();
        one.read_to_string(&mut text).unwrap();
        assert_eq!(text, "one");
        assert_eq!(fs::read_dir(&inside).unwrap().count(), 0);
        assert!(free(&one) > 0);
    }
}
