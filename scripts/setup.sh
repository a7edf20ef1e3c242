#!/usr/bin/env bash
# Installs the system packages that building, running or testing needs and that are missing, through apt.
# Usage: scripts/setup.sh run|test|k8s|images|image-test
set -euo pipefail
source "$(dirname "$0")/engine.sh"

purpose=${1:?usage: scripts/setup.sh run|test|k8s|images|image-test}
missing=()

# need PROGRAM PACKAGE…: notes the packages unless the program is there.
need() {
    local program=$1
    shift
    command -v "$program" >/dev/null 2>&1 || missing+=("$@")
}

need_python() {
    need python3 python3
    if ! python3 -c 'import venv, ensurepip' >/dev/null 2>&1; then missing+=(python3-venv); fi
}

has_postgres() {
    local folder
    for folder in "$(pg_config --bindir 2>/dev/null || true)" /usr/lib/postgresql/*/bin; do
        if [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ]; then return 0; fi
    done
    command -v initdb >/dev/null 2>&1 && command -v postgres >/dev/null 2>&1
}

if ! command -v cargo >/dev/null 2>&1; then
    echo "setup: Rust is missing: install rustup, then run this again" >&2
    exit 1
fi
need cc gcc libc6-dev

if [ "$purpose" = test ]; then
    has_postgres || missing+=(postgresql)
    # The tests' PostgreSQL does not run as root; root hands it to the user postgres.
    if [ "$(id -u)" = 0 ]; then need sudo sudo; fi
    need chromium chromium
    need chromedriver chromium-driver
    need npx nodejs npm
    # The queue of the examples.
    need redis-server redis-server
    need_python
fi

case $purpose in
k8s)
    need npx nodejs npm
    need openssl openssl
    need_python
    ;;
images | image-test)
    need git git
    need_python
    # To build, buildah would do; only these also run what was built.
    if ! command -v podman >/dev/null 2>&1 && ! docker_answers; then
        if [ "$purpose" = image-test ] || ! command -v buildah >/dev/null 2>&1; then
            missing+=(podman runc)
        fi
    fi
    ;;
esac

[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "setup: these Debian packages, or what your system calls them, are missing: ${missing[*]}" >&2
    exit 1
fi
as_root=()
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "setup: install these packages as root, then run this again: ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi
echo "setup: installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() {
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1
}
if ! install && ! { "${as_root[@]}" apt-get update >"$log" 2>&1 && install; }; then
    tail -n 20 "$log" >&2
    echo "setup: apt could not install ${missing[*]}; install them by hand, then run this again" >&2
    exit 1
fi
