//! The part of the odd image that no shell can write: an archive for `ADD`, made entry by entry.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use tar::{Builder, EntryType, Header};

/// After 32 bits of seconds are full, with a fraction. An engine takes no time before 1970 from an archive.
const LATE: &[u8] = b"2208988800.123456789";
/// A capability of version 2 whose bytes hold a newline, at which a naive reader of PAX records stops.
/// <https://elixir.bootlin.com/linux/v6.12/source/include/uapi/linux/capability.h>, `struct vfs_cap_data`.
const CAPABILITY: [u8; 20] = [1, 0, 0, 2, 0x0a, 0x20, 0, 0, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const OWNER_OF_ALL: u64 = 0;
const LARGE_IDS: [u64; 3] = [65_534, 2_097_152, 4_000_000_000];

struct Odd {
    archive: Builder<Vec<u8>>,
}

/// The archive.
pub fn archive() -> Vec<u8> {
    let mut odd = Odd { archive: Builder::new(Vec::new()) };
    odd.names();
    odd.metadata();
    odd.base();
    odd.archive.into_inner().unwrap()
}

impl Odd {
    /// Long names and paths in every length at which a tar format changes its mind, twins, and links to long paths.
    fn names(&mut self) {
        let (long, longest) = ("n".repeat(200), "m".repeat(255));
        self.file(&format!("names/{longest}"), b"a name of 255 bytes");
        self.file(&format!("names/{}/{}", "p".repeat(40), "q".repeat(55)), b"a path of 102 bytes");
        self.file(&format!("names/{long}/{long}"), b"a path of more than 255 bytes");
        let deep = format!("names/{long}/{long}d/{long}d/{long}d");
        self.file(&deep, b"a path of more than 800 bytes");
        self.link(EntryType::Link, "names/hard", &deep);
        self.link(EntryType::Symlink, "names/soft", &format!("/{deep}"));
        for twin in
            ["Case", "case", "caf\u{e9}", "cafe\u{301}", "\u{202e}gnp.exe", "\u{1f433}", "..data", "...", "a\u{7f}b"]
        {
            self.file(&format!("names/{twin}"), twin.as_bytes());
        }
        self.bytes(b"names/\xff\xfe\x80 is not UTF-8", b"bytes");
    }

    /// Owners, times and capabilities.
    fn metadata(&mut self) {
        for id in LARGE_IDS {
            let mut header = regular(0o644);
            header.set_uid(id);
            header.set_gid(id);
            self.put(header, &format!("meta/owner-{id}"), b"owned");
        }
        self.archive.append_pax_extensions([("mtime", LATE)]).unwrap();
        self.file("meta/year-2040", b"dated");
        self.archive.append_pax_extensions([("SCHILY.xattr.security.capability", &CAPABILITY[..])]).unwrap();
        self.put(regular(0o755), "meta/capable", b"capable");
    }

    /// What later layers change.
    fn base(&mut self) {
        let text = "the same content again and again\n".repeat(2_000);
        for name in ["rewritten", "touched", "chmodded", "chowned", "grown", "gone"] {
            self.file(&format!("base/plain/{name}"), format!("{name}\n{text}").as_bytes());
        }
        for number in 0..400 {
            self.file(&format!("base/many/{number}"), format!("{number}\n").repeat(100).as_bytes());
        }
        for name in
            ["moves/deep/er/file", "moves/file", "opaque/old", "opaque/both", "opaque/sub/old", "turns/folder/one"]
        {
            self.file(&format!("base/{name}"), text.as_bytes());
        }
        self.file("base/turns/file", text.as_bytes());
        self.link(EntryType::Symlink, "base/turns/link", "file");
        let mut folder = Header::new_ustar();
        folder.set_entry_type(EntryType::Directory);
        folder.set_mode(0o1777);
        self.put(folder, "tmp/", b"");
    }

    fn file(&mut self, path: &str, content: &[u8]) {
        self.put(regular(0o644), path, content);
    }

    fn bytes(&mut self, path: &[u8], content: &[u8]) {
        self.append(regular(0o644), Path::new(std::ffi::OsStr::from_bytes(path)), content);
    }

    fn put(&mut self, header: Header, path: &str, content: &[u8]) {
        self.append(header, Path::new(path), content);
    }

    fn append(&mut self, mut header: Header, path: &Path, content: &[u8]) {
        header.set_size(u64::try_from(content.len()).unwrap());
        self.archive.append_data(&mut header, path, content).unwrap();
    }

    fn link(&mut self, kind: EntryType, path: &str, target: &str) {
        let mut header = regular(0o777);
        header.set_entry_type(kind);
        header.set_size(0);
        self.archive.append_link(&mut header, path, target).unwrap();
    }
}

fn regular(mode: u32) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(mode);
    header.set_uid(OWNER_OF_ALL);
    header.set_gid(OWNER_OF_ALL);
    header.set_mtime(1_600_000_000);
    header
}
