"""What Pod Security's profile `restricted` refuses, and what we ask for besides. (The API server would refuse the pods, not the
Deployment: it would just never start.)"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterator

from objects import Pod, Scene
from references import written

USER = 65532


def check(scene: Scene, root: pathlib.Path) -> list[str]:
    version = re.search(r'^version = "([^"]+)"', (root / "Cargo.toml").read_text(encoding="utf-8"), re.MULTILINE)
    problems = []
    for pod in written(scene):
        problems += [f"{pod.owner}: {what}" for what in pod_rules(pod)]
        for container in pod.containers:
            name = container["name"]
            problems += [f"{pod.owner}: {name}: {what}" for what in container_rules(container)]
            problems += [f"{pod.owner}: {name}: {what}" for what in image_rules(pod, container, version[1] if version else "")]
    return problems + [f"Namespace: {what}" for what in namespace_rules(scene)]


def pod_rules(pod: Pod) -> Iterator[str]:
    context = pod.spec.get("securityContext", {})
    if context.get("runAsNonRoot") is not True:
        yield "runAsNonRoot must be true"
    if (context.get("runAsUser"), context.get("runAsGroup")) != (USER, USER):
        yield f"must run as {USER}:{USER}, the user of the images"
    if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "seccompProfile must be RuntimeDefault"
    if any(volume.keys() & {"secret", "persistentVolumeClaim"} for volume in pod.spec.get("volumes", [])):
        if context.get("fsGroup") != USER:
            yield f"fsGroup must be {USER}: it could not read what is mounted"
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.spec.get(field):
            yield f"{field} is refused"
    for volume in pod.spec.get("volumes", []):
        if "hostPath" in volume:
            yield f"the volume {volume['name']} is the node's own disk"
        if "secret" in volume and volume["secret"].get("defaultMode", 0o644) & 0o007:
            yield f"the volume {volume['name']} can be read by everybody: defaultMode 0440"
    if pod.spec.get("enableServiceLinks") is not False:
        yield "enableServiceLinks must be false"


def container_rules(container: dict) -> Iterator[str]:
    context = container.get("securityContext", {})
    if context.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation must be false"
    if context.get("readOnlyRootFilesystem") is not True:
        yield "readOnlyRootFilesystem must be true"
    if context.get("capabilities") != {"drop": ["ALL"]}:
        yield "capabilities: drop ALL, add none"
    resources = container.get("resources", {})
    for path in (("requests", "cpu"), ("requests", "memory"), ("limits", "memory")):
        if path[1] not in resources.get(path[0], {}):
            yield f"resources.{'.'.join(path)} is missing"


def image_rules(pod: Pod, container: dict, version: str) -> Iterator[str]:
    image = container["image"]
    tag = image.rsplit("/", 1)[-1].partition(":")[2].partition("@")[0]
    if not tag:
        yield f"{image} has no tag"
    elif tag != version:
        yield f"{image} is not the workspace's version {version}"
    label = pod.labels.get("app.kubernetes.io/version")
    if tag and label != tag:
        yield f"{image}, and the label app.kubernetes.io/version is {label}"


def namespace_rules(scene: Scene) -> Iterator[str]:
    namespaces = scene.of("Namespace")
    if len(namespaces) != 1:
        yield "there has to be one"
    for namespace in namespaces:
        for mode in ("enforce", "audit", "warn"):
            if namespace["metadata"].get("labels", {}).get(f"pod-security.kubernetes.io/{mode}") != "restricted":
                yield f"pod-security.kubernetes.io/{mode} must be restricted"
