//! What an image is and what it holds.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::PROGRAMS;
use crate::container::{Run, ask, engine, image, inspect};

fn git(arguments: &[&str]) -> String {
    let output = Command::new("git").args(arguments).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
#[ignore = "needs the images: make image-test"]
fn every_image_runs_as_nobody_and_says_what_it_is() {
    let commit = git(&["rev-parse", "HEAD"]);
    let seconds: i64 = git(&["log", "-1", "--format=%ct"]).parse().unwrap();
    let created = jiff::Timestamp::from_second(seconds).unwrap().to_string();
    for program in PROGRAMS {
        let told = inspect(program);
        // The engines spell the outer keys alike and the digest's not.
        let config = &told["Config"];
        assert_eq!(config["User"], "65532:65532", "{program}");
        assert_eq!(config["Entrypoint"], Value::from(vec![format!("/{program}")]));
        let label = |name: &str| {
            let label = &config["Labels"][format!("org.opencontainers.image.{name}")];
            label.as_str().unwrap_or_else(|| panic!("{program} has no {name}")).to_owned()
        };
        assert_eq!(label("title"), program);
        assert_eq!(label("version"), env!("CARGO_PKG_VERSION"));
        assert_eq!(label("licenses"), "Apache-2.0");
        assert_eq!(label("created"), created);
        assert_eq!(label("revision").trim_end_matches("-dirty"), commit);
        assert!(!label("description").is_empty());
        let environment = config["Env"].as_array().cloned().unwrap_or_default();
        // Engines add a PATH; of the machine that built it there is nothing.
        let other = |line: &&Value| !line.as_str().unwrap().starts_with("PATH=");
        assert_eq!(environment.iter().find(other), None, "{program}");

        let output = Run::of(program).arguments(&["--version"]).output();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(said.trim(), format!("{program} {}", env!("CARGO_PKG_VERSION")));
    }
}

#[test]
#[ignore = "needs the images: make image-test"]
fn an_image_holds_its_program_certificates_and_a_list_of_what_is_in_it() {
    for program in PROGRAMS {
        let files = files(program);
        let own = format!("/{program}");
        let expected = ["/etc/ssl/certs/ca-certificates.crt", "/sbom.cdx.json", own.as_str()];
        assert_eq!(files, expected.map(str::to_owned).into(), "{program}");
    }
}

/// The files of an image: not its folders, and not what an engine puts over them when it runs one.
fn files(program: &str) -> BTreeSet<String> {
    let container = ask(&["create", &image(program)]);
    let container = container.lines().last().unwrap().to_owned();
    let archive = engine(&["export", &container]).stdout;
    engine(&["rm", &container]);
    let mut tar = Command::new("tar")
        .args(["--list", "--file=-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::copy(&mut archive.as_slice(), &mut tar.stdin.take().unwrap()).unwrap();
    let list = String::from_utf8(tar.wait_with_output().unwrap().stdout).unwrap();
    let engines = [".dockerenv", "dev/", "proc/", "sys/", "run/", "etc/hosts", "etc/hostname"];
    let mounted = ["etc/resolv.conf", "etc/mtab"];
    list.lines()
        .map(|line| line.trim_start_matches("./"))
        .filter(|line| !line.is_empty() && !line.ends_with('/'))
        .filter(|line| !engines.iter().any(|place| line.starts_with(place)))
        .filter(|line| !mounted.contains(line))
        .map(|line| format!("/{line}"))
        .collect()
}
