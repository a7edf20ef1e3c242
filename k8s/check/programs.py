"""Whether each container's environment fits the program that it starts: read from the program's own sources."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from objects import NAMESPACE, Pod, Scene, called
from references import scaler_of, written
from storage import files

# Read by libraries, not by us: sqlx (TLS to PostgreSQL), object_store (the pictures).
OF_LIBRARIES = {
    "billing-svc": {"PGSSLMODE", "PGSSLROOTCERT"},
    "bot-gateway": {"PGSSLMODE", "PGSSLROOTCERT"},
    "image-worker": {"PGSSLMODE", "PGSSLROOTCERT", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL"},
    "migrations": {"PGSSLMODE", "PGSSLROOTCERT"},
    "sandbox": set(),
}
# Where a program says which variables it takes.
SOURCES = {
    "billing-svc": ["billing-svc/src/config"],
    "bot-gateway": ["bot-gateway/src/config.rs", "bot-gateway/src/config"],
    "image-worker": ["image-worker/src/config.rs", "image-worker/src/config"],
    "migrations": ["migrations/src/main.rs"],
    "sandbox": ["sandbox/src/launcher"],
}
# What a service can't do without in a cluster, though it has defaults for one machine: addresses that others reach, callers, and a
# place of its own for its data.
IN_A_CLUSTER = {
    "billing-svc": {"BILLING_LISTEN", "BILLING_HTTP_LISTEN", "BILLING_AUTH_FILE", "BILLING_DATABASE_URL"},
    "bot-gateway": {"GATEWAY_LISTEN", "GATEWAY_HTTP_LISTEN", "GATEWAY_AUTH_FILE", "GATEWAY_DATABASE_URL", "BILLING_URL", "WORKER_URL"},
    "image-worker": {"WORKER_LISTEN", "WORKER_HTTP_LISTEN", "WORKER_AUTH_FILE", "WORKER_DATABASE_URL", "WORKER_BLOB_URL", "BILLING_URL", "GATEWAY_URL"},
    "migrations": {"DATABASE_URL"},
    "sandbox": {"SANDBOX_DATA", "SANDBOX_FAL_URL", "SANDBOX_YOOKASSA_URL", "BILLING_URL", "BILLING_TOKEN"},
}
# The program that a Service leads to, by the prefix of its own variables.
PREFIXES = {"billing-svc": "BILLING", "bot-gateway": "GATEWAY", "image-worker": "WORKER"}

FIELD = re.compile(r"#\[arg\((?P<attribute>[^\]]*?)\)\]\s*(?:pub(?:\([a-z]+\))?\s+)?\w+:\s*(?P<type>[^\n]+?),\n")
ENV = re.compile(r'env = "(?P<name>[A-Z0-9_]+)"')
# service-kit reads some for all three (RUST_LOG, OTEL_…); they are literals there.
LITERAL = re.compile(r'"(?P<name>(?:RUST_LOG|OTEL_[A-Z_]+))"')
POOL = re.compile(r"const (?:MAX_|MORE_)?CONNECTIONS: u32 = (?P<count>\d+);")
# Beside the pools: a migration, the nightly checks, the operator, and what PostgreSQL keeps for administrators.
OTHER_CONNECTIONS = 20
DRAIN = re.compile(r"const \w*DRAIN\w*: Duration = Duration::from_secs\((?P<seconds>\d+)\);")


@dataclasses.dataclass(frozen=True)
class Program:
    """What a program's sources say of its environment."""

    name: str
    known: set[str]
    required: set[str]
    text: str
    drains: list[int]
    # How many connections one process holds to its database; image-worker adds one for each job that runs at once.
    pool: int


