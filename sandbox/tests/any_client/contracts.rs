//! `make proto-lint` refuses what would break who calls the last release.

use std::path::Path;
use std::process::Command;

use crate::{buf, root};

/// The contracts with one line changed, against those that are kept: `None` where they go together, else what is wrong.
fn compare(file: &str, from: &str, to: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let copied = Command::new("cp")
        .args(["-r", "billing", "gateway", "google", "images", "buf.yaml"])
        .arg(folder.path())
        .current_dir(root().join("proto"))
        .status();
    assert!(copied.unwrap().success());
    let path = folder.path().join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.matches(from).count(), 1, "{file}: {from}");
    std::fs::write(&path, text.replace(from, to)).unwrap();
    breaking(folder.path())
}

fn breaking(contracts: &Path) -> Option<String> {
    let line = format!("{} breaking {} --against proto/released.binpb", buf(), contracts.display());
    let output = Command::new("bash").args(["-c", &line]).current_dir(root()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    match output.status.code() {
        Some(0) => None,
        // buf's own: it compared, and they differ.
        Some(100) => Some(said),
        code => panic!("{code:?} {said}{}", String::from_utf8_lossy(&output.stderr)),
    }
}

#[test]
fn what_breaks_callers_of_the_last_release_is_refused() {
    let billing = "billing/v1/billing_service.proto";
    let kind = "  // A kind of the price list.\n  string kind = 3;\n";
    let table = [
        (billing, kind, "", "field \"3\" with name \"kind\""),
        (billing, kind, "  string kind = 9;\n", "field \"3\" with name \"kind\""),
        (billing, kind, "  int64 kind = 3;\n", "changed type"),
        (billing, kind, "  string type = 3;\n", "changed name"),
        (billing, "rpc Quote(", "rpc Ask(", "RPC \"Quote\""),
        ("billing/v1/errors.proto", "  ERROR_REASON_IN_DEBT = 12;\n", "", "ERROR_REASON_IN_DEBT"),
    ];
    for (file, from, to, expected) in table {
        let said = compare(file, from, to).unwrap_or_else(|| panic!("{from:?} → {to:?} passed"));
        assert!(said.contains(expected), "{from:?} → {to:?}: {said}");
    }
}

#[test]
fn what_is_new_is_not() {
    let file = "billing/v1/billing_service.proto";
    let kind = "  string kind = 3;\n";
    assert_eq!(compare(file, kind, &format!("{kind}  string more = 30;\n")), None);
}
