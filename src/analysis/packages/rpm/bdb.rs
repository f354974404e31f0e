//! A Berkeley DB hash, as rpm kept its packages until 2020: pages of keys and values, large values on pages of their
//! own. Format: Berkeley DB's `dbinc/db_page.h`. Either byte order.

use super::Damage;
use crate::analysis::packages::bytes::{be16, be32, le16, le32, part};

const MAGIC: usize = 0x0006_1561;

/// Bytes before the contents of every page.
const HEAD: usize = 26;

/// Types of pages: two of them hold keys and values, sorted or not.
const UNSORTED: u8 = 2;
const OVERFLOW: u8 = 7;
const META: u8 = 8;
const SORTED: u8 = 13;

/// Types of values: on the page itself, or on overflow pages.
const HERE: u8 = 1;
const ELSEWHERE: u8 = 3;

struct Pages<'b> {
    bytes: &'b [u8],
    size: usize,
    is_big: bool,
    /// Overflow pages that may still be read. In a sound database each is read once.
    steps: usize,
}

impl<'b> Pages<'b> {
    fn page(&self, number: usize) -> Option<&'b [u8]> {
        part(self.bytes, number.checked_mul(self.size)?, self.size)
    }

    fn u16(&self, bytes: &[u8], at: usize) -> Option<usize> {
        if self.is_big { be16(bytes, at) } else { le16(bytes, at) }
    }

    fn u32(&self, bytes: &[u8], at: usize) -> Option<usize> {
        if self.is_big { be32(bytes, at) } else { le32(bytes, at) }
    }

    /// A value that a chain of pages holds.
    fn chain(&mut self, mut number: usize, length: usize) -> Option<Vec<u8>> {
        let mut value = Vec::new();
        while value.len() < length {
            self.steps = self.steps.checked_sub(1)?;
            let page = self.page(number)?;
            let used = self.u16(page, 22)?.min(length - value.len());
            if page[25] != OVERFLOW || used == 0 {
                return None;
            }
            value.extend_from_slice(part(page, HEAD, used)?);
            number = self.u32(page, 16)?;
        }
        Some(value)
    }

    /// The value whose place is the second of a pair. Values lie from the end of the page to its front, so each ends
    /// where the one before it begins.
    fn value(&mut self, page: &[u8], place: usize) -> Option<Vec<u8>> {
        let start = self.u16(page, HEAD + 2 * place)?;
        let end = self.u16(page, HEAD + 2 * (place - 1))?;
        match *page.get(start)? {
            ELSEWHERE => self.chain(self.u32(page, start + 4)?, self.u32(page, start + 8)?),
            HERE => page.get(start + 1..end).map(<[u8]>::to_vec),
            _ => None,
        }
    }
}

/// Values longer than a counter: the first key of rpm's database holds the last number given.
const SHORTEST: usize = 16;

