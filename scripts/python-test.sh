#!/usr/bin/env bash
# Checks and tests the Python client and its examples, against what was built in target/debug: style, types, stubs, guides, tests,
# and that the package stands alone. Goes on after a failure, and tells all of them at the end.
set -euo pipefail
cd "$(dirname "$0")/.."

pins=scripts/requirements-python.txt
python=$(scripts/python.sh "$pins")
made=$PWD/target/python
failed=()

# step WHAT COMMAND…: runs it, says how long it took, and remembers whether it failed.
step() {
    local what=$1 begun=$SECONDS
    shift
    echo "python: $what"
    if "$@"; then
        echo "python: $what: $((SECONDS - begun)) s"
    else
        echo "python: $what FAILED" >&2
        failed+=("$what")
    fi
}

# There, because what the configuration excludes is meant from there.
ruff() {
    (cd clients/python && "$python" -m ruff "$@" --config pyproject.toml --cache-dir "$made/ruff" . ../../examples/python)
}

types() {
    (cd clients/python && "$python" -m mypy --cache-dir "$made/mypy")
}

# The tests import what users install, not the folder that it was built of.
wheel() {
    rm -rf "$made/dist"
    "$python" -m build --wheel --no-isolation --outdir "$made/dist" clients/python >"$made/build.log" || {
        tail -n 20 "$made/build.log"
        return 1
    }
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall "$made"/dist/*.whl
    "$python" -m pip check
}

# Where nothing else is installed, the package must need nothing that it doesn't name.
alone() {
    python3 -m venv --clear "$made/alone"
    "$made/alone/bin/python" -m pip install --quiet --disable-pip-version-check --constraint "$pins" "$made"/dist/*.whl
    (cd "$made" && alone/bin/python "$OLDPWD/clients/python/smoke.py")
}

tests() {
    (cd clients/python && "$python" -m pytest -q -o cache_dir="$made/pytest")
}

mkdir -p "$made"
step "style" ruff check --output-format concise
step "format" ruff format --check
step "types" types
step "stubs" "$python" clients/python/generate.py --check
step "guides" "$python" clients/python/guide.py --check
step "wheel" wheel
step "alone" alone
step "tests" tests

if [ ${#failed[@]} -gt 0 ]; then
    printf 'python: FAILED:%s\n' "$(printf ' %s,' "${failed[@]}" | sed 's/,$//')" >&2
    exit 1
fi
echo "python: all passed in $SECONDS s"
