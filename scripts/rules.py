"""Makes and checks what hangs together in k8s/monitoring. Usage: rules.py write | rules.py check QUERIES

write makes the PrometheusRule of k8s/monitoring/rules/*.yaml. check looks at everything that promtool does not, prints each problem on a
line, and ends with 1 when there is any; it leaves every query of the dashboards in the file QUERIES, as a rule, for promtool."""

from __future__ import annotations

import json
import pathlib
import re
import sys

import yaml

MONITORING = pathlib.Path("k8s/monitoring")
RULES = MONITORING / "rules"
OBJECT = MONITORING / "prometheusrule.yaml"
RUNBOOK = pathlib.Path("docs/runbook.md")
SOURCES = ["billing-svc/src", "bot-gateway/src", "image-worker/src", "service-kit/src", "proto/src"]
SEVERITIES = {"page", "ticket"}

OURS = re.compile(r"^(billing|gateway|worker|grpc|tls|config|trace|kopilka)_")
# Of kube-state-metrics, the kubelet, cert-manager, CloudNativePG and its plugin, and Prometheus itself.
OTHERS = re.compile(r"^(kube|kubelet|container|certmanager|cnpg|barman_cloud_cloudnative_pg_io)_|^up$")
ADDED_BY_PROMETHEUS = {"job", "instance", "namespace", "pod", "le"}
# What tonic's codes are called in `code`.
CODES = set(
    "Ok Cancelled Unknown InvalidArgument DeadlineExceeded NotFound AlreadyExists PermissionDenied ResourceExhausted "
    "FailedPrecondition Aborted OutOfRange Unimplemented Internal Unavailable DataLoss Unauthenticated".split()
)
NO_NAMES = set("by without on ignoring group_left group_right and or unless offset bool inf nan".split())


def main(arguments: list[str]) -> int:
    if arguments == ["write"]:
        OBJECT.write_text(prometheus_rule())
        return 0
    if len(arguments) != 2 or arguments[0] != "check":
        print(__doc__, file=sys.stderr)
        return 2
    queries = dashboard_queries()
    problems = [*object_problems(), *alert_problems(), *dashboard_problems()]
    known = Known()
    for place, query in [*rule_queries(), *queries, *runbook_queries()]:
        problems += [f"{place}: {what}" for what in known.problems(query)]
    problems += known.unsaid()
    pathlib.Path(arguments[1]).write_text(as_rules(queries))
    for problem in problems:
        print(f"rules: {problem}", file=sys.stderr)
    print(f"rules: {len(alerts())} alerts, {len(queries)} queries of dashboards, {len(problems)} problems")
    return 1 if problems else 0


def rule_files() -> list[pathlib.Path]:
    return sorted(RULES.glob("*.yaml"))


def groups() -> list[dict]:
    return [group for file in rule_files() for group in yaml.safe_load(file.read_text())["groups"]]


def alerts() -> list[dict]:
    return [rule for group in groups() for rule in group["rules"] if "alert" in rule]


def rule_queries() -> list[tuple[str, str]]:
    return [(rule.get("alert") or rule["record"], rule["expr"]) for group in groups() for rule in group["rules"]]


def prometheus_rule() -> str:
    names = [file.name for file in rule_files()]
    document = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "kopilka", "labels": {"app.kubernetes.io/part-of": "kopilka"}},
        "spec": {"groups": groups()},
    }
    head = f"# Made of rules/ ({', '.join(names)}) by `scripts/rules-check.sh --write`: change those.\n"
    return head + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=140)


def object_problems() -> list[str]:
    same = OBJECT.exists() and OBJECT.read_text() == prometheus_rule()
    return [] if same else [f"{OBJECT} is not what rules/ says: run scripts/rules-check.sh --write"]


def alert_problems() -> list[str]:
    problems = []
    named = [rule["alert"] for rule in alerts()]
    problems += [f"{name} is there twice" for name in sorted({name for name in named if named.count(name) > 1})]
    anchors = headings()
    fires, quiet = tested()
    for rule in alerts():
        name, annotations = rule["alert"], rule.get("annotations", {})
        if rule.get("labels", {}).get("severity") not in SEVERITIES:
            problems.append(f"{name}: severity is none of {sorted(SEVERITIES)}")
        problems += [f"{name}: no {what}" for what in ("summary", "description") if not annotations.get(what)]
        if annotations.get("runbook_url") != f"{RUNBOOK}#{name.lower()}":
            problems.append(f"{name}: runbook_url is not {RUNBOOK}#{name.lower()}")
        if name not in anchors:
            problems.append(f"{name}: {RUNBOOK} has no section of that name")
        problems += [f"{name}: no test in which it {does}" for does, tests in [("fires", fires), ("does not fire", quiet)] if name not in tests]
    # A section that bears an alert's kind of name and is no alert's has outlived it.
    problems += [f"{RUNBOOK}: {heading} is no alert" for heading in anchors if re.fullmatch(r"([A-Z][a-z]+){2,}", heading) and heading not in named]
    return problems


def headings() -> set[str]:
    return set(re.findall(r"^#{2,4} (.+)$", RUNBOOK.read_text(), re.MULTILINE))


def tested() -> tuple[set[str], set[str]]:
    fires, quiet = set(), set()
    for file in sorted((RULES / "tests").glob("*.yaml")):
        for test in yaml.safe_load(file.read_text())["tests"]:
            expected = test["alert_rule_test"]
            fires |= {one["alertname"] for one in expected if one.get("exp_alerts")}
            if not any(one.get("exp_alerts") for one in expected):
                quiet |= {one["alertname"] for one in expected}
    return fires, quiet


