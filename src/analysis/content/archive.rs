//! What an archive holds, as far as its beginning or its list tells: enough to prove that it lies unpacked beside itself.
//! Formats: POSIX.1-2017 pax (ustar and its extended headers), GNU tar's long names, APPNOTE.TXT 4.3.12 and 4.3.16 (zip).

use std::io::Read;

use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_128;

use crate::analysis::packages::ending;

/// Members that are remembered of one archive.
const MOST_MEMBERS: usize = 256;

/// Unpacked bytes that are looked at of one archive.
const MOST_UNPACKED: u64 = 32 * 1024 * 1024;

/// Bytes of a tar's block.
const BLOCK: usize = 512;

/// A file in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its name without folders.
    pub name: Vec<u8>,
    /// Its size in bytes.
    pub size: u64,
    /// The hash of its contents, as the index has it, where these were unpacked.
    pub content: Option<u128>,
}

/// How an archive is packed, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Tar,
    Gzip,
    Zstd,
    Zip,
}

fn packing(name: &[u8]) -> Option<Packing> {
    match ending(name) {
        b"tar" => Some(Packing::Tar),
        b"gz" if name.ends_with(b".tar.gz") => Some(Packing::Gzip),
        b"tgz" => Some(Packing::Gzip),
        b"zst" if name.ends_with(b".tar.zst") => Some(Packing::Zstd),
        b"zip" | b"whl" | b"egg" => Some(Packing::Zip),
        _ => None,
    }
}

/// Whether the name is one of an archive that can be looked into.
pub fn is_archive(name: &[u8]) -> bool {
    packing(name).is_some()
}

/// The files of an archive, by its name, its beginning and its end; `size` is that of the whole. Those without bytes are
/// left out, and what cannot be read is none.
pub fn members(name: &[u8], head: &[u8], tail: &[u8], size: u64) -> Vec<Member> {
    let is_whole = head.len() as u64 == size;
    match packing(name) {
        Some(Packing::Tar) => tar(head),
        Some(Packing::Gzip) => tar(MultiGzDecoder::new(head).take(MOST_UNPACKED)),
        Some(Packing::Zstd) => {
            zstd::Decoder::with_buffer(head).map_or_else(|_| Vec::new(), |from| tar(from.take(MOST_UNPACKED)))
        }
        Some(Packing::Zip) => zip(if is_whole { head } else { tail }),
        None => Vec::new(),
    }
}

/// Reads a tar until it ends, is broken, or holds more than is remembered.
fn tar(mut from: impl Read) -> Vec<Member> {
    let (mut found, mut long_name) = (Vec::new(), None);
    let mut block = [0; BLOCK];
    while found.len() < MOST_MEMBERS && from.read_exact(&mut block).is_ok() && block[0] != 0 {
        let Some(size) = number(&block[124..136]) else { break };
        let padded = size.next_multiple_of(BLOCK as u64);
        let kind = block[156];
        if !matches!(kind, b'0' | 0 | b'7' | b'L' | b'x') || padded > MOST_UNPACKED {
            if skip(&mut from, padded).is_none() {
                break;
            }
            if kind != b'g' {
                long_name = None;
            }
            continue;
        }
        let mut contents = Vec::new();
        let read = from.by_ref().take(padded).read_to_end(&mut contents);
        let is_whole = read.is_ok_and(|read| read as u64 == padded);
        contents.truncate(usize::try_from(size).unwrap_or_default());
        match kind {
            b'L' => long_name = Some(contents.split(|&byte| byte == 0).next().unwrap_or_default().to_vec()),
            b'x' => long_name = path_of(&contents).or(long_name),
            _ => {
                let short = block[..100].split(|&byte| byte == 0).next().unwrap_or_default();
                let path = long_name.take().unwrap_or_else(|| short.to_vec());
                let content = is_whole.then(|| XxHash3_128::oneshot(&contents));
                found.extend(member(&path, size, content));
            }
        }
        if !is_whole {
            break;
        }
    }
    found
}

fn skip(from: &mut impl Read, bytes: u64) -> Option<()> {
    let skipped = std::io::copy(&mut from.by_ref().take(bytes), &mut std::io::sink()).ok()?;
    (skipped == bytes).then_some(())
}

fn member(path: &[u8], size: u64, content: Option<u128>) -> Option<Member> {
    let name = path.rsplit(|&byte| byte == b'/').next().filter(|name| !name.is_empty() && size > 0)?;
    Some(Member { name: name.to_vec(), size, content })
}

