#!/usr/bin/env bash
# Builds the images twice, compares them, and runs the tests of what was built (sandbox/tests/images).
# IMAGE_PROFILE=image tests them as they are released, and compiles for longer.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh image-test
source scripts/engine.sh
pick_runner
export IMAGE_PROFILE=${IMAGE_PROFILE:-image-test}

scripts/images.sh
if [ "$engine" = docker ]; then
    echo "images: docker dates folders by its clock, so two builds are not compared"
else
    first=$(cat target/image/*.id)
    echo "images: once more, to compare"
    scripts/images.sh >/dev/null
    if [ "$first" != "$(cat target/image/*.id)" ]; then
        echo "images: the same files gave other images the second time" >&2
        exit 1
    fi
fi

# Containers are no services of a session manager here: groups are plain files.
if [ "$engine" = podman ]; then engine+=" --cgroup-manager=cgroupfs"; fi
IMAGE_ENGINE=$engine cargo test --workspace --test images -- --ignored --nocapture
