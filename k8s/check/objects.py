"""What was rendered, as objects: documents by kind and name, and the pods that they will make."""

from __future__ import annotations

import dataclasses
import ipaddress
import pathlib
from collections.abc import Iterator

import yaml

NAMESPACE = "kopilka"

class Loader(yaml.SafeLoader):
    """As Kubernetes reads YAML: what looks like a time is text."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, expression) for tag, expression in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load(text: str) -> list[dict]:
    """All documents of a file."""
    return [document for document in yaml.load_all(text, Loader) if document]


# Where a kind keeps the template of its pods.
POD_TEMPLATES = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}

# Kinds that belong to no namespace.
CLUSTER_WIDE = {"Namespace", "PriorityClass", "ClusterIssuer"}

# What CloudNativePG's instances listen on: PostgreSQL, the instance manager, the exporter of metrics.
POSTGRES_PORTS = {"postgresql": 5432, "status": 8000, "metrics": 9187}


@dataclasses.dataclass(frozen=True)
class Pod:
    """A pod that some document makes."""

    owner: str
    name: str
    labels: dict
    spec: dict

    @property
    def containers(self) -> list[dict]:
        return self.spec.get("initContainers", []) + self.spec.get("containers", [])

    @property
    def ports(self) -> dict[str, int]:
        """Named ports of all containers."""
        return {
            port.get("name", ""): port["containerPort"]
            for container in self.containers
            for port in container.get("ports", [])
        }


class Scene:
    """All that is applied to one cluster, together."""

    def __init__(self, name: str, documents: list[dict]):
        self.name = name
        self.documents = documents

    @staticmethod
    def read(name: str, files: list[pathlib.Path]) -> Scene:
        documents = []
        for file in files:
            documents.extend(load(file.read_text(encoding="utf-8")))
        return Scene(name, documents)

    def of(self, *kinds: str) -> list[dict]:
        return [document for document in self.documents if document.get("kind") in kinds]

    def find(self, kind: str, name: str) -> dict | None:
        found = (one for one in self.of(kind) if one["metadata"]["name"] == name)
        return next(found, None)

    def pods(self) -> Iterator[Pod]:
        """Of workloads as they are written, and those that operators make: databases, and who answers an ACME challenge."""
        for document in self.of(*POD_TEMPLATES):
            template = dig(document, POD_TEMPLATES[document["kind"]])
            yield Pod(
                owner=called(document),
                name=document["metadata"]["name"],
                labels=template.get("metadata", {}).get("labels", {}),
                spec=template["spec"],
            )
        for cluster in self.of("Cluster"):
            name = cluster["metadata"]["name"]
            made_by = {"cnpg.io/cluster": name, "cnpg.io/podRole": "instance"}
            yield foreign(called(cluster), name, made_by, POSTGRES_PORTS)
        for ingress in self.of("Ingress"):
            if any(key.startswith("cert-manager.io/") for key in ingress["metadata"].get("annotations", {})):
                solver = {"acme.cert-manager.io/http01-solver": "true"}
                yield foreign(called(ingress), "acme-solver", solver, {"http": 8089})


def foreign(owner: str, name: str, labels: dict, ports: dict[str, int]) -> Pod:
    """A pod that an operator makes because of a document of ours."""
    listed = [{"name": port, "containerPort": number} for port, number in ports.items()]
    return Pod(owner, name, labels, {"containers": [{"name": name, "ports": listed}]})


def called(document: dict) -> str:
    """How a problem names a document."""
    return f"{document.get('kind')}/{document.get('metadata', {}).get('name')}"


def dig(document: dict, path: tuple[str, ...]) -> dict:
    for step in path:
        document = document[step]
    return document


def selects(selector: dict | None, labels: dict) -> bool:
    """A label selector of Kubernetes. An empty one selects everything, an absent one nothing."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_holds(rule, labels) for rule in selector.get("matchExpressions") or [])


def _holds(rule: dict, labels: dict) -> bool:
    key, operator, values = rule["key"], rule["operator"], rule.get("values") or []
    match operator:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    raise ValueError(f"no operator of selectors: {operator}")


def in_block(block: dict, address: str) -> bool:
    """Is the address in an ipBlock, and in none of its exceptions?"""
    ip = ipaddress.ip_address(address)
    networks = [ipaddress.ip_network(text) for text in (block["cidr"], *(block.get("except") or []))]
    return ip in networks[0] and not any(ip in network for network in networks[1:])
