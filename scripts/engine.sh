# shellcheck shell=bash
# Which program builds and runs images here. Sourced by the scripts of images.
#
# podman first: it dates everything in an image like the commit, so that the same commit gives the same image. Docker stamps
# folders with the time of the build. It counts only when its engine answers: the client alone builds nothing.

docker_answers() {
    command -v docker >/dev/null 2>&1 && timeout 10 docker info >/dev/null 2>&1
}

# Sets engine to podman, docker or buildah.
pick_builder() {
    if command -v podman >/dev/null 2>&1; then
        engine=podman
    elif docker_answers; then
        engine=docker
    elif command -v buildah >/dev/null 2>&1; then
        engine=buildah
    else
        echo "images: none of podman, buildah and docker (with a running engine) is here" >&2
        return 1
    fi
    pick_storage
}

# Sets engine to podman or docker: buildah runs nothing.
pick_runner() {
    pick_builder
    if [ "$engine" = buildah ]; then
        echo "images: buildah builds images, but to run one podman or docker is needed" >&2
        return 1
    fi
}

# Where overlays can't be mounted (in a container, for one), podman and buildah copy files instead.
pick_storage() {
    if [ "$engine" != docker ] && [ -z "${STORAGE_DRIVER:-}" ] && ! "$engine" info >/dev/null 2>&1; then
        export STORAGE_DRIVER=vfs
    fi
}
