//! Files and folders of an image, written to a place of their own. Nothing that is there is touched, nothing outside
//! the place is written, and what was begun and failed is taken away again.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::contents::{Take, behind, read_back};
use super::load::Loaded;
use super::origin::Job;
use crate::error::{Error, Result};
use crate::index::walk::Live;
use crate::index::{EntryId, Kind};

/// Read, write and execute. Set-id bits of a stranger's image are not for this machine.
const KEPT_MODE: u32 = 0o777;

/// One thing to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The parts of its path below the chosen place; none for the chosen thing itself.
    pub parts: Vec<Vec<u8>>,
    /// What stands there; `None` for a folder that the layer only implies.
    pub live: Option<Live>,
}

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extracted {
    /// Files, second names included.
    pub files: u64,
    /// Their bytes; a second name has none.
    pub bytes: u64,
    /// Folders.
    pub folders: u64,
    /// Symbolic links.
    pub symlinks: u64,
    /// Devices and pipes, and hard links to nothing, which were left out.
    pub skipped: u64,
    /// Files that would have run as somebody else: their set-id bits were not kept.
    pub set_ids: u64,
}

/// Writes the items to `to`, which must not exist. Folders come before what is in them.
///
/// # Errors
/// Something is at `to`, a file cannot be read back or written, or the job was cancelled. Nothing is left of it then.
pub fn extract(loaded: &Loaded, items: &[Item], to: &Path, job: &Job) -> Result<Extracted> {
    if fs::symlink_metadata(to).is_ok() {
        return Err(Error::usage(format!("{} is already there, and nothing is overwritten", to.display())));
    }
    let mut plan = Plan::default();
    let outcome = plan.make(loaded, items, to, job);
    if outcome.is_err() && plan.begun {
        // `to` was made here. What cannot be taken away again is told by the failure that comes first.
        let _ = if fs::symlink_metadata(to).is_ok_and(|found| found.is_dir()) {
            fs::remove_dir_all(to)
        } else {
            fs::remove_file(to)
        };
    }
    outcome.map(|()| plan.done)
}

/// What is still to be made, and what was.
#[derive(Default)]
struct Plan {
    /// Whether anything was made.
    begun: bool,
    /// For each file, its path, mode, and its further names.
    files: HashMap<EntryId, (PathBuf, u32, Vec<PathBuf>)>,
    symlinks: Vec<(PathBuf, Vec<u8>)>,
    folders: Vec<(PathBuf, u32)>,
    open: Option<(PathBuf, File, u64)>,
    done: Extracted,
}

impl Plan {
    fn make(&mut self, loaded: &Loaded, items: &[Item], to: &Path, job: &Job) -> Result<()> {
        for item in items {
            self.place(loaded, item, inside(to, &item.parts)?)?;
        }
        let wanted: Vec<EntryId> = self.files.keys().copied().collect();
        read_back(loaded, &wanted, self, job)?;
        for (path, _, names) in self.files.values() {
            for name in names {
                fs::hard_link(path, name).map_err(|error| unwritable(name, &error))?;
            }
        }
        // Last of all: nothing is written through a link of the image.
        for (path, target) in &self.symlinks {
            std::os::unix::fs::symlink(OsStr::from_bytes(target), path).map_err(|error| unwritable(path, &error))?;
            self.begun = true;
        }
        // Folders may forbid writing; the deepest first, for they may forbid to be entered as well.
        for (path, mode) in self.folders.iter().rev() {
            fs::set_permissions(path, Permissions::from_mode(*mode)).map_err(|error| unwritable(path, &error))?;
        }
        Ok(())
    }

    fn place(&mut self, loaded: &Loaded, item: &Item, path: PathBuf) -> Result<()> {
        let index = &loaded.index;
        let Some(live) = item.live else { return self.folder(path, 0o755) };
        let entry = index.entry(live.entry);
        if entry.kind == Kind::Dir {
            return self.folder(path, u32::from(index.attrs(entry).mode));
        }
        // A hard link to nothing is left out as a device is.
        let Ok(behind) = behind(loaded, live) else {
            self.done.skipped += 1;
            return Ok(());
        };
        let entry = index.entry(behind.entry);
        let mode = u32::from(index.attrs(entry).mode);
        match entry.kind {
            Kind::File => {
                self.done.files += 1;
                if let Some((_, _, names)) = self.files.get_mut(&behind.entry) {
                    names.push(path);
                } else {
                    self.done.set_ids += u64::from(mode & 0o6000 != 0);
                    self.files.insert(behind.entry, (path, mode & KEPT_MODE, Vec::new()));
                }
            }
            Kind::Symlink => {
                self.done.symlinks += 1;
                self.symlinks.push((path, index.symlink_target(entry).unwrap_or_default().to_vec()));
            }
            _ => self.done.skipped += 1,
        }
        Ok(())
    }

    fn folder(&mut self, path: PathBuf, mode: u32) -> Result<()> {
        DirBuilder::new().mode(0o700).create(&path).map_err(|error| unwritable(&path, &error))?;
        self.begun = true;
        self.done.folders += 1;
        self.folders.push((path, mode & KEPT_MODE));
        Ok(())
    }

    fn write(&mut self, write: impl FnOnce(&mut File) -> io::Result<u64>) -> Result<bool> {
        if let Some((path, file, bytes)) = &mut self.open {
            *bytes += write(file).map_err(|error| unwritable(path, &error))?;
        }
        Ok(true)
    }
}

impl Take for Plan {
    fn begin(&mut self, entry: EntryId) -> Result<()> {
        let Some((path, _, _)) = self.files.get(&entry) else { return Ok(()) };
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        self.open = Some((path.clone(), file.map_err(|error| unwritable(path, &error))?, 0));
        self.begun = true;
        Ok(())
    }

    fn part(&mut self, bytes: &[u8]) -> Result<bool> {
        self.write(|file| file.write_all(bytes).map(|()| bytes.len() as u64))
    }

    /// A hole stays one: a terabyte of zeros must not fill the disk.
    fn hole(&mut self, bytes: u64) -> Result<bool> {
        let step = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.write(|file| file.seek(SeekFrom::Current(step)).map(|_| bytes))
    }

    fn end(&mut self, entry: EntryId) -> Result<()> {
        let (Some((path, file, bytes)), Some((_, mode, _))) = (self.open.take(), self.files.get(&entry)) else {
            return Ok(());
        };
        self.done.bytes += bytes;
        // The length is set for a hole at the end.
        let finished = file.set_len(bytes).and_then(|()| file.set_permissions(Permissions::from_mode(*mode)));
        finished.map_err(|error| unwritable(&path, &error))
    }
}

/// The place of an item. The index holds no name that leads outside; this holds if it ever should.
fn inside(to: &Path, parts: &[Vec<u8>]) -> Result<PathBuf> {
    let mut path = to.to_owned();
    for part in parts {
        if matches!(part.as_slice(), b"" | b"." | b"..") || part.iter().any(|byte| matches!(byte, b'/' | 0)) {
            return Err(Error::image("a name in the image leads outside the chosen place"));
        }
        path.push(OsStr::from_bytes(part));
    }
    Ok(path)
}

fn unwritable(path: &Path, cause: &io::Error) -> Error {
    Error::output(&path.display().to_string(), cause)
}