def dashboards() -> list[tuple[pathlib.Path, dict]]:
    return [(file, json.loads(file.read_text())) for file in sorted((MONITORING / "dashboards").glob("*.json"))]


def dashboard_queries() -> list[tuple[str, str]]:
    return [
        (f"{file.name}: {panel['title']}", target["expr"])
        for file, dashboard in dashboards()
        for panel in dashboard["panels"]
        for target in panel.get("targets", [])
    ]


def dashboard_problems() -> list[str]:
    problems = []
    uids = [dashboard["uid"] for _, dashboard in dashboards()]
    if len(set(uids)) != len(uids):
        problems.append("two dashboards have one uid")
    for file, dashboard in dashboards():
        panels = dashboard["panels"]
        ids = [panel["id"] for panel in panels]
        if len(set(ids)) != len(ids):
            problems.append(f"{file.name}: two panels have one id")
        for panel in panels:
            problems += [f"{file.name}: {panel['title']}: {what}" for what in panel_problems(panel)]
    return problems


def panel_problems(panel: dict) -> list[str]:
    if panel["type"] == "row":
        return []
    problems = [] if panel.get("description") else ["no description"]
    if panel.get("datasource", {}).get("uid") != "${datasource}":
        problems.append("its datasource is not the variable")
    place = panel["gridPos"]
    if place["x"] + place["w"] > 24:
        problems.append("it is wider than the page")
    if not panel.get("targets"):
        problems.append("it asks nothing")
    return problems


def as_rules(queries: list[tuple[str, str]]) -> str:
    """Grafana's own variables stand for durations."""
    rules = [
        {"record": f"query:{number}", "expr": re.sub(r"\$__(rate_interval|interval|range)", "5m", query), "labels": {"place": place}}
        for number, (place, query) in enumerate(queries)
    ]
    return yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules}]}, sort_keys=False)


def runbook_queries() -> list[tuple[str, str]]:
    blocks = re.findall(r"```promql\n(.*?)```", RUNBOOK.read_text(), re.DOTALL)
    return [(str(RUNBOOK), line) for block in blocks for line in block.splitlines() if line.strip() and not line.startswith("#")]


class Known:
    """The metrics of the services with their labels, the recorded ones, and the words that labels can have."""

    def __init__(self) -> None:
        files = [file for source in SOURCES for file in pathlib.Path(source).rglob("*.rs")]
        code = "\n".join(file.read_text() for file in files)
        self.labels: dict[str, set[str]] = {}
        self.histograms = set()
        for kind, name, rest in re.findall(r'(counter|gauge|histogram)!\(\s*"(\w+)"(.*?);', code, re.DOTALL):
            self.labels.setdefault(name, set()).update(re.findall(r'"(\w+)"\s*=>', rest))
            if kind == "histogram":
                self.histograms.add(name)
        self.code = code
        protos = "\n".join(file.read_text() for file in pathlib.Path("proto").rglob("*.proto"))
        self.words = set(re.findall(r'"([\w.]+)"', code)) | set(re.findall(r"ERROR_REASON_(\w+)", protos)) | CODES
        self.recorded = {rule["record"] for group in groups() for rule in group["rules"] if "record" in rule}

    def problems(self, query: str) -> list[str]:
        problems = []
        for name, selector in selectors(query):
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            base = base if base in self.histograms else name
            if OURS.match(name) and ":" not in name:
                if base not in self.labels:
                    problems.append(f"no service has the metric {name}")
                    continue
                problems += self.label_problems(base, selector)
            elif ":" in name:
                if name not in self.recorded:
                    problems.append(f"{name} is not recorded")
            elif not OTHERS.match(name):
                problems.append(f"whose metric is {name}?")
        return problems

    def unsaid(self) -> list[str]:
        """What the runbook looks for in logs and no service says. Capitals stand for what people put there, or for a level."""
        sought = re.findall(r"""\| grep (?:-\w+ (?:\d+ )?)*(?:"([^"]+)"|'([^']+)'|([^\s`]+))""", RUNBOOK.read_text())
        words = [word for found in sought for word in "".join(found).replace("\\|", "|").split("|")]
        lower = [word for word in words if re.search(r"[a-z]", word) and not word.startswith('"level"')]
        return [f'{RUNBOOK}: nobody logs "{word}"' for word in lower if word.lower() not in self.code.lower()]

    def label_problems(self, name: str, selector: str) -> list[str]:
        problems = []
        for label, how, value in re.findall(r'(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"', selector):
            if label in ADDED_BY_PROMETHEUS:
                continue
            if label not in self.labels[name]:
                problems.append(f"{name} has no label {label}")
            words = value.split("|") if how in ("=~", "!~") else [value]
            # An RPC is a pattern, a status a number, an age is told with a unit.
            plain = [word for word in words if re.fullmatch(r"[A-Za-z_]+", word)]
            problems += [f'{name}: nothing gives {label} the value "{word}"' for word in plain if word not in self.words]
        return problems


def selectors(query: str) -> list[tuple[str, str]]:
    """Each metric of a query with what stands in its braces."""
    found = []
    # What names labels and not metrics.
    query = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", query)
    for match in re.finditer(r'"(?:[^"\\]|\\.)*"|\{((?:[^{}"]|"(?:[^"\\]|\\.)*")*)\}|([A-Za-z_:][\w:]*)|\[[^\]]*\]|\d+\w*', query):
        name = match[2]
        if match[1] is not None and found:
            found[-1] = (found[-1][0], match[1])
        elif name and name.lower() not in NO_NAMES and not query[match.end() :].lstrip().startswith("("):
            found.append((name, ""))
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
