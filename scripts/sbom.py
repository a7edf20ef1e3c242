"""Writes a CycloneDX list of what is in each image: NAME.cdx.json for each program of a folder of binaries.

Listed is what is linked into the program and nothing else: the crates that Cargo resolves for this build (the features of
all programs together, as they are built together; no build scripts, no procedural macros, no crates of tests), with the
hash of each from Cargo.lock; C libraries that a crate brings along; Rust's library, libc and the compiler's runtime, which
are linked statically; and the certificates that lie beside the program.

Panics name the file they come from, so a program betrays what it was made of: a crate that is in the binary and not in the
list stops this script. scripts/sbom-check.py holds the lists against the schema of CycloneDX.
"""

import argparse
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tomllib
import uuid
from datetime import datetime, timezone
from importlib import metadata

SPEC = "1.6"
LICENCE = "Apache-2.0"
# C libraries inside of crates: where the version is said, and the licence.
BUNDLED = {
    "libsqlite3-sys": ("sqlite", "sqlite3/sqlite3.h", r'#define SQLITE_VERSION\s+"([^"]+)"', "blessing"),
    "aws-lc-sys": (
        "aws-lc",
        "aws-lc/include/openssl/base.h",
        r'#define AWSLC_VERSION_NUMBER_STRING\s+"([^"]+)"',
        "Apache-2.0 AND ISC",
    ),
}
# Shown by a panic in a crate of the registry, as scripts/images.sh maps its path.
CRATE_IN_BINARY = re.compile(rb"/crates/([a-z0-9_-]+?)-(\d+\.\d+\.\d+[a-z0-9.+-]*)/", re.IGNORECASE)


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class Crates:
    """What Cargo links, and who needs whom."""

    def __init__(self, programs, target):
        self.edges, self.packages = {}, {}
        selected = [word for program in programs for word in ("--package", program)]
        wanted = ["--edges", "normal,no-proc-macro", "--target", target, "--locked"]
        tree = run("cargo", "tree", *selected, *wanted, "--prefix", "depth", "--format", "{p}")
        path = []
        for line in filter(None, tree.splitlines()):
            depth, name, version = re.match(r"(\d+)(\S+) v(\S+)", line).groups()
            crate = (name, version)
            del path[int(depth) :]
            if path:
                self.edges.setdefault(path[-1], set()).add(crate)
            self.edges.setdefault(crate, set())
            path.append(crate)
        about = json.loads(run("cargo", "metadata", "--format-version", "1", "--locked"))
        for package in about["packages"]:
            self.packages[(package["name"], package["version"])] = package
        lock = tomllib.loads(pathlib.Path("Cargo.lock").read_text())
        self.hashes = {
            (package["name"], package["version"]): package.get("checksum")
            for package in lock["package"]
        }

    def below(self, root):
        """Everything that is linked into a program of ours, with the program's own crate."""
        found, waiting = set(), [root]
        while waiting:
            crate = waiting.pop()
            if crate not in found:
                found.add(crate)
                waiting.extend(self.edges[crate])
        return sorted(found)

    def component(self, crate):
        name, version = crate
        package = self.packages[crate]
        ours = package["source"] is None
        entry = {
            "type": "library",
            "bom-ref": f"pkg:cargo/{name}@{version}",
            "name": name,
            "version": version,
            "scope": "required",
            "licenses": licence(package),
        }
        if ours:
            return entry
        if not self.hashes[crate]:
            sys.exit(f"sbom: Cargo.lock has no hash of {name} {version}")
        entry["purl"] = entry["bom-ref"]
        entry["hashes"] = [{"alg": "SHA-256", "content": self.hashes[crate]}]
        if package["repository"]:
            entry["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
        if name in BUNDLED:
            entry["components"] = [bundled(name, pathlib.Path(package["manifest_path"]).parent)]
        return entry


def licence(package):
    """As SPDX has it: the old slash between licences means OR."""
    if not package["license"]:
        sys.exit(f"sbom: {package['name']} names no licence")
    return [{"expression": package["license"].replace("/", " OR ")}]


def bundled(crate, folder):
    name, header, pattern, spdx = BUNDLED[crate]
    version = re.search(pattern, (folder / header).read_text())
    if not version:
        sys.exit(f"sbom: {crate} does not say which {name} it brings")
    return {
        "type": "library",
        "bom-ref": f"{name}@{version[1]}",
        "name": name,
        "version": version[1],
        "licenses": [{"expression": spdx}],
    }


def toolchain():
    """What every program is linked with, and what lies beside it in the image."""
    rust = re.search(r"^release: (\S+)", run("rustc", "-vV"), re.MULTILINE)[1]
    gcc = run("cc", "-dumpfullversion").strip()
    libc = run("getconf", "GNU_LIBC_VERSION").split()[1]
    roots = metadata.version("certifi")

    def entry(kind, name, version, spdx, about):
        return {
            "type": kind,
            "bom-ref": f"{name}@{version}",
            "name": name,
            "version": version,
            "description": about,
            "scope": "required",
            "licenses": [{"expression": spdx}],
        }

    runtime = "GPL-3.0-or-later WITH GCC-exception-3.1"
    return [
        entry("library", "rust-std", rust, "MIT OR Apache-2.0", "Rust's standard library"),
        entry("library", "glibc", libc, "LGPL-2.1-or-later", "The C library, linked statically"),
        entry("library", "libgcc", gcc, runtime, "The compiler's runtime: unwinding"),
        entry("data", "certifi", roots, "MPL-2.0", "Certificates of public authorities")
        | {"purl": f"pkg:pypi/certifi@{roots}"},
    ]


def bill(program, version, crates, folder):
    binary = (folder / program).read_bytes()
    linked = crates.below((program, version))
    shown = {(name.decode(), number.decode()) for name, number in CRATE_IN_BINARY.findall(binary)}
    if unlisted := sorted(shown - set(linked)):
        sys.exit(f"sbom: {program} was linked with what its list does not have: {unlisted}")
    if len(shown) < 10:
        sys.exit(f"sbom: {program} shows {len(shown)} crates: was it built by scripts/images.sh?")
    components = [crates.component(crate) for crate in linked if crate[0] != program]
    extra = toolchain()
    root = {
        "type": "application",
        "bom-ref": f"pkg:cargo/{program}@{version}",
        "name": program,
        "version": version,
        "description": crates.packages[(program, version)]["description"],
        "licenses": [{"expression": LICENCE}],
        "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(binary).hexdigest()}],
    }
    graph = [
        {
            "ref": f"pkg:cargo/{name}@{number}",
            "dependsOn": sorted(f"pkg:cargo/{n}@{v}" for n, v in crates.edges[(name, number)]),
        }
        for name, number in linked
    ]
    for node in graph:
        if node["ref"] == root["bom-ref"]:
            node["dependsOn"] += [entry["bom-ref"] for entry in extra]
    when = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), timezone.utc)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        # Made from the binary, so that the same binary has the same list.
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, root['hashes'][0]['content'])}",
        "version": 1,
        "metadata": {
            "timestamp": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "lifecycles": [{"phase": "build"}],
            "component": root,
        },
        "components": components + extra,
        "dependencies": graph,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--folder", required=True, type=pathlib.Path)
    parser.add_argument("program", nargs="+")
    asked = parser.parse_args()
    crates = Crates(asked.program, asked.target)
    for program in asked.program:
        text = json.dumps(bill(program, asked.version, crates, asked.folder), indent=1, sort_keys=True)
        (asked.folder / "sbom" / f"{program}.cdx.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
