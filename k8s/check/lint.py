"""Finds in rendered manifests what schemas miss. Usage: lint.py ROOT RENDERED SECRETS

ROOT is the repository, RENDERED a folder of `kubectl kustomize` output, SECRETS a folder with the output of scripts/k8s-secrets.sh.
Prints each problem on a line and ends with 1 when there is any."""

from __future__ import annotations

import base64
import hashlib
import pathlib
import sys
import tomllib

import arrows
import hardening
import programs
import references
import storage
from objects import Scene

# What is applied to one cluster together, in this order. Monitoring is in production's.
SCENES = {
    "local": ["namespace", "local"],
    "production": ["namespace", "production-databases", "production-migrations", "production", "monitoring"],
}
# Read by people, not by a pod.
FOR_PEOPLE = {"operator-tokens", "operator-tls"}
MANUAL = "docs/deploy.md"


def main(arguments: list[str]) -> int:
    root, rendered, secrets = (pathlib.Path(argument) for argument in arguments)
    scenes = {name: scene(name, rendered) for name in SCENES}
    problems = [f"{name}: {problem}" for name, one in scenes.items() for problem in lint(one, root)]
    problems += secret_table(root, scenes, rendered, secrets)
    problems += strays(root / "k8s")
    for problem in problems:
        print(f"k8s lint: {problem}", file=sys.stderr)
    objects = sum(len(one.documents) for one in scenes.values())
    print(f"k8s lint: {objects} objects, {len(problems)} problems")
    return 1 if problems else 0


def scene(name: str, rendered: pathlib.Path) -> Scene:
    files = [rendered / f"{part}.yaml" for part in SCENES[name]]
    return Scene.read(name, [file for file in files if file.stem != "monitoring" or file.exists()])


def lint(one: Scene, root: pathlib.Path) -> list[str]:
    return [
        *references.check(one),
        *storage.check(one, storage.documented(root / MANUAL)),
        *programs.check(one, root),
        *hardening.check(one, root),
        *arrows.check(one, root / "k8s/check/arrows.yaml"),
    ]


def strays(manifests: pathlib.Path) -> list[str]:
    """Files that lie beside a kustomization, and that it doesn't name: nobody would ever apply them."""
    return [
        f"{file.relative_to(manifests.parent)}: its kustomization doesn't name it"
        for kustomization in sorted(manifests.rglob("kustomization.yaml"))
        for file in sorted(kustomization.parent.glob("*.yaml"))
        if file != kustomization and file.name not in kustomization.read_text(encoding="utf-8")
    ]


def secret_table(root: pathlib.Path, scenes: dict[str, Scene], rendered: pathlib.Path, secrets: pathlib.Path) -> list[str]:
    """The table in the manual, scripts/k8s-secrets.sh, the example of External Secrets and the manifests name the same."""
    table = storage.documented(root / MANUAL)
    problems = []
    read = {name for one in scenes.values() for _, name, _ in storage.secrets_read(one)}
    for name in sorted(table.keys() - read - FOR_PEOPLE):
        problems.append(f"{MANUAL}: nobody reads the Secret {name}")
    external = Scene.read("external", [rendered / "external-secrets.yaml"])
    if storage.made(external) != table:
        problems.append(f"k8s/examples/external-secrets: not the Secrets of {MANUAL}: {differ(storage.made(external), table)}")
    for name, one in scenes.items():
        brought = Scene.read(name, [secrets / f"{name}.yaml"])
        by_script = {secret["metadata"]["name"]: set(secret["data"]) for secret in brought.of("Secret")}
        used = {secret for _, secret, _ in storage.secrets_read(one)} & table.keys()
        wanted = {secret: keys for secret, keys in table.items() if secret in used | FOR_PEOPLE}
        if by_script != wanted:
            problems.append(f"scripts/k8s-secrets.sh {name}: not the Secrets of {MANUAL}: {differ(by_script, wanted)}")
        problems += [f"scripts/k8s-secrets.sh {name}: {what}" for what in callers(brought, one)]
    return problems


def differ(one: dict, other: dict) -> str:
    return ", ".join(sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name)))


def callers(brought: Scene, one: Scene) -> list[str]:
    """Each token that a service holds is one that its counterpart knows, and each name in callers.toml some certificate's."""

    def value(secret: str, key: str) -> str:
        document = brought.find("Secret", secret) or {"data": {}}
        return base64.b64decode(document["data"].get(key, "")).decode()

    problems = []
    names = {dns for certificate in one.of("Certificate") for dns in certificate["spec"].get("dnsNames", [])}
    for holder, server, role in (
        ("bot-gateway", "billing", "gateway"),
        ("bot-gateway", "worker", "gateway"),
        ("image-worker", "billing", "worker"),
        ("image-worker", "gateway", "worker"),
        ("operator", "billing", "admin"),
    ):
        digest = hashlib.sha256(value(f"{holder}-tokens", server).encode()).hexdigest()
        known = tomllib.loads(value(f"{server}-auth", "callers.toml")).get("caller", [])
        found = [caller for caller in known if caller["name"] == holder]
        if [(caller["token_sha256"], caller["role"]) for caller in found] != [(digest, role)]:
            problems.append(f"{server}-auth does not know the token of {holder} as {role}")
        for caller in found:
            if ("san" in caller) != bool(names) or caller.get("san", "") not in names | {""}:
                problems.append(f"{server}-auth: {holder}'s certificate has another name than {caller.get('san')}")
    return problems


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
