"""Small defects, one at a time, in what was rendered, with (a part of) what the linter has to say of each. For test_lint.py."""

from __future__ import annotations

from collections.abc import Callable

from objects import Scene


def of(kind: str, name: str, *path: str | int) -> Callable[[Scene], object]:
    """What is at a path of one document. A ConfigMap's name goes without its hash."""

    def get(scene: Scene) -> object:
        found = [one for one in scene.of(kind) if one["metadata"]["name"] == name]
        found = found or [one for one in scene.of(kind) if one["metadata"]["name"].rsplit("-", 1)[0] == name]
        value = found[0]
        for step in path:
            value = value[step]
        return value

    return get


POD = ("spec", "template", "spec")
CONTAINER = (*POD, "containers", 0)
BILLING = of("Deployment", "billing-svc", *CONTAINER)
BILLING_POD = of("Deployment", "billing-svc", *POD)
BILLING_CONFIG = of("ConfigMap", "billing-svc", "data")


def put(get: Callable, key: str | int, value: object) -> Callable[[Scene], None]:
    return lambda scene: get(scene).__setitem__(key, value)


def drop(get: Callable, key: str | int) -> Callable[[Scene], None]:
    return lambda scene: get(scene).__delitem__(key)


def add(get: Callable, value: object) -> Callable[[Scene], None]:
    return lambda scene: get(scene).append(value)


def without(kind: str, name: str) -> Callable[[Scene], None]:
    def remove(scene: Scene) -> None:
        document = of(kind, name)(scene)
        scene.documents.remove(document)

    return remove


def policy(name: str, spec: dict) -> Callable[[Scene], None]:
    metadata = {"name": name, "namespace": "kopilka", "labels": {"app.kubernetes.io/part-of": "kopilka"}}
    document = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}
    return lambda scene: scene.documents.append(document)


TO_ANYBODY = {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "image-worker"}}, "policyTypes": ["Egress"], "egress": [{}]}

