"""Checks resources of operators against the operators' own types. Usage: crds.py RENDERED CRATE OUT

Sorts every rendered document: what Kubernetes itself knows goes to OUT/core/ for kubernetes-validate; cert-manager's, Prometheus's and
External Secrets' go to OUT/models.json for models.mjs; CloudNativePG's are checked here. A kind that nobody claims is a problem.

CRATE is the source of k8s-crds-cloud-native-pg, Rust types that were generated from CloudNativePG's CRDs: fields, types, what is
required, enums. (Not patterns, limits and rules in CEL.) The Barman Cloud plugin's ObjectStore isn't in it: its `configuration` is
the type of Cluster's `backup.barmanObjectStore`, and its other two fields are written down here."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
import sys

import yaml

from objects import called, load

BY_MODELS = {"cert-manager.io", "monitoring.coreos.com", "external-secrets.io"}
# Kind: the file of the crate, and the type of its spec.
CLOUD_NATIVE_PG = {
    "Cluster": ("clusters", "ClusterSpec"),
    "ScheduledBackup": ("scheduledbackups", "ScheduledBackupSpec"),
    "Backup": ("backups", "BackupSpec"),
}
STORE_CONFIGURATION = ("clusters", "ClusterBackupBarmanObjectStore")
RETENTION = re.compile(r"[1-9][0-9]*[dwm]")
PRIMITIVES = {"String": str, "bool": bool, "i32": int, "i64": int, "f64": (int, float)}

NOISE = re.compile(r"^\s*(///.*|#\[cfg_attr.*)$", re.MULTILINE)
TYPE = re.compile(r"pub (?P<kind>struct|enum) (?P<name>\w+) \{(?P<body>.*?)\n\}", re.DOTALL)
MEMBER = re.compile(r"(?:#\[serde\((?P<serde>[^\]]*)\)\]\s*)?(?:pub (?:r#)?(?P<field>\w+): (?P<type>[^\n]+)|(?P<variant>[A-Z]\w*)),")
RENAME = re.compile(r'rename = "(?P<name>[^"]*)"')


@dataclasses.dataclass(frozen=True)
class Field:
    type: str
    required: bool


class Types:
    """The structs and enums of one file of the crate."""

    def __init__(self, source: str):
        self.structs: dict[str, dict[str, Field]] = {}
        self.enums: dict[str, set[str]] = {}
        for found in TYPE.finditer(NOISE.sub("", source)):
            members = list(MEMBER.finditer(found["body"]))
            if found["kind"] == "enum":
                self.enums[found["name"]] = {renamed(one, "variant") for one in members}
            else:
                fields = {renamed(one, "field"): Field(one["type"], "default" not in (one["serde"] or "")) for one in members}
                self.structs[found["name"]] = fields

    def problems(self, value: object, of: str, path: str) -> list[str]:
        if of.startswith("Option<"):
            return self.problems(value, of[7:-1], path)
        if of.startswith("Vec<"):
            if not isinstance(value, list):
                return [f"{path}: must be a list"]
            return [one for i, item in enumerate(value) for one in self.problems(item, of[4:-1], f"{path}[{i}]")]
        if of.startswith("BTreeMap<String, "):
            if not isinstance(value, dict):
                return [f"{path}: must be a map"]
            return [one for key, item in value.items() for one in self.problems(item, of[17:-1], f"{path}.{key}")]
        if of in PRIMITIVES:
            fits = isinstance(value, PRIMITIVES[of]) and (of == "bool" or not isinstance(value, bool))
            return [] if fits else [f"{path}: {value!r} is no {of}"]
        if of == "IntOrString":
            return [] if isinstance(value, (int, str)) else [f"{path}: {value!r} is neither number nor text"]
        if of in self.enums:
            return [] if value in self.enums[of] else [f"{path}: {value!r} is none of {sorted(self.enums[of])}"]
        if of in self.structs:
            return self.of_struct(value, self.structs[of], path)
        return [f"{path}: the type {of} is unknown: this check has gone blind"]

    def of_struct(self, value: object, fields: dict[str, Field], path: str) -> list[str]:
        if not isinstance(value, dict):
            return [f"{path}: must be an object"]
        unknown = [f"{path}: has no field {name}" for name in value.keys() - fields.keys()]
        missing = [f"{path}: {name} is required" for name, field in fields.items() if field.required and name not in value]
        inner = [(item, fields[name].type, f"{path}.{name}") for name, item in value.items() if name in fields]
        return unknown + missing + [one for item, of, where in inner for one in self.problems(item, of, where)]


def renamed(member: re.Match, group: str) -> str:
    found = RENAME.search(member["serde"] or "")
    return found["name"] if found else member[group]


def cloud_native_pg(document: dict, crate: dict[str, Types]) -> list[str]:
    file, of = CLOUD_NATIVE_PG[document["kind"]]
    extra = document.keys() - {"apiVersion", "kind", "metadata", "spec"}
    problems = [f"has no field {name}" for name in extra]
    return problems + crate[file].problems(document["spec"], of, "spec")


def object_store(document: dict, crate: dict[str, Types]) -> list[str]:
    spec = dict(document["spec"])
    file, of = STORE_CONFIGURATION
    problems = crate[file].problems(spec.pop("configuration", None), of, "spec.configuration")
    if not RETENTION.fullmatch(spec.pop("retentionPolicy", "1d")):
        problems.append("spec.retentionPolicy: a number and d, w or m")
    return problems + [f"spec: has no field {name}" for name in spec]


def sort(documents: list[dict], crate: dict[str, Types]) -> tuple[list[dict], list[dict], list[str]]:
    """What kubernetes-validate checks, what models.mjs checks, and what is wrong with the rest."""
    core, models, problems = [], [], []
    for document in documents:
        group, _, version = document["apiVersion"].rpartition("/")
        if group in BY_MODELS:
            models.append(document)
        elif "." not in group or group.endswith(".k8s.io"):
            core.append(document)
        elif (group, version) == ("postgresql.cnpg.io", "v1") and document["kind"] in CLOUD_NATIVE_PG:
            problems += [f"{called(document)}: {one}" for one in cloud_native_pg(document, crate)]
        elif (group, version, document["kind"]) == ("barmancloud.cnpg.io", "v1", "ObjectStore"):
            problems += [f"{called(document)}: {one}" for one in object_store(document, crate)]
        else:
            problems.append(f"{called(document)}: nobody checks {document['apiVersion']}")
    return core, models, problems


def read(crate: pathlib.Path) -> dict[str, Types]:
    files = {file for file, _ in CLOUD_NATIVE_PG.values()}
    return {file: Types((crate / f"src/{file}.rs").read_text(encoding="utf-8")) for file in files}


def main(arguments: list[str]) -> int:
    rendered, source, out = (pathlib.Path(argument) for argument in arguments)
    crate = read(source)
    (out / "core").mkdir(parents=True, exist_ok=True)
    all_models, all_problems, checked = [], [], 0
    for file in sorted(rendered.glob("*.yaml")):
        documents = load(file.read_text(encoding="utf-8"))
        core, models, problems = sort(documents, crate)
        if core:
            (out / "core" / file.name).write_text(yaml.safe_dump_all(core), encoding="utf-8")
        all_models += models
        all_problems += [f"{file.stem}: {problem}" for problem in problems]
        checked += len(documents) - len(core) - len(models)
    (out / "models.json").write_text(json.dumps(all_models), encoding="utf-8")
    for problem in all_problems:
        print(f"k8s crds: {problem}", file=sys.stderr)
    print(f"k8s crds: {checked} documents of CloudNativePG, {len(all_problems)} problems")
    return 1 if all_problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
