//! Rows of one table of an SQLite database, read only, with the pages of its write-ahead log laid over its own.
//! Format: sqlite.org/fileformat2.html, sections 1.3, 1.5, 1.6, 2.1 and 4.

use std::collections::{HashMap, HashSet};

use super::Damage;
use crate::analysis::packages::bytes::{be16, be32, part};

/// The header of the file, which stands on the first page.
const FILE_HEAD: usize = 100;

/// Types of pages of a table.
const INTERIOR: u8 = 0x05;
const LEAF: u8 = 0x0d;

/// Bytes of the log before its first frame, and of a frame before its page.
const LOG_HEAD: usize = 32;
const FRAME_HEAD: usize = 24;

/// A column's value, as far as anything here asks.
enum Value<'b> {
    Number(u64),
    Bytes(&'b [u8]),
    Other,
}

struct Pages<'b> {
    bytes: &'b [u8],
    size: usize,
    /// Bytes at the end of every page that hold nothing.
    reserved: usize,
    log: HashMap<usize, &'b [u8]>,
    /// Bytes of rows that may still be read. In a sound database rows never share bytes.
    left: usize,
    damage: Option<Damage>,
}

/// The `blob` of every row of the table `Packages`.
pub fn blobs(bytes: &[u8], log: Option<&[u8]>) -> (Vec<Vec<u8>>, Option<Damage>) {
    if part(bytes, 0, 16) != Some(b"SQLite format 3\0") {
        return (Vec::new(), Some(Damage::NotOne));
    }
    // One stands for 65536, which two bytes do not hold.
    let size = be16(bytes, 16).map_or(0, |size| if size == 1 { 65536 } else { size });
    let reserved = usize::from(bytes.get(20).copied().unwrap_or_default());
    // The format allows no usable size below 480; the arithmetic of overflow stands on it.
    if !size.is_power_of_two() || size < 512 || size - reserved < 480 {
        return (Vec::new(), Some(Damage::Broken));
    }
    let log = log.map(|log| frames(log, size)).unwrap_or_default();
    let left = bytes.len() + log.len() * size;
    let mut pages = Pages { bytes, size, reserved, log, left, damage: None };
    let mut root = None;
    pages.rows(1, |row| {
        if let [Value::Bytes(b"table"), Value::Bytes(b"Packages"), _, Value::Number(page), ..] = row {
            root = usize::try_from(*page).ok();
        }
    });
    let mut blobs = Vec::new();
    match root {
        Some(root) => pages.rows(root, |row| {
            if let [_, Value::Bytes(blob), ..] = row {
                blobs.push(blob.to_vec());
            }
        }),
        None => pages.damage = Some(Damage::Broken),
    }
    (blobs, pages.damage)
}

/// The newest page of each number that a finished transaction wrote. Frames of an earlier round of the log have
/// another salt and end it.
fn frames(log: &[u8], size: usize) -> HashMap<usize, &[u8]> {
    let mut settled = HashMap::new();
    let magic = be32(log, 0);
    if !matches!(magic, Some(0x377f_0682 | 0x377f_0683)) || be32(log, 8) != Some(size) {
        return settled;
    }
    let salt = part(log, 16, 8);
    let mut open = Vec::new();
    for frame in log.get(LOG_HEAD..).unwrap_or_default().chunks_exact(FRAME_HEAD + size) {
        if part(frame, 8, 8) != salt {
            break;
        }
        let (Some(number), Some(commit)) = (be32(frame, 0), be32(frame, 4)) else { break };
        open.push((number, &frame[FRAME_HEAD..]));
        if commit != 0 {
            settled.extend(open.drain(..));
        }
    }
    settled
}

