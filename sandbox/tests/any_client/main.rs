//! What callers without a program of ours go by: the lines of the README, and the contracts of the last release.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't go on stops here"
)]

mod contracts;
mod readme;
mod stack;

use std::path::{Path, PathBuf};

/// The folder of the whole repo.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).expect(path)
}

/// How the Makefile runs buf.
fn buf() -> String {
    let makefile = read("Makefile");
    makefile.lines().find_map(|line| line.strip_prefix("BUF := ")).unwrap().to_owned()
}