@functools.cache
def read(root: pathlib.Path, name: str) -> Program:
    text = "\n".join(file.read_text(encoding="utf-8") for file in sources(root, SOURCES[name]))
    known, required = set(), set()
    for variable in ENV.finditer(text):
        known.add(variable["name"])
    for field in FIELD.finditer(text):
        variable = ENV.search(field["attribute"])
        optional = "default_value" in field["attribute"] or field["type"].startswith(("Option<", "Vec<"))
        if variable and not optional:
            required.add(variable["name"])
    shared = "\n".join(file.read_text(encoding="utf-8") for file in sources(root, ["service-kit/src"]))
    if name in PREFIXES:
        known |= {literal["name"] for literal in LITERAL.finditer(shared)}
    server = "\n".join(file.read_text(encoding="utf-8") for file in sources(root, [f"{name}/src/server.rs", f"{name}/src/server"]))
    drains = [int(constant["seconds"]) for constant in DRAIN.finditer(server)]
    pool = sum(int(constant["count"]) for constant in POOL.finditer(server))
    return Program(name, known | OF_LIBRARIES[name], required | IN_A_CLUSTER[name], text, drains, pool)


def sources(root: pathlib.Path, paths: list[str]) -> Iterator[pathlib.Path]:
    for path in (root / one for one in paths):
        if path.is_file():
            yield path
        else:
            # Tests mention variables that don't exist on purpose.
            yield from (file for file in sorted(path.rglob("*.rs")) if "tests" not in file.parts and file.stem != "tests")


def check(scene: Scene, root: pathlib.Path) -> list[str]:
    programs = {name: read(root, name) for name in SOURCES}
    problems = []
    for pod in written(scene):
        for container in pod.containers:
            name = container["image"].rsplit("/", 1)[-1].split(":")[0].split("@")[0]
            if name not in programs:
                problems.append(f"{pod.owner}: {container['image']} is no program of ours")
                continue
            environment = gather(scene, container)
            for rule in (variables, paths, listeners, addresses, command, ending, connections):
                problems += [f"{pod.owner}: {what}" for what in rule(scene, pod, container, environment, programs[name])]
    return problems


def gather(scene: Scene, container: dict) -> dict[str, str | None]:
    """Names and values; None: from a Secret, so unknown here."""
    environment: dict[str, str | None] = {}
    for source in container.get("envFrom", []):
        config_map = scene.find("ConfigMap", source.get("configMapRef", {}).get("name", "")) or {}
        environment |= config_map.get("data", {})
    return environment | {entry["name"]: entry.get("value") for entry in container.get("env", [])}


def variables(_scene: Scene, _pod: Pod, container: dict, environment: dict, program: Program) -> Iterator[str]:
    for name in sorted(environment.keys() - program.known):
        yield f"{program.name} knows no variable {name}"
    required = program.required
    if program.name == "billing-svc" and container.get("args"):
        # verify and reconcile serve nothing.
        required = {"BILLING_DATABASE_URL"}
    for name in sorted(required - environment.keys()):
        yield f"{program.name} needs {name}"
    names = [entry["name"] for entry in container.get("env", [])]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{name} is set twice"


def paths(_scene: Scene, pod: Pod, _container: dict, environment: dict, _program: Program) -> Iterator[str]:
    mounted, writable = files(pod)
    for name, value in environment.items():
        if value is None:
            continue
        if value.startswith("/etc/kopilka/") and value not in mounted:
            yield f"{name} names {value}, which nothing mounts"
        folder = next((value.removeprefix(scheme) for scheme in ("sqlite://", "file://") if value.startswith(scheme)), None)
        if name == "SANDBOX_DATA":
            folder = value
        if folder is not None and not any(folder == path or folder.startswith(f"{path}/") for path in writable):
            yield f"{name} writes to {folder}, and no volume is there"


def listeners(_scene: Scene, pod: Pod, container: dict, environment: dict, _program: Program) -> Iterator[str]:
    wanted = {value.rsplit(":", 1)[1]: name for name, value in environment.items() if value and name.endswith("_LISTEN")}
    given = {str(port["containerPort"]) for port in container.get("ports", [])}
    for port in sorted(wanted.keys() - given):
        yield f"{wanted[port]} listens on {port}, which is no port of the container"
    for port in sorted(given - wanted.keys()):
        yield f"nothing listens on the container's port {port}"
    for name, value in environment.items():
        if value and name.endswith("_LISTEN") and not value.startswith("0.0.0.0:"):
            yield f"{name} is {value}: nobody reaches it there"


