#!/usr/bin/env bash
# Builds the images of Kopilka with docker, podman or buildah: kopilka/<program>:<version>, made the same way whoever makes them.
# Usage: scripts/images.sh [binaries]       binaries: only compile and list, into target/image/context
#
# The same commit gives the same image, by podman and by buildah: dates are the commit's, paths of this machine are mapped to fixed names, and
# certificates come from a package that is pinned by its hash, not from this machine.
# IMAGE_SOURCE: the repository's URL, for the images' label.
# IMAGE_PROFILE: how Cargo compiles: image (as released) unless set.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly PROGRAMS=(billing-svc bot-gateway image-worker migrations sandbox)
# Other flags than the rest of the build has, so a folder of its own.
readonly BUILD=target/image
readonly CONTEXT=$BUILD/context
readonly PROFILE=${IMAGE_PROFILE:-image}
readonly CRATES=${CARGO_HOME:-$HOME/.cargo}

scripts/setup.sh images
triple=$(rustc -vV | sed -n 's/^host: //p')
case $triple in
*-linux-gnu) ;;
*) echo "images: they are built on Linux with glibc, and this is $triple" >&2; exit 1 ;;
esac
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
revision=$(git rev-parse HEAD)
if [ -n "$(git status --porcelain --untracked-files=no)" ]; then revision+=-dirty; fi
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
created=$(date --utc --date="@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)

# compile: static programs, in which no path of this machine is left.
compile() {
    cargo fetch --quiet --locked --target "$triple"
    local maps=("$PWD=/kopilka") folder map
    # The folder's name holds which registry it was, and that may be a mirror.
    for folder in "$CRATES"/registry/src/*; do maps+=("$folder=/crates"); done
    local rust="-Ctarget-feature=+crt-static"
    for map in "${maps[@]}"; do rust+=$'\x1f'"--remap-path-prefix=$map"; done
    local packages=() program
    for program in "${PROGRAMS[@]}"; do packages+=(--package "$program"); done
    CARGO_ENCODED_RUSTFLAGS=$rust \
        cargo build --locked --profile "$PROFILE" --target "$triple" --target-dir "$BUILD" --bins "${packages[@]}"
}

# gather: everything that goes into an image, dated like the commit.
gather() {
    rm -rf "$CONTEXT"
    mkdir -p "$CONTEXT/sbom"
    local program
    for program in "${PROGRAMS[@]}"; do
        install -m 0755 "$BUILD/$triple/$PROFILE/$program" "$CONTEXT/$program"
        if grep --quiet --text --fixed-strings -e "$CRATES/" -e "$PWD/" "$CONTEXT/$program"; then
            echo "images: $program holds a path of this machine" >&2
            exit 1
        fi
    done
    local python
    python=$(scripts/python.sh scripts/requirements-image.txt)
    install -m 0644 "$("$python" -m certifi)" "$CONTEXT/ca-certificates.crt"
    "$python" scripts/sbom.py --version "$version" --target "$triple" --folder "$CONTEXT" "${PROGRAMS[@]}"
    "$(scripts/python.sh scripts/requirements-checks.txt)" scripts/sbom-check.py "$CONTEXT"/sbom/*.json
    find "$CONTEXT" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
}

# build PROGRAM TAG: one image.
build() {
    local arguments=(--file Containerfile --target "$1" --tag "$2" --build-arg "VERSION=$version"
        --build-arg "REVISION=$revision" --build-arg "CREATED=$created")
    if [ -n "${IMAGE_SOURCE:-}" ]; then
        arguments+=(--label "org.opencontainers.image.source=$IMAGE_SOURCE")
    fi
    local plain=(--isolation chroot --timestamp "$SOURCE_DATE_EPOCH" --identity-label=false --layers --no-cache)
    case $engine in
    docker) BUILDX_NO_DEFAULT_ATTESTATIONS=1 docker build --quiet --no-cache --build-arg "SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH" \
        "${arguments[@]}" "$CONTEXT" ;;
    podman) podman build --quiet "${plain[@]}" "${arguments[@]}" "$CONTEXT" ;;
    buildah) buildah bud --quiet "${plain[@]}" "${arguments[@]}" "$CONTEXT" ;;
    esac >"$BUILD/$1.id"
}

# size_of TAG: of the files, before any compression, in MB.
size_of() {
    local bytes
    case $engine in
    buildah) bytes=$(buildah inspect --type image --format '{{.Manifest}}' "$1" |
        python3 -c 'import json, sys; print(sum(layer["size"] for layer in json.load(sys.stdin)["layers"]))') ;;
    *) bytes=$("$engine" image inspect --format '{{.Size}}' "$1") ;;
    esac
    awk -v bytes="$bytes" 'BEGIN { printf "%.1f MB", bytes / 1000000 }'
}

compile
gather
if [ "${1:-}" = binaries ]; then exit 0; fi

source scripts/engine.sh
pick_builder
printf '%-34s %10s  %s\n' "image (by $engine)" size id
for program in "${PROGRAMS[@]}"; do
    tag=kopilka/$program:$version
    build "$program" "$tag"
    printf '%-34s %10s  %s\n' "$tag" "$(size_of "$tag")" "$(cat "$BUILD/$program.id")"
done
