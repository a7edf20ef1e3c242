//! `docs/api.md` is what the descriptors say. When a contract changes: `UPDATE_API=1 cargo test -p proto --test api`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod comments;
mod names;
mod render;
mod words;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use prost::Message;
use prost_types::FileDescriptorSet;

fn kept() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/api.md")
}

fn generated() -> String {
    render::document(&FileDescriptorSet::decode(proto::FILE_DESCRIPTOR_SET).unwrap())
}

#[test]
fn the_reference_is_what_the_contracts_say() {
    let generated = generated();
    if std::env::var_os("UPDATE_API").is_some() {
        std::fs::write(kept(), &generated).unwrap();
    }
    let kept = std::fs::read_to_string(kept()).unwrap_or_default();
    let mut lines = kept.lines().zip(generated.lines()).enumerate();
    let differs = lines.find(|(_, (kept, new))| kept != new);
    assert!(
        kept == generated,
        "docs/api.md is not what proto/ says (first at: {differs:?}): {}",
        render::COMMAND
    );
}

#[test]
fn every_link_of_the_reference_leads_somewhere() {
    let text = generated();
    let mut anchors = BTreeSet::new();
    for named in text.split("<a id=\"").skip(1) {
        let anchor = named.split('"').next().unwrap().to_owned();
        assert!(anchors.insert(anchor.clone()), "two places are #{anchor}");
    }
    let links: Vec<&str> =
        text.split("](#").skip(1).map(|rest| rest.split(')').next().unwrap()).collect();
    assert!(links.len() > 100, "links are found at all");
    for link in links {
        assert!(anchors.contains(link), "#{link} leads nowhere");
    }
}

#[test]
fn every_service_message_enum_and_rpc_is_in_the_reference() {
    let text = generated();
    let set = FileDescriptorSet::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
    let ours = set.file.iter().filter(|file| !file.package().starts_with("google."));
    let mut count = 0;
    for file in ours {
        let heading = |name: &str| {
            let level =
                if file.service.iter().any(|service| service.name() == name) { 3 } else { 4 };
            let full = format!("{}.{name}", file.package());
            format!("{} {}{name}\n", "#".repeat(level), names::anchor(&full))
        };
        let services = file.service.iter().map(|service| heading(service.name()));
        let rpcs = file.service.iter().flat_map(|service| &service.method);
        let rpcs = rpcs.map(|rpc| format!("| **{}** |", rpc.name()));
        let messages = file.message_type.iter().map(|message| heading(message.name()));
        let enums = file.enum_type.iter().map(|named| heading(named.name()));
        for expected in services.chain(rpcs).chain(messages).chain(enums) {
            assert!(text.contains(&expected), "{expected:?} is missing");
            count += 1;
        }
    }
    assert!(count > 100, "the contracts are read at all");
}
