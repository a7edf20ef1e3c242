//! What the documents name exists.
#![allow(clippy::expect_used, reason = "a test")]

use std::path::{Path, PathBuf};

/// Those of the repo, by their paths in it.
fn documents() -> Vec<String> {
    let of = |folder: &str| {
        let entries = std::fs::read_dir(root().join(folder)).expect(folder);
        let names = entries.map(|entry| entry.expect(folder).file_name());
        let names = names.map(|name| name.into_string().expect("our names are UTF-8"));
        let texts = names.filter(|name| name.ends_with(".md"));
        texts.map(|name| format!("{folder}{name}")).collect::<Vec<_>>()
    };
    let all = [of(""), of("docs/"), of("clients/python/")].concat();
    assert!(all.len() >= 5, "documents are found at all: {all:?}");
    all
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies in the workspace")
        .to_owned()
}

fn read(document: &str) -> String {
    std::fs::read_to_string(root().join(document)).expect(document)
}

/// Words in backticks that look like paths into the repo.
fn paths(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2).filter(|word| {
        let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
        plain && word.contains('/') && !word.starts_with('/')
    })
}

#[test]
fn every_path_that_a_document_names_exists() {
    for document in &documents() {
        let text = read(document);
        // Made by `make run`, not kept here.
        let kept = |path: &&str| !path.starts_with("./data") && !path.starts_with("target/");
        for path in paths(&text).filter(kept) {
            assert!(root().join(path).exists(), "{document} names {path}, which does not exist");
        }
    }
    assert!(paths(&read("ARCHITECTURE.md")).count() > 10, "paths are found at all");
}

#[test]
fn every_target_that_the_readme_names_is_in_the_makefile() {
    let makefile = read("Makefile");
    let readme = read("README.md");
    let targets: Vec<_> =
        readme.split("`make ").skip(1).filter_map(|rest| rest.split('`').next()).collect();
    assert!(targets.contains(&"run") && targets.contains(&"test"), "{targets:?}");
    for target in targets {
        assert!(makefile.contains(&format!("\n{target}:")), "the Makefile has no target {target}");
    }
}

/// The Rust and Python files below a folder, as one text.
fn code(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).expect("a folder of ours");
    let paths = entries.map(|entry| entry.expect("a folder of ours").path());
    let texts = paths.filter_map(|path| match path.extension() {
        _ if path.is_dir() => Some(code(&path)),
        Some(extension) if extension == "rs" || extension == "py" => {
            std::fs::read_to_string(&path).ok()
        }
        _ => None,
    });
    texts.collect()
}

#[test]
fn every_variable_and_metric_that_a_document_names_exists() {
    let packages = ["service-kit", "billing-svc", "bot-gateway", "image-worker", "sandbox"];
    let services = packages.map(|package| code(&root().join(package).join("src"))).concat();
    // What the guide shows is theirs.
    let examples = ["clients", "examples"].map(|folder| code(&root().join(folder))).concat();
    let prefixes =
        ["BILLING_", "GATEWAY_", "WORKER_", "YOOKASSA_", "TELEGRAM_", "FAL_", "billing_"];
    for document in &documents() {
        let text = read(document);
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let words = text.split(|c: char| !is_part(c)).filter(|word| {
            let named = prefixes.iter().any(|prefix| word.starts_with(prefix));
            named && !word.ends_with('_') && !word.starts_with("billing_service")
        });
        for word in words {
            let is_read = services.contains(&format!("\"{word}\"")) || examples.contains(word);
            assert!(is_read, "{document} names {word}, which nobody reads");
        }
    }
}
