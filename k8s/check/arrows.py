"""Who may reach whom, computed from the NetworkPolicies, compared with the table in arrows.yaml.

An arrow is drawn where the egress policies of the source and the ingress policies of the target both allow it. Peers outside of the
namespace are asked about on our side only."""

from __future__ import annotations

import dataclasses
import pathlib

import yaml

from objects import NAMESPACE, Scene, in_block, selects

# A port that nobody names: whoever may reach it may reach all.
ANY_PORT = 9
OURS = {"kubernetes.io/metadata.name": NAMESPACE}


@dataclasses.dataclass(frozen=True)
class Peer:
    """An end of an arrow: a pod (of ours, or of another namespace), or an address."""

    name: str
    labels: dict = dataclasses.field(default_factory=dict)
    namespace: dict = dataclasses.field(default_factory=dict)
    ports: dict = dataclasses.field(default_factory=dict)
    address: str | None = None

    @property
    def is_ours(self) -> bool:
        return self.namespace == OURS


def check(scene: Scene, table: pathlib.Path) -> list[str]:
    """Every arrow that is drawn and not in the table, or in the table and not drawn."""
    content = yaml.safe_load(table.read_text(encoding="utf-8"))
    expected = {arrow for lines in content["arrows"][scene.name].values() for arrow in lines}
    drawn = arrows(scene, [outsider(one) for one in content["outside"]])
    return [f"network: {arrow} is allowed, and no arrow of the table" for arrow in sorted(drawn - expected)] + [
        f"network: {arrow} is in the table, and not allowed" for arrow in sorted(expected - drawn)
    ]


def outsider(entry: dict) -> Peer:
    return Peer(
        name=entry["name"],
        labels=entry.get("pod", {}),
        namespace={"kubernetes.io/metadata.name": entry["namespace"]} if "namespace" in entry else {},
        address=entry.get("address"),
    )


def arrows(scene: Scene, outside: list[Peer]) -> set[str]:
    policies = [policy["spec"] for policy in scene.of("NetworkPolicy")]
    pods = [Peer(pod.name, pod.labels, OURS, pod.ports) for pod in scene.pods()]
    # One that nobody drew an arrow for: whoever gets a pod into the namespace must reach nothing but names.
    pods.append(Peer("stranger", {"app": "stranger"}, OURS))
    bounds = {(peer.name, side): rules(policies, side, peer) for peer in pods + outside for side in ("Egress", "Ingress")}
    named = ports_of(policies)
    drawn = set()
    for source in pods + outside:
        for target in pods + outside:
            if source.is_ours or target.is_ours:
                drawn |= between(bounds, named, source, target)
    return drawn


def rules(policies: list[dict], side: str, peer: Peer) -> list[dict] | None:
    """What binds a peer on that side. None: nothing does, as no policy selects it (or it isn't ours), so it may do all."""
    selecting = [
        policy
        for policy in policies
        if peer.is_ours and side in sides(policy) and selects(policy.get("podSelector", {}), peer.labels)
    ]
    return [rule for policy in selecting for rule in policy.get(side.lower()) or []] if selecting else None


def between(bounds: dict, named: set[int], source: Peer, target: Peer) -> set[str]:
    ports = {("TCP", port) for port in (*named, *target.ports.values(), ANY_PORT)} | {("UDP", 53), ("UDP", ANY_PORT)}
    may_send, may_take = bounds[source.name, "Egress"], bounds[target.name, "Ingress"]
    open_ports = {
        (protocol, port)
        for protocol, port in ports
        if (not target.is_ours or port in target.ports.values() or port == ANY_PORT)
        and allowed(may_send, "to", target, target, protocol, port)
        and allowed(may_take, "from", source, target, protocol, port)
    }
    if any(port == ANY_PORT for _, port in open_ports):
        return {f"{source.name} -> {target.name}:*"}
    suffix = {"TCP": "", "UDP": "/udp"}
    return {f"{source.name} -> {target.name}:{port}{suffix[protocol]}" for protocol, port in open_ports}


def ports_of(policies: list[dict]) -> set[int]:
    all_rules = [rule for policy in policies for side in ("ingress", "egress") for rule in policy.get(side) or []]
    ports = [port.get("port") for rule in all_rules for port in rule.get("ports") or []]
    return {port for port in ports if isinstance(port, int)}


def allowed(bound: list[dict] | None, key: str, other: Peer, listener: Peer, protocol: str, port: int) -> bool:
    """Does some rule (`key`: its "to" or "from") allow the other end, and the port that `listener` listens on?"""
    return bound is None or any(
        fits_port(rule.get("ports"), listener, protocol, port)
        and (not rule.get(key) or any(fits(peer, other) for peer in rule[key]))
        for rule in bound
    )


def sides(policy: dict) -> list[str]:
    default = ["Ingress"] + (["Egress"] if "egress" in policy else [])
    return policy.get("policyTypes", default)


def fits(peer: dict, other: Peer) -> bool:
    if "ipBlock" in peer:
        return other.address is not None and in_block(peer["ipBlock"], other.address)
    if other.address is not None:
        return False
    in_namespace = other.is_ours
    if "namespaceSelector" in peer:
        in_namespace = selects(peer["namespaceSelector"], other.namespace)
    return in_namespace and ("podSelector" not in peer or selects(peer["podSelector"], other.labels))


def fits_port(ports: list[dict] | None, listener: Peer, protocol: str, port: int) -> bool:
    if not ports:
        return True
    for one in ports:
        wanted = one.get("port")
        number = listener.ports.get(wanted) if isinstance(wanted, str) else wanted
        last = one.get("endPort", number)
        if one.get("protocol", "TCP") == protocol and (wanted is None or (number is not None and number <= port <= last)):
            return True
    return False
