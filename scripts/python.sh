#!/usr/bin/env bash
# Prints the path of a Python that has the packages of a requirements file, and makes it when it isn't there.
# Usage: scripts/python.sh FILE
set -euo pipefail
cd "$(dirname "$0")/.."

file=${1:?usage: scripts/python.sh FILE}
# The name tells one list from the next: a changed list is another folder, never a half-changed one.
folder=target/tools/python-$(sha256sum "$file" | cut -c1-16)
if [ ! -e "$folder/complete" ]; then
    python3 -m venv --clear "$folder"
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$file" >&2
    touch "$folder/complete"
fi
echo "$PWD/$folder/bin/python"
