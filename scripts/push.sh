#!/usr/bin/env bash
# Pushes the images that scripts/images.sh built, and prints the digest by which a manifest should name each.
# Usage: scripts/push.sh REGISTRY/PATH        on a tag of git, which must be v<version>
set -euo pipefail
cd "$(dirname "$0")/.."

registry=${1:?usage: scripts/push.sh REGISTRY/PATH}
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
if ! git tag --points-at HEAD | grep --quiet --line-regexp --fixed-strings "v$version"; then
    echo "push: this commit is not tagged v$version, the version in Cargo.toml" >&2
    exit 1
fi
if [ -n "$(git status --porcelain --untracked-files=no)" ]; then
    echo "push: files differ from the commit that the images would name" >&2
    exit 1
fi
source scripts/engine.sh
pick_runner
for program in billing-svc bot-gateway image-worker migrations sandbox; do
    "$engine" tag "kopilka/$program:$version" "$registry/$program:$version"
    case $engine in
    docker)
        docker push --quiet "$registry/$program:$version" >&2
        docker image inspect --format '{{index .RepoDigests 0}}' "$registry/$program:$version"
        ;;
    podman)
        file=$(mktemp)
        podman push --quiet --digestfile "$file" "$registry/$program:$version" >&2
        echo "$registry/$program@$(cat "$file")"
        rm -f "$file"
        ;;
    esac
done
