//! Where bytes come from: engines, files, folders, standard input. Knows no layer entry and no tree.

pub mod reference;
