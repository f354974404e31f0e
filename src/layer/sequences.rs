//! What a block of Zstandard leaves behind for the next one. Blocks refer to what came before by copies within the
//! window, by tables of the block before, and by the three last offsets. A block that brings all its tables along can be
//! decoded by who knows the window and those offsets; they are told here, without decompressing anything, from the
//! sequences of the block before. Format: RFC 8878 section 3.1.1.3 and 4.1.

/// The three offsets that a block may repeat, the latest first, as far as they are known.
pub type Offsets = [Option<u32>; 3];

/// How a block packs its literals, and how the codes of its sequences.
const COMPRESSED: u8 = 2;
const REPEATED: u8 = 3;

/// What is read of one kind of code: the largest there is, the longest table, and the table where a block has none.
struct Codes {
    most: usize,
    longest: u32,
    usual_log: u32,
    usual: &'static [i16],
    /// Bits that follow a code.
    extra: fn(u8) -> u32,
}

/// RFC 8878 sections 3.1.1.3.2.1.1 (bits that follow) and 3.1.1.3.2.2 (usual tables).
const LITERALS: Codes = Codes {
    most: 35,
    longest: 9,
    usual_log: 6,
    usual: &[
        4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1,
    ],
    extra: |code| match code {
        0..16 => 0,
        16..20 => 1,
        20..22 => 2,
        22..24 => 3,
        24 => 4,
        _ => u32::from(code) - 19,
    },
};
const OFFSETS: Codes = Codes {
    most: 31,
    longest: 8,
    usual_log: 5,
    usual: &[1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1],
    extra: |code| u32::from(code),
};
const MATCHES: Codes = Codes {
    most: 52,
    longest: 9,
    usual_log: 6,
    usual: &[
        1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
    ],
    extra: |code| match code {
        0..32 => 0,
        32..36 => 1,
        36..38 => 2,
        38..40 => 3,
        40..42 => 4,
        42 => 5,
        _ => u32::from(code) - 36,
    },
};

/// The sections of a compressed block.
struct Sections<'b> {
    literals: u8,
    sequences: usize,
    modes: [u8; 3],
    rest: &'b [u8],
}

impl<'b> Sections<'b> {
    fn of(block: &'b [u8]) -> Option<Self> {
        let number = |bytes: usize| -> Option<usize> {
            block.get(..bytes)?.iter().rev().try_fold(0, |number, byte| Some(number << 8 | usize::from(*byte)))
        };
        let first = *block.first()?;
        let (literals, format) = (first & 3, usize::from(first >> 2 & 3));
        let (header, length) = if literals < COMPRESSED {
            let (header, size) = match format {
                1 => (2, number(2)? >> 4),
                3 => (3, number(3)? >> 4),
                _ => (1, number(1)? >> 3),
            };
            (header, if literals == 0 { size } else { 1 })
        } else {
            let (header, bits) = [(3, 10), (3, 10), (4, 14), (5, 18)][format];
            (header, number(header)? >> (4 + bits) & ((1 << bits) - 1))
        };
        let rest = block.get(header + length..)?;
        let at = |place: usize| rest.get(place).copied().map(usize::from);
        let (sequences, header) = match at(0)? {
            0 => return Some(Self { literals, sequences: 0, modes: [0; 3], rest: &[] }),
            few @ 1..128 => (few, 1),
            255 => (at(1)? + (at(2)? << 8) + 0x7f00, 3),
            many => (((many - 128) << 8) + at(1)?, 2),
        };
        let modes = *rest.get(header)?;
        let modes = [modes >> 6, modes >> 4 & 3, modes >> 2 & 3];
        Some(Self { literals, sequences, modes, rest: rest.get(header + 1..)? })
    }
}

/// Whether a compressed block has all tables with it that it and those behind it need.
pub fn brings_its_own(block: &[u8]) -> bool {
    Sections::of(block).is_some_and(|sections| {
        sections.literals == COMPRESSED && sections.sequences > 0 && !sections.modes.contains(&REPEATED)
    })
}

