#!/usr/bin/env bash
# Checks the workflows of GitHub and Renovate's configuration: their schemas, and what workflows get wrong about security.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh images
python=$(scripts/python.sh scripts/requirements-checks.txt)
"$python" -m check_jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
"$python" -m check_jsonschema --builtin-schema vendor.renovate renovate.json
"$python" scripts/renovate-check.py
"$(dirname "$python")/zizmor" --offline --quiet --no-progress .github/workflows