impl<'b> Pages<'b> {
    fn page(&self, number: usize) -> Option<&'b [u8]> {
        if let Some(page) = self.log.get(&number) {
            return Some(page);
        }
        part(self.bytes, number.checked_sub(1)?.checked_mul(self.size)?, self.size)
    }

    /// Visits the rows of a table. A page that was seen already is not entered again: that would be a circle.
    fn rows(&mut self, root: usize, mut visit: impl FnMut(&[Value<'_>])) {
        let mut seen = HashSet::from([root]);
        let mut waiting = vec![root];
        while let Some(number) = waiting.pop() {
            let Some(page) = self.page(number) else {
                self.damage = Some(Damage::Broken);
                continue;
            };
            let head = if number == 1 { FILE_HEAD } else { 0 };
            match page.get(head) {
                Some(&INTERIOR) => {
                    // In the order of the rows, the last first: the stack turns it around.
                    let children = cells(page, head, 12).rev().filter_map(|cell| be32(page, cell));
                    for child in be32(page, head + 8).into_iter().chain(children) {
                        if seen.insert(child) {
                            waiting.push(child);
                        } else {
                            self.damage = Some(Damage::Broken);
                        }
                    }
                }
                Some(&LEAF) => {
                    for cell in cells(page, head, 8) {
                        let payload = self.payload(page, cell);
                        let row = payload.as_deref().and_then(columns);
                        match row {
                            Some(row) => visit(&row),
                            None => self.damage = Some(Damage::Broken),
                        }
                    }
                }
                _ => self.damage = Some(Damage::Broken),
            }
        }
    }

    /// The payload of a leaf's cell: the beginning on the page, the rest in a chain of others.
    fn payload(&mut self, page: &[u8], cell: usize) -> Option<Vec<u8>> {
        let (length, at) = varint(page, cell)?;
        let (_row, at) = varint(page, at)?;
        let length = usize::try_from(length).ok()?;
        self.left = self.left.checked_sub(length)?;
        let usable = self.size - self.reserved;
        let most = usable - 35;
        if length <= most {
            return part(page, at, length).map(<[u8]>::to_vec);
        }
        let least = (usable - 12) * 32 / 255 - 23;
        let fitting = least + (length - least) % (usable - 4);
        let here = if fitting <= most { fitting } else { least };
        let mut payload = part(page, at, here)?.to_vec();
        let mut next = be32(page, at + here)?;
        while payload.len() < length {
            let page = self.page(next)?;
            let take = (usable - 4).min(length - payload.len());
            payload.extend_from_slice(part(page, 4, take)?);
            next = be32(page, 0)?;
        }
        Some(payload)
    }
}

/// Where the cells of a page begin, in the order of their rows.
fn cells(page: &[u8], head: usize, length: usize) -> impl DoubleEndedIterator<Item = usize> {
    let count = be16(page, head + 3).unwrap_or_default();
    (0..count).filter_map(move |place| be16(page, head + length + 2 * place))
}

/// A number of one to nine bytes, and where it ends.
fn varint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut number: u64 = 0;
    for place in 0..8 {
        let byte = *bytes.get(at + place)?;
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((number, at + place + 1));
        }
    }
    Some((number << 8 | u64::from(*bytes.get(at + 8)?), at + 9))
}

