//! Images from layers' tars, with the contents that packages need: what a session does, as small as it can be.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::Read;

use layerscope::analysis::contents::Contents;
use layerscope::analysis::efficiency::{Account, account};
use layerscope::analysis::packages::{Embedded, Package, PackageId, Packages, Scanner, wanted};
use layerscope::index::{Builder, EntryId, Index, Stack};
use layerscope::layer::tap::{Feed, Tap, Want};
use layerscope::layer::{LayerError, Limits, read_tapped};

/// Contents in memory.
#[derive(Default)]
pub struct Kept(HashMap<EntryId, Vec<u8>>);

impl Contents for Kept {
    fn of(&self, entry: EntryId) -> Option<&[u8]> {
        self.0.get(&entry).map(Vec::as_slice)
    }
}

/// The file that goes by.
#[derive(Default)]
struct Passing {
    path: Vec<u8>,
    bytes: Option<Vec<u8>>,
    is_scanned: bool,
    scanner: Scanner,
}

struct Taken<'p>(&'p RefCell<Passing>);

impl Feed for Taken<'_> {
    fn part(&mut self, bytes: &[u8]) -> Result<(), LayerError> {
        let mut passing = self.0.borrow_mut();
        if let Some(kept) = &mut passing.bytes {
            kept.extend_from_slice(bytes);
        }
        if passing.is_scanned {
            passing.scanner.part(bytes);
        }
        Ok(())
    }

    fn hole(&mut self, length: u64) -> Result<(), LayerError> {
        let mut passing = self.0.borrow_mut();
        passing.scanner.hole();
        if let Some(kept) = &mut passing.bytes {
            kept.resize(kept.len() + usize::try_from(length).unwrap(), 0);
        }
        Ok(())
    }
}

impl Tap for Taken<'_> {
    fn wants(&mut self, path: &[u8], size: u64, mode: u16) -> Result<Want, LayerError> {
        let mut passing = self.0.borrow_mut();
        passing.path = path.to_vec();
        passing.bytes = wanted(path, size, mode).then(Vec::new);
        passing.is_scanned = Scanner::may_find(path, size, mode);
        Ok(if passing.bytes.is_some() || passing.is_scanned { Want::Contents } else { Want::Hash })
    }

    fn complete(&mut self, _: Option<u128>) -> Result<(), LayerError> {
        Ok(())
    }

    fn has_enough(&self) -> bool {
        false
    }
}

/// An image that was read.
pub struct Image {
    pub index: Index,
    pub stack: Stack,
    pub account: Account,
    pub kept: Kept,
    pub embedded: Embedded,
}

impl Image {
    /// Reads layers, lowest first.
    pub fn read<R: Read>(layers: impl IntoIterator<Item = R>) -> Self {
        let (mut kept, mut embedded) = (Kept::default(), Embedded::default());
        let mut builder = Builder::new(Limits::default());
        let mut slots = Vec::new();
        for layer in layers {
            builder.begin().unwrap();
            let passing = RefCell::new(Passing::default());
            read_tapped(layer, &Limits::default(), &mut Taken(&passing), |entry| {
                builder.add(entry)?;
                let id = EntryId::from_place(u32::try_from(builder.index().entries()).unwrap() - 1);
                let mut passing = passing.borrow_mut();
                if let Some(bytes) = passing.bytes.take() {
                    kept.0.insert(id, bytes);
                }
                if std::mem::take(&mut passing.is_scanned) {
                    let path = passing.path.clone();
                    let name = path.rsplit(|byte| *byte == b'/').next().unwrap();
                    embedded.insert(id, passing.scanner.end(name));
                }
                Ok(())
            })
            .unwrap();
            slots.push(Some(builder.end()));
        }
        let (index, stack) = (builder.finish(), Stack::new(slots));
        let account = account(&index, &stack);
        Self { index, stack, account, kept, embedded }
    }

    /// Its packages.
    pub fn packages(&self) -> Packages {
        Packages::new(&self.index, &self.stack, &self.account, &self.kept, &self.embedded)
    }

    /// The text of a path.
    pub fn path(&self, path: layerscope::index::PathId) -> String {
        String::from_utf8(self.index.path(path)).unwrap()
    }

    /// The name of the package that owns a path.
    pub fn owner<'p>(&self, packages: &'p Packages, path: &str) -> Option<&'p str> {
        let owner = packages.owner(self.index.find(path.as_bytes())?)?;
        Some(&packages.get(owner).record.name)
    }
}

/// The one package of a name.
#[track_caller]
pub fn named<'p>(packages: &'p Packages, name: &str) -> (PackageId, &'p Package) {
    let mut found = packages.ids().map(|id| (id, packages.get(id))).filter(|(_, package)| package.record.name == name);
    let one = found.next().unwrap_or_else(|| panic!("no package {name}"));
    assert!(found.next().is_none(), "two packages {name}");
    one
}