/// The offsets behind a compressed block, by those before it; none where its sequences cannot be read.
pub fn offsets_behind(block: &[u8], mut last: Offsets) -> Option<Offsets> {
    let Sections { sequences, modes, mut rest, .. } = Sections::of(block)?;
    if sequences == 0 {
        return Some(last);
    }
    let mut table = |codes: &Codes, mode| Table::read(codes, mode, &mut rest);
    let tables = [table(&LITERALS, modes[0])?, table(&OFFSETS, modes[1])?, table(&MATCHES, modes[2])?];
    let mut bits = Backwards::new(rest)?;
    let mut states = tables.each_ref().map(|table| bits.take(table.log));
    for left in (0..sequences).rev() {
        let cell = |place: usize| tables[place].cells.get(states[place]? as usize);
        let (literal, offset, matched) = (cell(0)?, cell(1)?, cell(2)?);
        let value = (1_u32 << offset.code) + bits.take((OFFSETS.extra)(offset.code))?;
        bits.take((MATCHES.extra)(matched.code))?;
        bits.take((LITERALS.extra)(literal.code))?;
        let [first, second, third] = last;
        last = match value.checked_sub(3).filter(|far| *far > 0) {
            Some(far) => [Some(far), first, second],
            // Without literals before it a copy never repeats the last offset, and the numbers mean the next ones.
            None => match value - 1 + u32::from(literal.code == 0) {
                0 => last,
                1 => [second, first, third],
                2 => [third, first, second],
                _ => [first.map(|first| first.saturating_sub(1)), first, second],
            },
        };
        if left > 0 {
            // In this order (RFC 8878 section 3.1.1.3.2.1.1).
            states[0] = Some(u32::from(literal.base) + bits.take(literal.bits)?);
            states[2] = Some(u32::from(matched.base) + bits.take(matched.bits)?);
            states[1] = Some(u32::from(offset.base) + bits.take(offset.bits)?);
        }
    }
    bits.is_at_end().then_some(last)
}

/// What a state of a table means.
#[derive(Clone, Copy, Default)]
struct Cell {
    code: u8,
    /// The next state is this and so many bits.
    base: u16,
    bits: u32,
}

/// A table of finite state entropy.
struct Table {
    log: u32,
    cells: Vec<Cell>,
}

impl Table {
    /// Reads the table that a mode asks for; none where it is that of the block before.
    fn read(codes: &Codes, mode: u8, rest: &mut &[u8]) -> Option<Self> {
        match mode {
            0 => Self::of(codes.usual_log, codes.usual),
            1 => {
                let (code, behind) = rest.split_first()?;
                *rest = behind;
                let cell = Cell { code: *code, ..Cell::default() };
                (usize::from(*code) <= codes.most).then(|| Self { log: 0, cells: vec![cell] })
            }
            COMPRESSED => {
                let (log, shares, used) = shares(rest, codes)?;
                *rest = rest.get(used..)?;
                Self::of(log, &shares)
            }
            _ => None,
        }
    }

    /// RFC 8878 section 4.1.1: a code has as many states as its share says; -1 is one at the end.
    fn of(log: u32, shares: &[i16]) -> Option<Self> {
        let size = 1_usize << log;
        let mut cells = vec![Cell::default(); size];
        let mut high = size;
        for (code, _) in shares.iter().enumerate().filter(|(_, share)| **share == -1) {
            high = high.checked_sub(1)?;
            cells[high].code = u8::try_from(code).ok()?;
        }
        let (step, mut place) = ((size >> 1) + (size >> 3) + 3, 0);
        for (code, share) in shares.iter().enumerate() {
            for _ in 0..*share {
                cells.get_mut(place)?.code = u8::try_from(code).ok()?;
                loop {
                    place = (place + step) & (size - 1);
                    if place < high {
                        break;
                    }
                    // All places are taken by shares of -1: then no code has another.
                    if high == 0 {
                        return None;
                    }
                }
            }
        }
        let mut next: Vec<u32> = shares.iter().map(|share| u32::from(share.unsigned_abs())).collect();
        for cell in &mut cells {
            let state = next.get_mut(usize::from(cell.code))?;
            cell.bits = log.checked_sub(state.checked_ilog2()?)?;
            cell.base = u16::try_from(*state << cell.bits).ok()?.checked_sub(u16::try_from(size).ok()?)?;
            *state += 1;
        }
        Some(Self { log, cells })
    }
}

