"""Volumes, ConfigMaps and Secrets: whatever is mounted or read has to be there, key by key."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterator

from objects import Pod, Scene, called
from references import written

# What controllers put into the Secrets that they make.
OF_CERTIFICATE = {"tls.crt", "tls.key", "ca.crt"}
OF_DATABASE_USER = {"uri", "username", "password", "host", "port", "dbname", "user", "pgpass", "jdbc-uri"}
OF_DATABASE_CA = {"ca.crt", "ca.key"}

SECRET_ROW = re.compile(r"^\| `(?P<name>[a-z0-9-]+)` \| (?P<keys>(?:`[a-z0-9.-]+`(?:, )?)+) \|(?P<rest>.*)$", re.MULTILINE)


def documented(manual: pathlib.Path) -> dict[str, set[str]]:
    """The table of Secrets in the manual: what a person, or External Secrets, has to bring."""
    rows = SECRET_ROW.finditer(manual.read_text(encoding="utf-8"))
    return {row["name"]: set(re.findall(r"`([^`]+)`", row["keys"])) for row in rows}


def check(scene: Scene, brought: dict[str, set[str]]) -> list[str]:
    """`brought`: Secrets that come from elsewhere, with their keys."""
    known = made(scene) | brought
    problems = []
    for owner, name, key in secrets_read(scene):
        if name not in known:
            problems.append(f"{owner}: no manifest and no table makes the Secret {name}")
        elif key is not None and key not in known[name]:
            problems.append(f"{owner}: the Secret {name} has no key {key}")
    for document in scene.of("Secret"):
        problems.append(f"{called(document)}: a Secret has no place in a repository")
    return problems + [problem for rule in (config_maps, volumes, claims) for problem in rule(scene)]


def made(scene: Scene) -> dict[str, set[str]]:
    """Secrets that controllers make from what is rendered."""
    secrets = {one["spec"]["secretName"]: OF_CERTIFICATE for one in scene.of("Certificate")}
    for cluster in scene.of("Cluster"):
        name = cluster["metadata"]["name"]
        secrets |= {f"{name}-app": OF_DATABASE_USER, f"{name}-ca": OF_DATABASE_CA}
    for external in scene.of("ExternalSecret"):
        secrets[external["spec"]["target"]["name"]] = {one["secretKey"] for one in external["spec"]["data"]}
    for ingress in scene.of("Ingress"):
        if any(key.startswith("cert-manager.io/") for key in ingress["metadata"].get("annotations", {})):
            secrets |= {entry["secretName"]: OF_CERTIFICATE for entry in ingress["spec"].get("tls", [])}
    return secrets


def secrets_read(scene: Scene) -> Iterator[tuple[str, str, str | None]]:
    """Who reads which key of which Secret; no key: all of it."""
    for pod in written(scene):
        for container in pod.containers:
            for entry in container.get("env", []):
                ref = entry.get("valueFrom", {}).get("secretKeyRef")
                if ref:
                    yield pod.owner, ref["name"], ref["key"]
            for source in container.get("envFrom", []):
                if "secretRef" in source:
                    yield pod.owner, source["secretRef"]["name"], None
        for volume in pod.spec.get("volumes", []):
            if "secret" in volume:
                for item in volume["secret"].get("items") or [{"key": None}]:
                    yield pod.owner, volume["secret"]["secretName"], item["key"]
    for store in scene.of("ObjectStore"):
        for ref in store["spec"]["configuration"].get("s3Credentials", {}).values():
            yield called(store), ref["name"], ref["key"]
    for ingress in scene.of("Ingress"):
        for entry in ingress["spec"].get("tls", []):
            yield called(ingress), entry["secretName"], None
    for issuer in scene.of("Issuer"):
        if "ca" in issuer["spec"]:
            yield called(issuer), issuer["spec"]["ca"]["secretName"], None


def config_maps(scene: Scene) -> Iterator[str]:
    read = set()
    for pod in written(scene):
        for container in pod.containers:
            refs = [source["configMapRef"]["name"] for source in container.get("envFrom", []) if "configMapRef" in source]
            for entry in container.get("env", []):
                ref = entry.get("valueFrom", {}).get("configMapKeyRef")
                if ref:
                    refs.append(ref["name"])
                    if ref["key"] not in (scene.find("ConfigMap", ref["name"]) or {}).get("data", {}):
                        yield f"{pod.owner}: the ConfigMap {ref['name']} has no key {ref['key']}"
            refs += [volume["configMap"]["name"] for volume in pod.spec.get("volumes", []) if "configMap" in volume]
            for name in refs:
                read.add(name)
                if scene.find("ConfigMap", name) is None:
                    yield f"{pod.owner}: no ConfigMap {name}"
    for document in scene.of("ConfigMap"):
        # Dashboards are read by Grafana, which looks for them by this label.
        if document["metadata"]["name"] not in read and "grafana_dashboard" not in document["metadata"].get("labels", {}):
            yield f"{called(document)}: nobody reads it"


def volumes(scene: Scene) -> Iterator[str]:
    for pod in written(scene):
        names = {volume["name"] for volume in pod.spec.get("volumes", [])}
        mounts = [mount for container in pod.containers for mount in container.get("volumeMounts", [])]
        for mount in mounts:
            if mount["name"] not in names:
                yield f"{pod.owner}: mounts the volume {mount['name']}, which it doesn't have"
            if "subPath" in mount:
                yield f"{pod.owner}: {mount['mountPath']} is a subPath, which never changes with its Secret"
        for name in sorted(names - {mount["name"] for mount in mounts}):
            yield f"{pod.owner}: no container mounts the volume {name}"
        paths = [mount["mountPath"] for container in pod.containers for mount in container.get("volumeMounts", [])]
        for path in {path for path in paths if paths.count(path) > 1}:
            yield f"{pod.owner}: two volumes at {path}"


def claims(scene: Scene) -> Iterator[str]:
    used = set()
    for pod in written(scene):
        for volume in pod.spec.get("volumes", []):
            claim = volume.get("persistentVolumeClaim", {}).get("claimName")
            if claim is None:
                continue
            used.add(claim)
            if scene.find("PersistentVolumeClaim", claim) is None:
                yield f"{pod.owner}: no PersistentVolumeClaim {claim}"
            deployment = scene.find("Deployment", pod.name) or {"spec": {}}
            if deployment["spec"].get("strategy", {}).get("type") != "Recreate":
                yield f"{pod.owner}: two pods would share {claim} while it rolls: its strategy has to be Recreate"
    for document in scene.of("PersistentVolumeClaim"):
        if document["metadata"]["name"] not in used:
            yield f"{called(document)}: no pod mounts it"


def files(pod: Pod) -> tuple[set[str], set[str]]:
    """Paths of single files that are mounted, and folders that the pod may write."""
    mounted, writable = set(), set()
    sources = {volume["name"]: volume for volume in pod.spec.get("volumes", [])}
    for container in pod.containers:
        for mount in container.get("volumeMounts", []):
            source, path = sources.get(mount["name"], {}), mount["mountPath"]
            if "secret" in source:
                items = source["secret"].get("items") or [{"path": name} for name in OF_CERTIFICATE]
                mounted |= {f"{path}/{item['path']}" for item in items}
            elif not mount.get("readOnly"):
                writable.add(path)
    return mounted, writable
