"""What one document says of another by name, by label or by port, and what a schema can't see: that there is such a one."""

from __future__ import annotations

from collections.abc import Iterator

from objects import CLUSTER_WIDE, NAMESPACE, POD_TEMPLATES, Pod, Scene, called, dig, selects

WORKLOADS = tuple(POD_TEMPLATES)
# What each object says of itself, so that one query finds all of it.
LABELS = ("app.kubernetes.io/name", "app.kubernetes.io/component", "app.kubernetes.io/part-of")
# The only paths that the world may call.
PUBLIC_PATHS = {"/telegram/webhook", "/payments/yookassa"}


def check(scene: Scene) -> list[str]:
    rules = (uniqueness, labels, services, selectors, policies, probes, accounts, budgets, scaling, entrances, monitors)
    return [problem for rule in rules for problem in rule(scene)]


def uniqueness(scene: Scene) -> Iterator[str]:
    seen = set()
    for document in scene.documents:
        key = called(document)
        if key in seen:
            yield f"{key}: is there twice"
        seen.add(key)
        namespace = document["metadata"].get("namespace")
        if document["kind"] in CLUSTER_WIDE:
            if namespace:
                yield f"{key}: belongs to no namespace, and names one"
        elif namespace != NAMESPACE:
            yield f"{key}: namespace {namespace}, not {NAMESPACE}"


def labels(scene: Scene) -> Iterator[str]:
    for document in scene.documents:
        own = document["metadata"].get("labels", {})
        wanted = LABELS if document["kind"] in (*WORKLOADS, "Service", "ServiceAccount", "Cluster") else LABELS[2:]
        for label in wanted:
            if label not in own:
                yield f"{called(document)}: the label {label} is missing"
    for document in scene.of(*WORKLOADS):
        own = document["metadata"].get("labels", {})
        of_pods = dig(document, POD_TEMPLATES[document["kind"]]).get("metadata", {}).get("labels", {})
        for label in (*LABELS, "app.kubernetes.io/version"):
            if own.get(label) != of_pods.get(label) or label not in of_pods:
                yield f"{called(document)}: its pods' label {label} is {of_pods.get(label)}, its own {own.get(label)}"


def services(scene: Scene) -> Iterator[str]:
    for service in scene.of("Service"):
        selector = {"matchLabels": service["spec"].get("selector") or {}}
        behind = [pod for pod in scene.pods() if selects(selector, pod.labels)]
        if not service["spec"].get("selector") or not behind:
            yield f"{called(service)}: its selector matches no pod"
        if len(behind) > 1:
            yield f"{called(service)}: its selector matches pods of {', '.join(pod.owner for pod in behind)}"
        for port in service["spec"]["ports"]:
            target = port.get("targetPort", port["port"])
            if not port.get("name"):
                yield f"{called(service)}: port {port['port']} has no name"
            for pod in behind:
                if target not in pod.ports and target not in pod.ports.values():
                    yield f"{called(service)}: no container of {pod.owner} has the port {target}"


def selectors(scene: Scene) -> Iterator[str]:
    owners = [document for document in scene.of(*WORKLOADS) if "selector" in document["spec"]]
    for document in owners:
        own = [pod for pod in scene.pods() if selects(document["spec"]["selector"], pod.labels)]
        if [pod.owner for pod in own] != [called(document)]:
            found = ", ".join(pod.owner for pod in own) or "nothing"
            yield f"{called(document)}: its selector matches {found}, not just its own pods"
    for pod in scene.pods():
        for container in pod.containers:
            for port in container.get("ports", []):
                if not port.get("name"):
                    yield f"{pod.owner}: port {port['containerPort']} of {container['name']} has no name"
        for rule in pod.spec.get("topologySpreadConstraints", []):
            if not selects(rule.get("labelSelector"), pod.labels):
                yield f"{pod.owner}: it spreads over {rule['topologyKey']} by a selector that doesn't match it"


def policies(scene: Scene) -> Iterator[str]:
    pods = list(scene.pods())
    for policy in scene.of("NetworkPolicy"):
        spec = policy["spec"]
        if not any(selects(spec.get("podSelector", {}), pod.labels) for pod in pods):
            yield f"{called(policy)}: selects no pod"
        for peer in peers(spec):
            if "podSelector" in peer and "namespaceSelector" not in peer:
                if not any(selects(peer["podSelector"], pod.labels) for pod in pods):
                    yield f"{called(policy)}: names a peer that no pod is: {peer['podSelector']}"
    everybody = [policy["spec"] for policy in scene.of("NetworkPolicy") if policy["spec"].get("podSelector") == {}]
    for side in ("Ingress", "Egress"):
        if not any(side in spec.get("policyTypes", []) for spec in everybody):
            yield f"network: nothing denies {side} by default"


def peers(spec: dict) -> list[dict]:
    sides = [(rule, key) for side, key in (("ingress", "from"), ("egress", "to")) for rule in spec.get(side) or []]
    return [peer for rule, key in sides for peer in rule.get(key) or []]


def probes(scene: Scene) -> Iterator[str]:
    for pod in written(scene):
        for container in pod.containers:
            ports = {port.get("name"): port["containerPort"] for port in container.get("ports", [])}
            for name in ("startupProbe", "readinessProbe", "livenessProbe"):
                probe = container.get(name)
                if probe is None:
                    if ports and not (name == "startupProbe" and pod.name == "sandbox"):
                        yield f"{pod.owner}: {name} is missing"
                    continue
                handler = probe.get("grpc") or probe.get("httpGet") or probe.get("tcpSocket") or {}
                port = handler.get("port")
                if port not in ports and port not in ports.values():
                    yield f"{pod.owner}: {name} asks port {port}, which no container has"
                if "grpc" in probe:
                    wanted = "readiness" if name == "readinessProbe" else "liveness"
                    if handler.get("service") != wanted or port != ports.get("http"):
                        yield f"{pod.owner}: {name} has to ask {wanted} on the port http"


