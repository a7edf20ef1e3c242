#!/usr/bin/env bash
# Checks deny.toml: licences, versions twice, sources; and advisories, where their database is or can be fetched.
# ADVISORIES=required: a database that can't be reached fails the check (as CI on GitHub has it).
set -euo pipefail
cd "$(dirname "$0")/.."

readonly VERSION=0.20.2
readonly TOOL=target/tools/cargo-deny-$VERSION

if [ ! -x "$TOOL/bin/cargo-deny" ]; then
    scripts/setup.sh run
    echo "deny: compiling cargo-deny $VERSION (once, some minutes)"
    # Unoptimised: it runs for a second and would compile for three times as long.
    build=$(mktemp -d)
    trap 'rm -rf "$build"' EXIT
    CARGO_PROFILE_DEV_DEBUG=0 cargo install --quiet --locked --debug --root "$TOOL" --target-dir "$build" \
        --no-default-features "cargo-deny@$VERSION"
fi
deny() {
    "$TOOL/bin/cargo-deny" --locked check --deny unmatched-skip --deny unnecessary-skip --hide-inclusion-graph "$@"
}

deny licenses bans sources
log=$(mktemp)
# The database is a repository on GitHub: that it can't be reached says nothing about our crates.
if deny advisories >"$log" 2>&1; then
    cat "$log"
elif grep -q 'failed to fetch advisory database' "$log" && [ "${ADVISORIES:-}" != required ]; then
    echo "deny: the database of advisories can't be reached: advisories are NOT checked here"
else
    cat "$log" >&2
    exit 1
fi
rm -f "$log"