/// An octal number; a large one of GNU has another form and is no file that matters here.
fn number(digits: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok()?.trim_matches(['\0', ' ']);
    u64::from_str_radix(text, 8).ok()
}

/// `path` of an extended header: `30 path=a/b\n`.
fn path_of(records: &[u8]) -> Option<Vec<u8>> {
    let mut rest = records;
    while let Some(space) = memchr::memchr(b' ', rest) {
        let length: usize = std::str::from_utf8(&rest[..space]).ok()?.parse().ok()?;
        let record = rest.get(space + 1..length.checked_sub(1)?)?;
        if let Some(path) = record.strip_prefix(b"path=") {
            return Some(path.to_vec());
        }
        rest = rest.get(length..)?;
    }
    None
}

/// Reads the list at the end of a zip, as far as it is there.
fn zip(end: &[u8]) -> Vec<Member> {
    let mut found = Vec::new();
    let Some(mut at) = memchr::memmem::find(end, b"PK\x01\x02") else { return found };
    while let Some(header) = end.get(at..at + 46).filter(|header| header.starts_with(b"PK\x01\x02")) {
        let short = |place: usize| usize::from(u16::from_le_bytes([header[place], header[place + 1]]));
        let size = u32::from_le_bytes([header[24], header[25], header[26], header[27]]);
        let Some(path) = end.get(at + 46..at + 46 + short(28)) else { break };
        found.extend(member(path, u64::from(size), None));
        at += 46 + short(28) + short(30) + short(32);
        if found.len() >= MOST_MEMBERS {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn packed() -> Vec<u8> {
        let mut builder = ::tar::Builder::new(Vec::new());
        for (path, text) in
            [("tool/readme", "read me"), ("tool/empty", ""), (&*format!("tool/{}/x", "deep/".repeat(40)), "xx")]
        {
            let mut header = ::tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            builder.append_data(&mut header, path, text.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn shown(members: &[Member]) -> Vec<(&[u8], u64, Option<u128>)> {
        members.iter().map(|member| (&*member.name, member.size, member.content)).collect()
    }

    #[test]
    fn files_of_tars_are_known_by_name_size_and_contents() {
        let tar = packed();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&tar).unwrap();
        let gzip = gzip.finish().unwrap();
        let zstd = zstd::encode_all(&*tar, 1).unwrap();
        let wanted =
            [(&b"readme"[..], 7, Some(XxHash3_128::oneshot(b"read me"))), (b"x", 2, Some(XxHash3_128::oneshot(b"xx")))];
        for (name, bytes) in [(&b"a.tar"[..], &tar), (b"a.tar.gz", &gzip), (b"a.tgz", &gzip), (b"a.tar.zst", &zstd)] {
            assert_eq!(shown(&members(name, bytes, &[], bytes.len() as u64)), wanted);
        }
        // What is cut off is not known, and what was whole before is.
        assert_eq!(shown(&members(b"a.tar", &tar[..1100], &[], 9)), wanted[..1]);
    }

    #[test]
    fn files_of_zips_are_known_by_name_and_size() {
        let mut zip = b"PK\x03\x04 whatever".to_vec();
        for (path, size) in [(&b"a/one"[..], 70_u32), (b"a/", 0), (b"two", 9)] {
            let mut header = [0; 46];
            header[..4].copy_from_slice(b"PK\x01\x02");
            header[24..28].copy_from_slice(&size.to_le_bytes());
            header[28] = u8::try_from(path.len()).unwrap();
            zip.extend_from_slice(&header);
            zip.extend_from_slice(path);
        }
        let whole = zip.len() as u64;
        let wanted = [(&b"one"[..], 70, None), (b"two", 9, None)];
        assert_eq!(shown(&members(b"x.zip", &zip, &[], whole)), wanted);
        assert_eq!(shown(&members(b"x.whl", &zip[..10], &zip[10..], whole)), wanted);
    }

    #[test]
    fn whatever_bytes_there_are_nothing_breaks() {
        let tar = packed();
        for end in 0..tar.len().min(3000) {
            let _ = members(b"a.tar", &tar[..end], &[], 1);
            let _ = members(b"a.zip", &[b"PK\x01\x02", &tar[..end]].concat(), &[], 1);
        }
        for name in [&b"a.tar"[..], b"a.tar.gz", b"a.tar.zst", b"a.zip"] {
            assert!(members(name, &[0xff; 2000], &[0xff; 2000], 9000).is_empty());
        }
    }
}
