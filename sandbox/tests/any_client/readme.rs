//! The lines of the README's "Calling it", run as they stand there; only the address is another.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use tokio::process::Command;

use crate::stack::Stack;
use crate::{buf, read, root};

const ADDRESS: &str = "127.0.0.1:50051";

/// The block of shell lines that holds this.
fn block(holds: &str) -> String {
    let readme = read("README.md");
    let calling = readme.split("\n## ").find(|part| part.starts_with("Calling it")).unwrap();
    let blocks = calling.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let found: Vec<&str> = blocks.filter(|block| block.contains(holds)).collect();
    let [block] = found[..] else { panic!("{} blocks hold {holds}", found.len()) };
    assert!(block.contains(ADDRESS));
    block.to_owned()
}

/// Does it succeed, and what does it say?
async fn run(stack: &Stack, lines: &str, programs: &Path) -> (bool, String) {
    let lines = lines.replace(ADDRESS, &stack.billing);
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let output = Command::new("bash")
        .args(["-c", &format!("exec 2>&1\nset -e\n{lines}")])
        .current_dir(stack.folder.path())
        .env("PATH", path)
        .output()
        .await
        .unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

/// The folder with grpcurl, brought by PyPI; the package has it for this kind of machine only, on others it has to be installed.
async fn grpcurl() -> PathBuf {
    if std::env::consts::ARCH != "x86_64" {
        return "/usr/local/bin".into();
    }
    let output = Command::new(root().join("scripts/python.sh"))
        .arg("scripts/requirements-grpcurl.txt")
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let python = String::from_utf8(output.stdout).unwrap();
    Path::new(python.trim()).parent().unwrap().to_owned()
}

fn holds(said: &str, all: &[&str]) {
    let mut rest = said;
    for part in all {
        let Some((_, after)) = rest.split_once(part) else { panic!("no {part:?} in:\n{said}") };
        rest = after;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lines_with_grpcurl_and_buf_work_as_they_stand_there() {
    let stack = Stack::start().await;
    let programs = grpcurl().await;

    let lines = block("grpcurl ");
    let (well, said) = run(&stack, &lines, &programs).await;
    assert!(well, "{said}");
    let services =
        ["billing.v1.AdminService", "billing.v1.BillingService", "grpc.health.v1.Health"];
    holds(&said, &services);
    holds(&said, &["rpc Charge (", ".billing.v1.ChargeRequest", "returns", "ChargeResponse"]);
    holds(&said, &["\"userId\": \"tg:1\"", "\"operationId\"", "OPERATION_STATE_CHARGED"]);
    let (well, again) = run(&stack, &lines, &programs).await;
    assert!(well, "{again}");
    assert_eq!(again.matches("\"replayed\": true").count(), 2, "{again}");
    assert!(!said.contains("\"replayed\": true"), "{said}");

    let lines = block("buf curl ");
    assert!(lines.contains(&buf()), "the README runs another buf than the Makefile");
    let (well, said) = run(&stack, &lines, &programs).await;
    assert!(!well, "the last line is refused:\n{said}");
    holds(&said, &["billing.v1.BillingService/Charge", "\"userId\": \"tg:1\""]);
    holds(&said, &["\"freeOperationsLeft\": \"2\"", "failed_precondition", "add 60.00"]);
    // Whoever runs it sees these encoded.
    let details = said.split("\"value\": \"").nth(1).unwrap().split('"').next().unwrap();
    let details = STANDARD_NO_PAD.decode(details).unwrap();
    let details = String::from_utf8_lossy(&details);
    assert!(details.contains("INSUFFICIENT_FUNDS") && details.contains("missing"), "{details}");
    stack.stop().await;
}
