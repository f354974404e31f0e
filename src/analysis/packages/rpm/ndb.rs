//! rpm's own database, which SUSE uses: slots of 16 bytes in pages of 4 KiB, each pointing to a blob.
//! Format: rpm's `lib/backend/ndb/rpmpkg.c`.

use super::Damage;
use crate::analysis::packages::bytes::{le32, part};

const PAGE: usize = 4096;
const SLOT: usize = 16;

/// The header takes the place of the first two slots.
const HEADER_SLOTS: usize = 2;

/// Bytes before a blob: magic, index, checksum, length.
const BLOB: usize = 16;

/// Most pages of slots that rpm itself reads.
const MOST_PAGES: usize = 2048;

/// Headers of packages.
pub fn blobs(bytes: &[u8]) -> (Vec<Vec<u8>>, Option<Damage>) {
    let (Some(b"RpmP"), Some(0), Some(pages)) = (part(bytes, 0, 4), le32(bytes, 4), le32(bytes, 12)) else {
        return (Vec::new(), Some(Damage::NotOne));
    };
    let mut blobs = Vec::new();
    let mut damage = (pages > MOST_PAGES).then_some(Damage::Broken);
    // Blobs never overlap in a sound database, so together they are no larger than it.
    let mut left = bytes.len();
    let slots = pages.min(MOST_PAGES) * PAGE / SLOT;
    for slot in (HEADER_SLOTS..slots).map_while(|slot| part(bytes, slot * SLOT, SLOT)) {
        let used = part(slot, 0, 4) == Some(b"Slot") && le32(slot, 4) != Some(0) && le32(slot, 8) != Some(0);
        if !used {
            continue;
        }
        match blob(bytes, slot).filter(|blob| blob.len() <= left) {
            Some(blob) => {
                left -= blob.len();
                blobs.push(blob.to_vec());
            }
            None => damage = Some(Damage::Broken),
        }
    }
    (blobs, damage)
}

fn blob<'b>(bytes: &'b [u8], slot: &[u8]) -> Option<&'b [u8]> {
    let at = le32(slot, 8)?.checked_mul(SLOT)?;
    let head = part(bytes, at, BLOB)?;
    if part(head, 0, 4)? != b"BlbS" || le32(head, 4) != le32(slot, 4) {
        return None;
    }
    part(bytes, at + BLOB, le32(head, 12)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(value: usize) -> [u8; 4] {
        u32::try_from(value).unwrap().to_le_bytes()
    }

    fn database(contents: &[&[u8]]) -> Vec<u8> {
        let mut bytes = [b"RpmP".as_slice(), &number(0), &number(1), &number(1), &number(0), &[0; 12]].concat();
        let mut at = PAGE;
        for (index, content) in contents.iter().enumerate() {
            let blocks = (BLOB + content.len()).div_ceil(SLOT);
            bytes.extend([b"Slot".as_slice(), &number(index + 1), &number(at / SLOT), &number(blocks)].concat());
            at += blocks * SLOT;
        }
        while bytes.len() < PAGE {
            bytes.extend([b"Slot".as_slice(), &[0; 12]].concat());
        }
        for (index, content) in contents.iter().enumerate() {
            bytes
                .extend([b"BlbS".as_slice(), &number(index + 1), &number(0), &number(content.len()), content].concat());
            bytes.resize(bytes.len().next_multiple_of(SLOT), 0);
        }
        bytes
    }

    #[test]
    fn slots_lead_to_blobs() {
        let (read, damage) = blobs(&database(&[b"first", b"the second one is longer"]));
        assert_eq!((read, damage), (vec![b"first".to_vec(), b"the second one is longer".to_vec()], None));
    }

    #[test]
    fn a_blob_outside_is_damage() {
        let whole = database(&[b"first", b"second"]);
        let (read, damage) = blobs(&whole[..whole.len() - SLOT]);
        assert_eq!((read, damage), (vec![b"first".to_vec()], Some(Damage::Broken)));
        assert_eq!(blobs(b"RpmX"), (vec![], Some(Damage::NotOne)));
    }
}