def addresses(scene: Scene, _pod: Pod, _container: dict, environment: dict, _program: Program) -> Iterator[str]:
    for name, value in environment.items():
        url = urlsplit(value or "")
        host = url.hostname or ""
        if name == "TELEGRAM_WEBHOOK_URL":
            hosts = [rule.get("host") for ingress in scene.of("Ingress") for rule in ingress["spec"]["rules"]]
            if host not in hosts:
                yield f"{name} is at {host}, where no Ingress is"
        if not host.endswith(f".{NAMESPACE}.svc"):
            continue
        service = scene.find("Service", host.split(".")[0])
        if service is None or url.port not in [port["port"] for port in service["spec"]["ports"]]:
            yield f"{name}: no Service {host} with the port {url.port}"
            continue
        if name in ("BILLING_URL", "GATEWAY_URL", "WORKER_URL"):
            yield from grpc_address(scene, name, host, url.scheme, service)


def grpc_address(scene: Scene, name: str, host: str, scheme: str, service: dict) -> Iterator[str]:
    if service["spec"].get("clusterIP") != "None":
        yield f"{name}: {host} has to be headless, or the client can't balance"
    target = service["metadata"]["name"]
    serves_tls = any(
        f"{PREFIXES[target]}_TLS_CERT" in gather(scene, container)
        for pod in written(scene)
        if pod.name == target
        for container in pod.containers
    )
    if serves_tls != (scheme == "https"):
        yield f"{name} is {scheme}, and {target} serves {'TLS' if serves_tls else 'no TLS'}"
    names = {dns for one in scene.of("Certificate") if one["metadata"]["name"] == target for dns in one["spec"]["dnsNames"]}
    if serves_tls and host not in names:
        yield f"{name}: {host} is no name of {target}'s certificate"


def command(_scene: Scene, _pod: Pod, container: dict, _environment: dict, program: Program) -> Iterator[str]:
    if "command" in container:
        yield "its image has no shell, and its entrypoint is the program: use args"
    for word in container.get("args", []):
        variant = "".join(part.capitalize() for part in word.split("-"))
        if not word.startswith("--") and not re.search(rf"^\s+{variant}\b", program.text, re.MULTILINE):
            yield f"{program.name} has no command {word}"


def ending(_scene: Scene, pod: Pod, container: dict, environment: dict, program: Program) -> Iterator[str]:
    """SIGKILL must come after the last drain."""
    if program.name not in PREFIXES or container.get("args"):
        return
    drains = list(program.drains)
    if "WORKER_DRAIN" in environment:
        # Calls and jobs, one after the other at worst.
        drains += 2 * [int((environment["WORKER_DRAIN"] or "0s").removesuffix("s"))]
    if program.name == "billing-svc":
        # The same limit for calls, for sweeper and payments, and for the committer.
        drains += 2 * [max(drains, default=0)]
    if not drains:
        yield "no drain was found in its sources: this rule has gone blind"
    pause = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    if not pause:
        yield "preStop has to sleep: clients learn of the end before the listener closes"
    grace = pod.spec.get("terminationGracePeriodSeconds", 30)
    if grace <= pause + sum(drains):
        yield f"{grace} s until SIGKILL, and it may take {pause} s + {sum(drains)} s to drain"


def connections(scene: Scene, pod: Pod, _container: dict, environment: dict, program: Program) -> Iterator[str]:
    """All pods that an autoscaler may make, and the surge of a roll-out, fit into what the database takes."""
    cluster = scene.find("Cluster", f"{pod.labels.get('database')}-db")
    scaler = scaler_of(scene, pod.name)
    if cluster is None or scaler is None:
        return
    if not program.pool:
        yield "no size of a pool was found in its sources: this rule has gone blind"
    each = program.pool + int(environment.get("WORKER_CONCURRENCY") or 0)
    most = each * (scaler["spec"]["maxReplicas"] + 1) + OTHER_CONNECTIONS
    there = int(cluster["spec"]["postgresql"]["parameters"]["max_connections"])
    if most > there:
        yield f"its pods may want {most} connections, and {called(cluster)} takes {there}"