/// Reads the shares of codes, and tells the bytes that they take.
fn shares(bytes: &[u8], codes: &Codes) -> Option<(u32, Vec<i16>, usize)> {
    let mut at = 0;
    let mut take = |bits: u32| -> Option<u32> {
        let number = (0..bits).try_fold(0, |number, bit| {
            let place = at + bit as usize;
            Some(number | u32::from(bytes.get(place / 8)? >> (place % 8) & 1) << bit)
        });
        at += bits as usize;
        number
    };
    let log = take(4)? + 5;
    let (mut left, mut shares) = (1_u32 << log, Vec::new());
    if log > codes.longest {
        return None;
    }
    while left > 0 {
        // Numbers up to what is left: those that fit into one bit less are written so.
        let bits = (left + 1).ilog2();
        let (short, spare) = (take(bits)?, (2 << bits) - 1 - (left + 1));
        let number = if short < spare {
            short
        } else {
            let whole = short | take(1)? << bits;
            if whole >= 1 << bits { whole - spare } else { whole }
        };
        shares.push(i16::try_from(number).ok()? - 1);
        left = left.checked_sub(if number == 0 { 1 } else { number - 1 })?;
        // Behind a share of nothing comes how many more have nothing, three and more in steps of three.
        let mut zeros = if number == 1 { 3 } else { 0 };
        while zeros == 3 && shares.len() <= codes.most {
            zeros = take(2)?;
            shares.extend(std::iter::repeat_n(0, zeros as usize));
        }
        if shares.len() > codes.most + 1 {
            return None;
        }
    }
    Some((log, shares, at.div_ceil(8)))
}

/// Bits that are read from the end of their bytes.
struct Backwards<'b> {
    bytes: &'b [u8],
    left: usize,
}

impl<'b> Backwards<'b> {
    fn new(bytes: &'b [u8]) -> Option<Self> {
        // The highest bit that is set says where they end.
        let end = bytes.last()?.checked_ilog2()? as usize;
        Some(Self { bytes, left: (bytes.len() - 1) * 8 + end })
    }

    fn take(&mut self, bits: u32) -> Option<u32> {
        self.left = self.left.checked_sub(bits as usize)?;
        let (first, shift) = (self.left / 8, self.left % 8);
        let mut eight = [0; 8];
        let here = &self.bytes[first..self.bytes.len().min(first + 8)];
        eight[..here.len()].copy_from_slice(here);
        // Up to 31 bits behind up to 7 fit into 64.
        u32::try_from(u64::from_le_bytes(eight) >> shift & ((1_u64 << bits) - 1)).ok()
    }

    fn is_at_end(&self) -> bool {
        self.left == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_offsets_of_a_block_are_told() {
        // What stands twice, 100 bytes apart, and both together again 400 bytes behind.
        let part = |seed: u32| {
            let next = |state: &u32| Some(state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
            std::iter::successors(Some(seed), next).skip(1).take(100).map(|state| state.to_be_bytes()[0])
        };
        let plain: Vec<u8> =
            part(1).chain(part(1)).chain(part(2)).chain(part(3)).chain(part(1)).chain(part(1)).collect();
        let frame = zstd::bulk::compress(&plain, 19).unwrap();
        // One segment, whose size takes two bytes: the block's header is behind them.
        assert_eq!(frame[4] >> 5, 3);
        let block = &frame[10..];
        let told = offsets_behind(block, [Some(1), Some(4), Some(8)]);
        assert_eq!(told, Some([Some(400), Some(100), Some(1)]));
        assert_eq!(offsets_behind(&block[..block.len() - 1], [None; 3]), None);
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_damaged(bytes in prop::collection::vec(any::<u8>(), 0..300), head in 0..255_u8) {
            for block in [&bytes[..], &[&[head & 0xfc | 1, 0][..], &bytes[..]].concat()] {
                let _ = brings_its_own(block);
                let _ = offsets_behind(block, [None; 3]);
            }
        }
    }
}