# What is broken, and (a part of) what has to be said.
PRODUCTION = {
    # References.
    "a document twice": (lambda s: s.documents.append(of("Service", "billing-svc")(s)), "is there twice"),
    "another namespace": (put(of("Service", "billing-svc", "metadata"), "namespace", "default"), "namespace default"),
    "a label lost": (drop(of("Service", "billing-svc", "metadata", "labels"), "app.kubernetes.io/part-of"), "part-of is missing"),
    "labels that differ": (
        put(of("Deployment", "billing-svc", "spec", "template", "metadata", "labels"), "app.kubernetes.io/component", "x"),
        "pods' label app.kubernetes.io/component is x",
    ),
    "a Service that selects nothing": (
        put(of("Service", "billing-svc", "spec", "selector"), "app.kubernetes.io/name", "bling-svc"),
        "Service/billing-svc: its selector matches no pod",
    ),
    "a Service that selects too much": (
        put(of("Service", "billing-svc", "spec"), "selector", {"app.kubernetes.io/part-of": "kopilka"}),
        "Service/billing-svc: its selector matches pods of",
    ),
    "a port that no container has": (
        put(of("Service", "billing-svc", "spec", "ports", 0), "targetPort", "grcp"),
        "no container of Deployment/billing-svc has the port grcp",
    ),
    "a port without a name": (drop(of("Service", "billing-svc", "spec", "ports", 0), "name"), "port 50051 has no name"),
    "a container's port without a name": (drop(of("Deployment", "billing-svc", *CONTAINER, "ports", 1), "name"), "has no name"),
    "a selector of others' pods": (
        put(of("Deployment", "billing-svc", "spec", "selector"), "matchLabels", {"app.kubernetes.io/component": "billing"}),
        "not just its own pods",
    ),
    "spreading by a wrong label": (
        put(of("Deployment", "billing-svc", *POD, "topologySpreadConstraints", 0), "labelSelector", {"matchLabels": {"a": "b"}}),
        "spreads over topology.kubernetes.io/zone",
    ),
    "a policy for nobody": (put(of("NetworkPolicy", "billing-svc", "spec"), "podSelector", {"matchLabels": {"a": "b"}}), "selects no pod"),
    "a policy's peer that is nobody": (
        put(of("NetworkPolicy", "billing-svc", "spec", "ingress", 0, "from", 0, "podSelector", "matchLabels"), "app.kubernetes.io/name", "gw"),
        "names a peer that no pod is",
    ),
    "no default": (without("NetworkPolicy", "default-deny"), "nothing denies Ingress by default"),
    "a probe of no port": (put(of("Deployment", "billing-svc", *CONTAINER, "livenessProbe", "grpc"), "port", 1), "asks port 1"),
    "liveness that asks the database": (
        put(of("Deployment", "billing-svc", *CONTAINER, "livenessProbe", "grpc"), "service", "readiness"),
        "livenessProbe has to ask liveness",
    ),
    "a probe over TLS": (put(of("Deployment", "billing-svc", *CONTAINER, "readinessProbe", "grpc"), "port", 50051), "on the port http"),
    "no readiness": (drop(BILLING, "readinessProbe"), "readinessProbe is missing"),
    "no such account": (put(BILLING_POD, "serviceAccountName", "bling"), "no ServiceAccount bling"),
    "a token of the API server": (put(BILLING_POD, "automountServiceAccountToken", True), "automountServiceAccountToken must be false"),
    "no such priority": (put(BILLING_POD, "priorityClassName", "vip"), "no PriorityClass vip"),
    "a budget for nobody": (
        put(of("PodDisruptionBudget", "billing-svc", "spec", "selector", "matchLabels"), "app.kubernetes.io/name", "x"),
        "matches nothing, not one workload",
    ),
    "a budget that never lets go": (put(of("PodDisruptionBudget", "billing-svc", "spec"), "maxUnavailable", 0), "never lets a pod go"),
    "a budget of all there are": (put(of("PodDisruptionBudget", "billing-svc", "spec"), "minAvailable", 2), "wants 2 of 2"),
    "a budget of a share that is all": (put(of("PodDisruptionBudget", "billing-svc", "spec"), "minAvailable", "51%"), "wants 51% of 2"),
    "an autoscaler of nobody": (
        put(of("HorizontalPodAutoscaler", "billing-svc", "spec", "scaleTargetRef"), "name", "bling"),
        "no Deployment bling",
    ),
    "replicas beside an autoscaler": (put(of("Deployment", "billing-svc", "spec"), "replicas", 2), "leave replicas out"),
    "neither": (without("HorizontalPodAutoscaler", "bot-gateway"), "neither replicas nor an autoscaler"),
    "one billing-svc": (put(of("HorizontalPodAutoscaler", "billing-svc", "spec"), "minReplicas", 1), "fewer than two replicas"),
    "a second way in": (put(of("Service", "bot-gateway-webhooks", "spec"), "type", "LoadBalancer"), "opens a way in"),
    "metrics for the world": (
        put(of("Ingress", "bot-gateway", "spec", "rules", 0, "http", "paths", 0), "path", "/metrics"),
        "lets the world call Exact /metrics",
    ),
    "all below a path": (
        put(of("Ingress", "bot-gateway", "spec", "rules", 0, "http", "paths", 0), "pathType", "Prefix"),
        "lets the world call Prefix",
    ),
    "an ingress to nowhere": (
        put(of("Ingress", "bot-gateway", "spec", "rules", 0, "http", "paths", 0, "backend", "service"), "name", "gw"),
        "no Service gw",
    ),
    "a host without a certificate": (put(of("Ingress", "bot-gateway", "spec", "rules", 0), "host", "x.example.com"), "has no certificate"),
    "nothing to scrape": (
        put(of("ServiceMonitor", "kopilka", "spec", "selector"), "matchLabels", {"app": "x"}),
        "ServiceMonitor/kopilka: its selector matches no Service",
    ),
    "no port to scrape": (
        put(of("ServiceMonitor", "kopilka", "spec", "endpoints", 0), "port", "metrics"),
        "no Service that it selects has the port metrics",
    ),
    "no instance to scrape": (
        put(of("PodMonitor", "kopilka-databases", "spec", "podMetricsEndpoints", 0), "port", "http"),
        "no pod that it selects has the port http",
    ),
    # Storage.
    "a Secret that nobody makes": (put(of("Deployment", "billing-svc", *POD, "volumes", 0, "secret"), "secretName", "x"), "the Secret x"),
    "a key that it hasn't": (
        put(of("Deployment", "billing-svc", *CONTAINER, "env", 0, "valueFrom", "secretKeyRef"), "key", "x"),
        "has no key x",
    ),
    "a backup without a key": (
        put(of("ObjectStore", "billing-db", "spec", "configuration", "s3Credentials", "region"), "key", "x"),
        "the Secret backups has no key x",
    ),
    "no certificate": (without("Certificate", "billing-svc"), "makes the Secret billing-svc-tls"),
    "a Secret in the repository": (
        lambda s: s.documents.append({"kind": "Secret", "metadata": {"name": "x", "namespace": "kopilka"}}),
        "no place in a repository",
    ),
    "no ConfigMap": (without("ConfigMap", "billing-svc"), "no ConfigMap billing-svc"),
    "a ConfigMap for nobody": (drop(BILLING, "envFrom"), "nobody reads it"),
    "a mount of nothing": (drop(of("Deployment", "billing-svc", *POD, "volumes"), 0), "which it doesn't have"),
    "a volume for nothing": (add(of("Deployment", "billing-svc", *POD, "volumes"), {"name": "x", "emptyDir": {}}), "no container mounts"),
    "a file that never changes": (
        put(of("Deployment", "billing-svc", *CONTAINER, "volumeMounts", 0), "subPath", "callers.toml"),
        "is a subPath",
    ),
    "two at one place": (
        put(of("Deployment", "billing-svc", *CONTAINER, "volumeMounts", 0), "mountPath", "/etc/kopilka/tls"),
        "two volumes at /etc/kopilka/tls",
    ),
    # Programs.
    "an unknown variable": (put(BILLING_CONFIG, "BILLING_HOLDS", "30m"), "billing-svc knows no variable BILLING_HOLDS"),
    "another program's variable": (put(BILLING_CONFIG, "FAL_QUEUE_URL", "https://x"), "billing-svc knows no variable FAL_QUEUE_URL"),
    "no database": (
        lambda s: BILLING(s).__setitem__("env", [one for one in BILLING(s)["env"] if one["name"] != "BILLING_DATABASE_URL"]),
        "billing-svc needs BILLING_DATABASE_URL",
    ),
    "no bot": (
        lambda s: of("Deployment", "bot-gateway", *CONTAINER, "env")(s).pop(
            [one["name"] for one in of("Deployment", "bot-gateway", *CONTAINER, "env")(s)].index("TELEGRAM_BOT_TOKEN")
        ),
        "bot-gateway needs TELEGRAM_BOT_TOKEN",
    ),
    "set twice": (add(of("Deployment", "billing-svc", *CONTAINER, "env"), {"name": "PGSSLMODE", "value": "prefer"}), "PGSSLMODE is set twice"),
    "a file that isn't mounted": (put(BILLING_CONFIG, "BILLING_TLS_KEY", "/etc/kopilka/tls/key.pem"), "which nothing mounts"),
    "pictures on the root": (put(of("ConfigMap", "image-worker", "data"), "WORKER_BLOB_URL", "file:///data/blobs"), "no volume is there"),
    "another port": (put(BILLING_CONFIG, "BILLING_LISTEN", "0.0.0.0:50061"), "listens on 50061"),
    "a deaf port": (add(of("Deployment", "billing-svc", *CONTAINER, "ports"), {"name": "x", "containerPort": 1}), "container's port 1"),
    "for itself alone": (put(BILLING_CONFIG, "BILLING_LISTEN", "127.0.0.1:50051"), "nobody reaches it there"),
    "a wrong address": (
        put(of("ConfigMap", "bot-gateway", "data"), "BILLING_URL", "https://billing-svc.kopilka.svc:50052"),
        "no Service billing-svc.kopilka.svc with the port 50052",
    ),
    "in the clear": (
        put(of("ConfigMap", "bot-gateway", "data"), "BILLING_URL", "http://billing-svc.kopilka.svc:50051"),
        "BILLING_URL is http, and billing-svc serves TLS",
    ),
    "one address for all": (put(of("Service", "billing-svc", "spec"), "clusterIP", None), "has to be headless"),
    "a certificate of another name": (
        put(of("Certificate", "billing-svc", "spec"), "dnsNames", ["billing"]),
        "is no name of billing-svc's certificate",
    ),
    "a webhook elsewhere": (
        put(of("ConfigMap", "bot-gateway", "data"), "TELEGRAM_WEBHOOK_URL", "https://other.example.com"),
        "where no Ingress is",
    ),
    "a shell": (put(BILLING, "command", ["sh", "-c"]), "has no shell"),
    "no such command": (put(of("Job", "migrate-billing", *CONTAINER), "args", ["billing", "upp"]), "migrations has no command upp"),
    "killed while draining": (put(BILLING_POD, "terminationGracePeriodSeconds", 30), "30 s until SIGKILL"),
    "no pause": (drop(BILLING, "lifecycle"), "preStop has to sleep"),
    "more connections than there are": (
        put(of("HorizontalPodAutoscaler", "image-worker", "spec"), "maxReplicas", 20),
        "Deployment/image-worker: its pods may want",
    ),
    # Hardening.
    "root": (put(of("Deployment", "billing-svc", *POD, "securityContext"), "runAsNonRoot", False), "runAsNonRoot"),
    "another user": (put(of("Deployment", "billing-svc", *POD, "securityContext"), "runAsUser", 1000), "must run as 65532"),
    "unreadable files": (drop(of("Deployment", "billing-svc", *POD, "securityContext"), "fsGroup"), "fsGroup"),
    "no seccomp": (drop(of("Deployment", "billing-svc", *POD, "securityContext"), "seccompProfile"), "seccompProfile"),
    "the node's network": (put(BILLING_POD, "hostNetwork", True), "hostNetwork"),
    "secrets for everybody": (put(of("Deployment", "billing-svc", *POD, "volumes", 0, "secret"), "defaultMode", 0o444), "0440"),
    "services as variables": (drop(BILLING_POD, "enableServiceLinks"), "enableServiceLinks"),
    "escalation": (put(of("Deployment", "billing-svc", *CONTAINER, "securityContext"), "allowPrivilegeEscalation", True), "Escalation"),
    "a writable root": (drop(of("Deployment", "billing-svc", *CONTAINER, "securityContext"), "readOnlyRootFilesystem"), "readOnlyRoot"),
    "a capability": (put(of("Deployment", "billing-svc", *CONTAINER, "securityContext", "capabilities"), "add", ["X"]), "drop ALL"),
    "no limit": (drop(of("Deployment", "billing-svc", *CONTAINER, "resources"), "limits"), "resources.limits.memory"),
    "no tag": (put(BILLING, "image", "kopilka/billing-svc"), "has no tag"),
    "no tag, but a registry's port": (put(BILLING, "image", "registry.example.com:5000/billing-svc"), "has no tag"),
    "another release": (put(BILLING, "image", "kopilka/billing-svc:9.9.9"), "is not the workspace's version"),
    "someone else's image": (put(BILLING, "image", "kopilka/blling-svc:0.1.0"), "is no program of ours"),
    "a lax namespace": (
        put(of("Namespace", "kopilka", "metadata", "labels"), "pod-security.kubernetes.io/enforce", "baseline"),
        "enforce must be restricted",
    ),
    # Arrows.
    "the gateway reaches billing's database": (
        put(of("Deployment", "bot-gateway", "spec", "template", "metadata", "labels"), "database", "billing"),
        "bot-gateway -> billing-db:5432 is allowed",
    ),
    "the worker reaches anything": (policy("x", TO_ANYBODY), "image-worker -> cloud-metadata:* is allowed"),
    "a lost arrow": (drop(of("NetworkPolicy", "billing-svc", "spec"), "ingress"), "bot-gateway -> billing-svc:50051 is in the table"),
    "one end only": (drop(of("NetworkPolicy", "bot-gateway", "spec"), "egress"), "bot-gateway -> billing-svc:50051 is in the table"),
    "an open database": (
        lambda s: of("NetworkPolicy", "billing-db", "spec", "ingress")(s).append({"ports": [{"port": 5432}]}),
        "other-namespace -> billing-db:5432 is allowed",
    ),
    "the cloud's metadata": (
        drop(of("NetworkPolicy", "billing-svc", "spec", "egress", 0, "to", 0, "ipBlock"), "except"),
        "billing-svc -> cloud-metadata:443 is allowed",
    ),
}

LOCAL = {
    "two on one file": (
        put(of("Deployment", "billing-svc", "spec"), "strategy", {"type": "RollingUpdate"}),
        "its strategy has to be Recreate",
    ),
    "no claim": (without("PersistentVolumeClaim", "billing-svc"), "no PersistentVolumeClaim billing-svc"),
    "a claim for nobody": (
        put(of("Deployment", "sandbox", *POD, "volumes", 0), "persistentVolumeClaim", {"claimName": "billing-svc"}),
        "PersistentVolumeClaim/sandbox: no pod mounts it",
    ),
    "a database on the root": (put(BILLING_CONFIG, "BILLING_DATABASE_URL", "sqlite:///tmp/b.db"), "no volume is there"),
    "TLS to who serves none": (
        put(of("ConfigMap", "bot-gateway", "data"), "BILLING_URL", "https://billing-svc.kopilka.svc:50051"),
        "billing-svc serves no TLS",
    ),
}
