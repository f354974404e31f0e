//! What goes wrong with images: each fault has its exit code, and says what it is, what caused it and what to do.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // What the tests share may fail as tests do.

#[path = "../common/mod.rs"]
mod common;

mod archives;
mod documents;
mod layers;
mod mangled;
mod output;

use common::program::Ran;

/// The run ended with this code and said all of these words, on standard error.
#[track_caller]
fn expect(ran: &Ran, code: i32, words: &[&str]) {
    assert_eq!(ran.code, code, "{}", ran.stderr);
    for word in words {
        assert!(ran.stderr.contains(word), "'{word}' is not said:\n{}", ran.stderr);
    }
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
}

/// What can be run on bytes: as a file, and from standard input. Both end with the code and the words.
#[track_caller]
fn expect_both(bytes: &[u8], arguments: &[&str], code: i32, words: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("image.tar");
    std::fs::write(&file, bytes).unwrap();
    expect(&common::program::run(&[&[file.to_str().unwrap()], arguments].concat()), code, words);
    expect(&common::program::run_with_stdin(&[&["-"], arguments].concat(), bytes), code, words);
}
