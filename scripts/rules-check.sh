#!/usr/bin/env bash
# Checks k8s/monitoring without a Prometheus: the rules and their tests with promtool, and with scripts/rules.py that each alert has
# a test and a section of docs/runbook.md, that the dashboards' queries parse, that every metric that is used is one that the
# services have, and that the PrometheusRule is made of these rules.
# Usage: scripts/rules-check.sh [--write], which makes the PrometheusRule anew.
set -euo pipefail
cd "$(dirname "$0")/.."

tools=$PWD/target/tools
rules=k8s/monitoring/rules

# Prints the path of promtool: the system's, or the one in Debian's package, unpacked. Nothing is installed, and no server starts.
promtool() {
    if command -v promtool 2>/dev/null; then return 0; fi
    local program=$tools/promtool/usr/bin/promtool
    if [ ! -x "$program" ]; then
        if ! command -v apt-get >/dev/null 2>&1 || ! command -v dpkg-deb >/dev/null 2>&1; then
            echo "rules-check: promtool is missing: put it on the PATH (it comes with Prometheus)" >&2
            return 1
        fi
        local folder log
        folder=$(mktemp -d) log=$(mktemp)
        if ! (cd "$folder" && apt-get download prometheus) >"$log" 2>&1 &&
            ! (as_root apt-get update && cd "$folder" && apt-get download prometheus) >"$log" 2>&1; then
            tail -n 10 "$log" >&2
            rm -rf "$folder" "$log"
            echo "rules-check: apt could not download Debian's package prometheus, which has promtool" >&2
            return 1
        fi
        mkdir -p "$tools/promtool"
        dpkg-deb --fsys-tarfile "$folder"/prometheus_*.deb | tar -x -C "$tools/promtool" ./usr/bin/promtool
        rm -rf "$folder" "$log"
    fi
    echo "$program"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

scripts/setup.sh test
python=$(scripts/python.sh scripts/requirements-rules.txt)
program=$(promtool | tail -n 1)

if [ "${1:-}" = --write ]; then
    "$python" scripts/rules.py write
    exit
fi

# quietly COMMAND…: shows what it said only when it failed.
quietly() {
    local said
    if ! said=$("$@" 2>&1); then
        echo "$said" >&2
        echo "rules-check: failed: $*" >&2
        exit 1
    fi
}

quietly "$program" check rules --lint=all --lint-fatal "$rules"/*.yaml
quietly "$program" test rules "$rules"/tests/*.yaml
queries=$(mktemp --suffix=.yaml)
trap 'rm -f "$queries"' EXIT
"$python" scripts/rules.py check "$queries"
# Each query of a dashboard as a rule of its own: promtool says which one does not parse.
quietly "$program" check rules --lint=none "$queries"