def accounts(scene: Scene) -> Iterator[str]:
    for pod in written(scene):
        account = scene.find("ServiceAccount", pod.spec.get("serviceAccountName", "default"))
        if account is None:
            yield f"{pod.owner}: no ServiceAccount {pod.spec.get('serviceAccountName')}"
        elif account.get("automountServiceAccountToken") is not False:
            yield f"{called(account)}: automountServiceAccountToken must be false"
        if pod.spec.get("automountServiceAccountToken") is not False:
            yield f"{pod.owner}: automountServiceAccountToken must be false"
        priority = pod.spec.get("priorityClassName")
        if priority and scene.find("PriorityClass", priority) is None:
            yield f"{pod.owner}: no PriorityClass {priority}"


def budgets(scene: Scene) -> Iterator[str]:
    for budget in scene.of("PodDisruptionBudget"):
        spec = budget["spec"]
        behind = [pod for pod in scene.pods() if selects(spec.get("selector"), pod.labels)]
        if len(behind) != 1:
            found = ", ".join(pod.owner for pod in behind) or "nothing"
            yield f"{called(budget)}: its selector matches {found}, not one workload"
            continue
        least = least_replicas(scene, behind[0].name)
        if str(spec.get("maxUnavailable")) in ("0", "0%"):
            yield f"{called(budget)}: never lets a pod go"
        available = str(spec.get("minAvailable", "0"))
        wanted = -(-least * int(available[:-1]) // 100) if available.endswith("%") else int(available)
        if wanted and wanted >= least:
            yield f"{called(budget)}: wants {available} of {least}, so no pod may ever go"


def scaling(scene: Scene) -> Iterator[str]:
    for scaler in scene.of("HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        if scene.find(target["kind"], target["name"]) is None:
            yield f"{called(scaler)}: no {target['kind']} {target['name']}"
    for deployment in scene.of("Deployment"):
        scaled = scaler_of(scene, deployment["metadata"]["name"]) is not None
        if scaled and "replicas" in deployment["spec"]:
            yield f"{called(deployment)}: each apply would undo what its autoscaler decided: leave replicas out"
        if not scaled and "replicas" not in deployment["spec"]:
            yield f"{called(deployment)}: neither replicas nor an autoscaler"
    billing = scene.find("Deployment", "billing-svc")
    if scene.of("Cluster") and billing and least_replicas(scene, "billing-svc") < 2:
        yield "Deployment/billing-svc: fewer than two replicas in production"


def scaler_of(scene: Scene, name: str) -> dict | None:
    scalers = scene.of("HorizontalPodAutoscaler")
    return next((one for one in scalers if one["spec"]["scaleTargetRef"]["name"] == name), None)


def least_replicas(scene: Scene, name: str) -> int:
    scaler = scaler_of(scene, name)
    if scaler is not None:
        return scaler["spec"].get("minReplicas", 1)
    return (scene.find("Deployment", name) or {"spec": {}})["spec"].get("replicas", 1)


def entrances(scene: Scene) -> Iterator[str]:
    for service in scene.of("Service"):
        if service["spec"].get("type", "ClusterIP") != "ClusterIP":
            yield f"{called(service)}: opens a way in of its own; only an Ingress may"
    for ingress in scene.of("Ingress"):
        hosts = {host for entry in ingress["spec"].get("tls", []) for host in entry.get("hosts", [])}
        for rule in ingress["spec"]["rules"]:
            if rule.get("host") not in hosts:
                yield f"{called(ingress)}: {rule.get('host')} has no certificate"
            for path in rule["http"]["paths"]:
                if path["path"] not in PUBLIC_PATHS or path["pathType"] != "Exact":
                    yield f"{called(ingress)}: lets the world call {path['pathType']} {path['path']}"
                backend = path["backend"]["service"]
                service = scene.find("Service", backend["name"]) or {"spec": {"ports": []}}
                ports = [(port.get("name"), port["port"]) for port in service["spec"]["ports"]]
                wanted = backend["port"]
                if not any(wanted in ({"name": name}, {"number": number}) for name, number in ports):
                    yield f"{called(ingress)}: no Service {backend['name']} with the port {wanted}"


def monitors(scene: Scene) -> Iterator[str]:
    for monitor in scene.of("ServiceMonitor"):
        behind = [one for one in scene.of("Service") if selects(monitor["spec"]["selector"], one["metadata"]["labels"])]
        if not behind:
            yield f"{called(monitor)}: its selector matches no Service"
        for endpoint in monitor["spec"]["endpoints"]:
            if not any(port.get("name") == endpoint["port"] for one in behind for port in one["spec"]["ports"]):
                yield f"{called(monitor)}: no Service that it selects has the port {endpoint['port']}"
    for monitor in scene.of("PodMonitor"):
        behind = [pod for pod in scene.pods() if selects(monitor["spec"]["selector"], pod.labels)]
        if not behind:
            yield f"{called(monitor)}: its selector matches no pod"
        for endpoint in monitor["spec"]["podMetricsEndpoints"]:
            if not any(endpoint["port"] in pod.ports for pod in behind):
                yield f"{called(monitor)}: no pod that it selects has the port {endpoint['port']}"


def written(scene: Scene) -> Iterator[Pod]:
    """Pods that our own documents write down: not an operator's."""
    return (pod for pod in scene.pods() if pod.owner.split("/")[0] in WORKLOADS)
