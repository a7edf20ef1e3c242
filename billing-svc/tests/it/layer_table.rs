//! The folders are the layers: a module uses only modules above it in the table.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// From the inside out. `metrics` only counts and knows nobody; the last line is wiring.
const TABLE: [&str; 17] = [
    "ledger",
    "metrics",
    "store",
    "committer",
    "reader",
    "payments",
    "grpc",
    "layers",
    "sweeper",
    "archiver",
    "gauges",
    "verify",
    "auditor",
    "reconcile",
    "prices",
    "config",
    "server",
];

/// What the ledger may name besides itself.
const LEDGER_USES: [&str; 6] = ["std", "thiserror", "uuid", "super", "self", "Self"];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every Rust file below, with its text without comments.
fn files(path: &Path) -> Vec<(PathBuf, String)> {
    if path.is_file() {
        let text = fs::read_to_string(path).unwrap();
        let code = text.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>();
        return vec![(path.to_owned(), code.join("\n"))];
    }
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|entry| files(&entry)).collect()
}

/// The code of one module: a file, or all of a folder.
fn module(name: &str) -> Vec<(PathBuf, String)> {
    let file = source().join(name).with_extension("rs");
    files(&if file.is_file() { file } else { source().join(name) })
}

/// The modules of this crate that a piece of code names: `crate::x`, and each of `use crate::{x, y::z}`.
fn named(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            Some(group) => names.extend(members(group).iter().map(|member| identifier(member))),
            None => drop(names.insert(identifier(rest))),
        }
    }
    names.remove("");
    names
}

/// What stands between the commas of a group, up to its closing brace; groups within are left out.
fn members(group: &str) -> Vec<String> {
    let mut depth = 1;
    let (mut members, mut member) = (Vec::new(), String::new());
    for c in group.chars().filter(|c| !c.is_whitespace()) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        match (c, depth) {
            (_, 0) => break,
            (',', 1) => members.push(std::mem::take(&mut member)),
            (_, 1) => member.push(c),
            (_, _) => {}
        }
    }
    members.push(member);
    members
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn the_table_names_every_module() {
    let found: BTreeSet<String> = fs::read_dir(source())
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| name != "lib" && name != "main")
        .collect();
    assert_eq!(found, TABLE.iter().map(|name| (*name).to_owned()).collect());
}

#[test]
fn a_module_uses_only_modules_above_it() {
    for (place, name) in TABLE.iter().enumerate() {
        for (path, code) in module(name) {
            for used in named(&code) {
                let above = TABLE[..=place].contains(&used.as_str());
                assert!(above, "{}: {name} may not use {used}", path.display());
            }
        }
    }
}

#[test]
fn the_ledger_is_pure() {
    for (path, code) in module("ledger") {
        if path.components().any(|part| part.as_os_str().to_string_lossy().contains("_test")) {
            continue;
        }
        let file = path.display();
        for word in [
            "async ",
            ".await",
            "sea_orm",
            "tonic",
            "SystemTime",
            "Instant",
            "now_v7",
            "new_v4",
            "rand",
        ] {
            let found = code
                .match_indices(word)
                .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'));
            assert!(!found, "{file}: the ledger knows nothing of {word}");
        }
        for line in code.lines().map(str::trim) {
            let line = line.strip_prefix("pub ").unwrap_or(line);
            let Some(path) = line.strip_prefix("use ") else { continue };
            let root = identifier(path);
            // A type brings its variants; it was itself brought in by a line that is looked at here.
            let is_type = root.starts_with(char::is_uppercase);
            let own = is_type
                || module("ledger").iter().any(|(path, _)| path.ends_with(format!("{root}.rs")));
            assert!(
                own || LEDGER_USES.contains(&root.as_str()),
                "{file}: the ledger may not use {root}"
            );
        }
    }
}

#[test]
fn nobody_else_has_billing_inside() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for name in ["bot-gateway", "image-worker"] {
        let manifest = fs::read_to_string(workspace.join(name).join("Cargo.toml")).unwrap();
        let manifest: toml::Table = toml::from_str(&manifest).unwrap();
        for (section, value) in &manifest {
            let depends = section.contains("dependencies")
                && value.as_table().is_some_and(|table| table.contains_key("billing-svc"));
            assert!(!depends, "{name} reaches billing over gRPC only, not by {section}");
        }
    }
}

#[test]
fn names_are_found_in_every_form() {
    let code = "use crate::ledger::Amount;\nuse crate::{layers, store::{Store, x}, sweeper};\n\
                fn f() -> crate::verify::Report { crate::metrics::batch(1) }";
    let expected = ["layers", "ledger", "metrics", "store", "sweeper", "verify"];
    assert_eq!(named(code), expected.iter().map(|name| (*name).to_owned()).collect());
}