/// Headers of packages.
pub fn values(bytes: &[u8]) -> (Vec<Vec<u8>>, Option<Damage>) {
    let is_big = be32(bytes, 12) == Some(MAGIC);
    if (!is_big && le32(bytes, 12) != Some(MAGIC)) || bytes.get(25) != Some(&META) {
        return (Vec::new(), Some(Damage::NotOne));
    }
    if bytes.get(24) != Some(&0) {
        return (Vec::new(), Some(Damage::Encrypted));
    }
    let mut pages = Pages { bytes, size: 0, is_big, steps: 0 };
    pages.size = pages.u32(bytes, 20).unwrap_or_default();
    if !pages.size.is_power_of_two() || !(512..=65536).contains(&pages.size) {
        return (Vec::new(), Some(Damage::Broken));
    }
    pages.steps = bytes.len() / pages.size;
    let (mut values, mut damage) = (Vec::new(), None);
    let last = pages.u32(bytes, 32).unwrap_or_default();
    // Values never share pages in a sound database, so together they are no larger than it.
    let mut left = bytes.len();
    for number in 1..=last {
        let Some(page) = pages.page(number) else {
            damage = Some(Damage::Broken);
            break;
        };
        if !matches!(page[25], UNSORTED | SORTED) {
            continue;
        }
        let count = pages.u16(page, 20).unwrap_or_default();
        for place in (1..count).step_by(2) {
            match pages.value(page, place) {
                Some(value) if value.len() <= left => {
                    left -= value.len();
                    values.extend(Some(value).filter(|value| value.len() >= SHORTEST));
                }
                Some(_) => return (values, Some(Damage::Broken)),
                None => damage = Some(Damage::Broken),
            }
        }
    }
    (values, damage)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 512;

    /// A database of one hash page with one short value, one long one in a chain, and the pages of that.
    fn database(is_big: bool) -> Vec<u8> {
        let u16 = |value: usize| {
            let value = u16::try_from(value).unwrap();
            if is_big { value.to_be_bytes() } else { value.to_le_bytes() }
        };
        let u32 = |value: usize| {
            let value = u32::try_from(value).unwrap();
            if is_big { value.to_be_bytes() } else { value.to_le_bytes() }
        };
        let mut bytes = vec![0; SIZE * 4];
        let put = |bytes: &mut Vec<u8>, at: usize, part: &[u8]| bytes[at..at + part.len()].copy_from_slice(part);
        put(&mut bytes, 12, &u32(MAGIC));
        put(&mut bytes, 20, &u32(SIZE));
        bytes[25] = META;
        put(&mut bytes, 32, &u32(3));
        // Places of key, value, key, value; each ends where the one before it begins.
        let hash = SIZE;
        bytes[hash + 25] = SORTED;
        put(&mut bytes, hash + 20, &u16(4));
        for (place, at) in [507, 480, 475, 463].into_iter().enumerate() {
            put(&mut bytes, hash + HEAD + 2 * place, &u16(at));
        }
        put(&mut bytes, hash + 480, &[HERE]);
        put(&mut bytes, hash + 481, &[b's'; 26]);
        put(&mut bytes, hash + 463, &[ELSEWHERE, 0, 0, 0]);
        put(&mut bytes, hash + 467, &u32(2));
        put(&mut bytes, hash + 471, &u32(500));
        for (page, used, next) in [(2, 486, 3), (3, 14, 0)] {
            let at = page * SIZE;
            put(&mut bytes, at + 16, &u32(next));
            put(&mut bytes, at + 22, &u16(used));
            bytes[at + 25] = OVERFLOW;
            put(&mut bytes, at + HEAD, &vec![b'l'; used]);
        }
        bytes
    }

    #[test]
    fn values_are_on_the_page_and_elsewhere_in_both_byte_orders() {
        for is_big in [false, true] {
            let (read, damage) = values(&database(is_big));
            assert_eq!((read, damage), (vec![vec![b's'; 26], vec![b'l'; 500]], None));
        }
    }

    #[test]
    fn a_chain_that_bites_its_tail_ends() {
        let mut bytes = database(false);
        // The second overflow page leads to itself and always brings one byte.
        bytes[3 * SIZE + 16] = 3;
        bytes[3 * SIZE + 22] = 1;
        assert_eq!(values(&bytes), (vec![vec![b's'; 26]], Some(Damage::Broken)));
        // One that brings nothing is damage too.
        bytes[3 * SIZE + 22] = 0;
        assert_eq!(values(&bytes), (vec![vec![b's'; 26]], Some(Damage::Broken)));
    }

    #[test]
    fn whatever_is_not_one_says_so() {
        assert_eq!(values(b"").1, Some(Damage::NotOne));
        let mut bytes = database(false);
        bytes[24] = 1;
        assert_eq!(values(&bytes).1, Some(Damage::Encrypted));
        let whole = database(false);
        assert_eq!(values(&whole[..3 * SIZE]).1, Some(Damage::Broken));
    }
}
