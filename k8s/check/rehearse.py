"""Plays the overlay `local` without a cluster: the programs, with the very environment, files and arguments that its manifests give them,
on loopback addresses; then a user asks for a picture. Usage: rehearse.py RENDERED SECRETS BINARIES

What is different from a cluster: names of Services are 127.0.0.1 with free ports, and /etc/kopilka and /data are folders of a temporary
one. It is played twice: the second time the services speak mTLS, as the component `mtls` has it. Ends with 0 when the picture came, billing
charged for it, and every program ended well when it was told to."""

from __future__ import annotations

import base64
import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable

import lint
import programs
from objects import NAMESPACE, Pod, Scene
from references import written

PATIENCE = 60
PROMPT = "кот в шляпе"
# What the names of variables begin with.
SERVICES = {"billing-svc": "BILLING", "bot-gateway": "GATEWAY", "image-worker": "WORKER"}


class Play:
    """One run, in one folder."""

    def __init__(self, scene: Scene, secrets: Scene, binaries: pathlib.Path, folder: pathlib.Path, tls: bool):
        self.authority = Authority(folder) if tls else None
        self.scene, self.secrets, self.binaries, self.folder = scene, secrets, binaries, folder
        numbers = {number for pod in written(scene) for number in pod.ports.values()}
        self.ports = dict(zip(sorted(numbers), free_ports(len(numbers)), strict=True))
        self.running: dict[str, subprocess.Popen] = {}

    def secret(self, name: str, key: str) -> str:
        return base64.b64decode(self.secrets.find("Secret", name)["data"][key]).decode()

    def localise(self, value: str, home: pathlib.Path) -> str:
        """The same value, for this machine."""
        value = re.sub(r"(^|//)(/etc/kopilka|/data)\b", rf"\g<1>{home}\g<2>", value)
        value = re.sub(rf"[a-z-]+\.{NAMESPACE}\.svc|0\.0\.0\.0", "127.0.0.1", value)
        return re.sub(r"127\.0\.0\.1:(\d+)", lambda found: f"127.0.0.1:{self.ports[int(found[1])]}", value)

    def start(self, pod: Pod) -> None:
        home = self.folder / pod.name
        container = pod.containers[0]
        (home / "data").mkdir(parents=True)
        environment = programs.gather(self.scene, container)
        for entry in container.get("env", []):
            ref = entry["valueFrom"]["secretKeyRef"]
            environment[entry["name"]] = self.secret(ref["name"], ref["key"])
        places = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        for volume in (one for one in pod.spec["volumes"] if "secret" in one):
            for item in volume["secret"]["items"]:
                file = home / places[volume["name"]].lstrip("/") / item["path"]
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(self.secret(volume["secret"]["secretName"], item["key"]), encoding="utf-8")
        program = container["image"].rsplit("/", 1)[-1].split(":")[0]
        environment = {name: self.localise(value, home) for name, value in environment.items()}
        if self.authority and program in SERVICES:
            environment |= self.authority.variables(program)
            urls = {f"{prefix}_URL" for prefix in SERVICES.values()} & environment.keys()
            environment |= {url: environment[url].replace("http://127.0.0.1", "https://localhost") for url in urls}
        with (home / "log").open("wb") as log:
            self.running[pod.name] = subprocess.Popen(
                [self.binaries / program, *container.get("args", [])],
                # Nothing of this shell's: what isn't in the manifests isn't there.
                env=environment,
                cwd=home,
                stdout=log,
                stderr=log,
            )

    def until(self, what: str, happened: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not happened():
            for name, process in self.running.items():
                if process.poll() is not None:
                    raise Failure(f"{name} ended with {process.returncode} before {what}")
            if time.monotonic() > deadline:
                raise Failure(f"{what}: not within {PATIENCE} s")
            time.sleep(0.2)

    def get(self, port: int, path: str, body: dict | None = None) -> str:
        """What is answered, or nothing while nobody does. Of an endless answer, the beginning."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.ports[port]}{path}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("content-type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.read1(1 << 20).decode() if path.startswith("/api/events") else answer.read().decode()
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return ""

    def run(self) -> None:
        for pod in written(self.scene):
            self.start(pod)
        for name, port in (("billing-svc", 9101), ("bot-gateway", 8080), ("image-worker", 9103)):
            self.until(f"{name} is ready", lambda port=port: self.get(port, "/readyz") != "")
        self.until("the page answers", lambda: self.get(8090, "/api/users") != "")
        user = json.loads(self.get(8090, "/api/users"))["users"][0]["id"]
        self.get(8090, f"/api/users/{user}/text", {"text": PROMPT})
        self.until("the picture is there", lambda: '"photo":[' in self.get(8090, f"/api/events?user={user}"))
        charged = 'billing_charges_total{kind="generate"} 1'
        self.until("billing charged for it, once", lambda: charged in self.get(9101, "/metrics"))

    def end(self) -> list[str]:
        """Asks all to end, and tells who didn't end well."""
        for process in self.running.values():
            process.terminate()
        problems = []
        for name, process in self.running.items():
            try:
                if process.wait(PATIENCE):
                    problems.append(f"{name} ended with {process.returncode} when it was told to end")
            except subprocess.TimeoutExpired:
                process.kill()
                problems.append(f"{name} didn't end within {PATIENCE} s")
        return problems


class Authority:
    """A CA that lives as long as its folder."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder / "certificates"
        self.folder.mkdir()
        self.openssl("req", "-x509", "-subj", "/CN=rehearsal", "-keyout", "ca.key", "-out", "ca.crt")

    def openssl(self, *arguments: str) -> None:
        new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1")
        command = ["openssl", arguments[0], *new_key, *arguments[1:]]
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True)

    def variables(self, program: str) -> dict[str, str]:
        """A certificate for it, as server and as client."""
        extensions = [f"subjectAltName=DNS:localhost,DNS:{program}", "extendedKeyUsage=serverAuth,clientAuth"]
        extensions += ["basicConstraints=critical,CA:FALSE"]
        added = [word for extension in extensions for word in ("-addext", extension)]
        signed = ("-x509", "-CA", "ca.crt", "-CAkey", "ca.key", "-subj", f"/CN={program}")
        self.openssl("req", *signed, *added, "-keyout", f"{program}.key", "-out", f"{program}.crt")
        files = {"CERT": f"{program}.crt", "KEY": f"{program}.key", "CLIENT_CA": "ca.crt"}
        return {f"{SERVICES[program]}_TLS_{what}": str(self.folder / file) for what, file in files.items()}


class Failure(Exception):
    """The play can't go on."""


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    numbers = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return numbers


def main(arguments: list[str]) -> int:
    rendered, secrets, binaries = (pathlib.Path(argument).resolve() for argument in arguments)
    brought = Scene.read("local", [secrets / "local.yaml"])
    return max(rehearse(lint.scene("local", rendered), brought, binaries, tls) for tls in (False, True))


def rehearse(scene: Scene, secrets: Scene, binaries: pathlib.Path, tls: bool) -> int:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        play = Play(scene, secrets, binaries, pathlib.Path(folder), tls)
        problems = []
        try:
            play.run()
        except Failure as failure:
            problems.append(str(failure))
        finally:
            problems += play.end()
        if problems:
            for log in sorted(pathlib.Path(folder).glob("*/log")):
                last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-8:]
                print(f"--- {log.parent.name}", *last, sep="\n", file=sys.stderr)
    for problem in problems:
        print(f"k8s rehearsal: {problem}", file=sys.stderr)
    outcome = "no picture" if problems else "a picture"
    over = " over mTLS" if tls else ""
    print(f"k8s rehearsal: {outcome}{over} in {time.monotonic() - began:.0f} s, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