/// The columns of a row.
fn columns(payload: &[u8]) -> Option<Vec<Value<'_>>> {
    let (head, mut at) = varint(payload, 0)?;
    let head = usize::try_from(head).ok()?;
    let mut from = head;
    let mut columns = Vec::new();
    while at < head {
        let (kind, next) = varint(payload, at)?;
        at = next;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return None,
            long => (long - 12) / 2,
        };
        let value = part(payload, from, usize::try_from(length).ok()?)?;
        from += value.len();
        columns.push(match kind {
            1..=6 => Value::Number(value.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))),
            9 => Value::Number(1),
            12.. => Value::Bytes(value),
            _ => Value::Other,
        });
    }
    Some(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 512;

    fn coded(mut number: usize) -> Vec<u8> {
        let mut bytes = vec![u8::try_from(number & 0x7f).unwrap()];
        while number > 0x7f {
            number >>= 7;
            bytes.insert(0, u8::try_from(number & 0x7f).unwrap() | 0x80);
        }
        bytes
    }

    fn row(kinds: &[usize], values: &[&[u8]]) -> Vec<u8> {
        let kinds: Vec<u8> = kinds.iter().flat_map(|kind| coded(*kind)).collect();
        [coded(kinds.len() + 1), kinds, values.concat()].concat()
    }

    /// A leaf with cells, laid out from the end.
    fn leaf(head: usize, cells: &[Vec<u8>]) -> Vec<u8> {
        let mut page = vec![0; SIZE];
        page[head] = LEAF;
        page[head + 3..head + 5].copy_from_slice(&u16::try_from(cells.len()).unwrap().to_be_bytes());
        let mut end = SIZE;
        for (place, cell) in cells.iter().enumerate() {
            end -= cell.len();
            page[end..end + cell.len()].copy_from_slice(cell);
            let at = head + 8 + 2 * place;
            page[at..at + 2].copy_from_slice(&u16::try_from(end).unwrap().to_be_bytes());
        }
        page
    }

    fn cell(payload: &[u8], overflow: Option<u32>) -> Vec<u8> {
        let here = overflow.map_or(payload.len(), |_| {
            let (most, least) = (SIZE - 35, (SIZE - 12) * 32 / 255 - 23);
            let fitting = least + (payload.len() - least) % (SIZE - 4);
            if fitting <= most { fitting } else { least }
        });
        let mut cell = [coded(payload.len()), coded(1), payload[..here].to_vec()].concat();
        cell.extend(overflow.into_iter().flat_map(u32::to_be_bytes));
        cell
    }

    /// Page 1: the schema. Page 2: one short row and one long. Pages 3 and 4: the rest of that.
    fn database() -> (Vec<u8>, Vec<u8>) {
        let long: Vec<u8> = (0..1000_u32).map(|number| number.to_le_bytes()[0]).collect();
        let payload = row(&[0, 12 + 2 * long.len()], &[&long]);
        let schema = row(&[23, 29, 29, 1, 13], &[b"table", b"Packages", b"Packages", &[2], b""]);
        let mut first = leaf(FILE_HEAD, &[cell(&schema, None)]);
        first[..16].copy_from_slice(b"SQLite format 3\0");
        first[16..18].copy_from_slice(&512_u16.to_be_bytes());
        let second = leaf(0, &[cell(&row(&[0, 12 + 2 * 5], &[b"short"]), None), cell(&payload, Some(3))]);
        let here = cell(&payload, Some(3)).len() - 4 - coded(payload.len()).len() - 1;
        let rest: Vec<Vec<u8>> = payload[here..].chunks(SIZE - 4).map(<[u8]>::to_vec).collect();
        let mut bytes = [first, second].concat();
        for (place, part) in rest.iter().enumerate() {
            let next = if place + 1 < rest.len() { u32::try_from(place + 4).unwrap() } else { 0 };
            bytes.extend(next.to_be_bytes());
            bytes.extend(part);
            bytes.resize(bytes.len().next_multiple_of(SIZE), 0);
        }
        (bytes, long)
    }

    #[test]
    fn rows_come_with_what_overflows() {
        let (bytes, long) = database();
        assert_eq!(blobs(&bytes, None), (vec![b"short".to_vec(), long], None));
    }

    #[test]
    fn the_log_lies_over_the_pages_once_its_transaction_ended() {
        let (bytes, _) = database();
        let newer = leaf(0, &[cell(&row(&[0, 12 + 2 * 5], &[b"newer"]), None)]);
        let frame = |commit: u32, salt: u8| {
            [&2_u32.to_be_bytes()[..], &commit.to_be_bytes(), &[salt; 8], &[0; 8], &newer].concat()
        };
        let head =
            [&0x377f_0682_u32.to_be_bytes()[..], &[0; 4], &512_u32.to_be_bytes(), &[0; 4], &[7; 8], &[0; 8]].concat();
        let read = |frame: Vec<u8>| blobs(&bytes, Some(&[head.clone(), frame].concat())).0;
        assert_eq!(read(frame(4, 7)), [b"newer"]);
        assert_eq!(read(frame(0, 7)).len(), 2, "a transaction that did not end");
        assert_eq!(read(frame(4, 8)).len(), 2, "a frame of an earlier round");
    }

    #[test]
    fn circles_end() {
        let (mut bytes, _) = database();
        bytes[2 * SIZE..2 * SIZE + 4].copy_from_slice(&3_u32.to_be_bytes());
        let (read, _) = blobs(&bytes, None);
        assert!(read.len() <= 2);
        let mut bytes = database().0;
        // A table whose page is its own child.
        bytes[SIZE] = INTERIOR;
        bytes[SIZE + 8..SIZE + 12].copy_from_slice(&2_u32.to_be_bytes());
        assert_eq!(blobs(&bytes, None).1, Some(Damage::Broken));
    }
}
