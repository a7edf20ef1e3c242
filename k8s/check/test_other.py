"""That the checks of operators' resources and of the manual find what they have to find. See test_lint.py."""

from __future__ import annotations

import copy
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import crds
import lint
import manual
from objects import Scene

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = pathlib.Path(os.environ["K8S_CHECK_WORK"])
DATABASES = Scene.read("databases", [WORK / "rendered/production-databases.yaml"])

# The path of what is changed in billing's Cluster (without a value: taken away), and what has to be said.
CLUSTER = [
    (("spec", "instancs"), 3, "has no field instancs"),
    (("spec", "instances"), "3", "'3' is no i64"),
    (("spec", "instances"), True, "True is no i64"),
    (("spec", "enablePDB"), 1, "1 is no bool"),
    (("spec", "postgresql", "synchronous", "dataDurability"), "strict", "'strict' is none of ['preferred', 'required']"),
    (("spec", "postgresql", "synchronous", "method"), None, "method is required"),
    (("spec", "postgresql", "synchronous", "standby"), 1, "has no field standby"),
    (("spec", "postgresql", "pg_hba"), "hostnossl", "must be a list"),
    (("spec", "postgresql", "parameters"), ["a"], "must be a map"),
    (("spec", "plugins", 0, "parameters", "x"), 1, "1 is no String"),
    (("spec", "storage"), "20Gi", "must be an object"),
    (("sepc",), {}, "has no field sepc"),
]
STORE = [
    (("spec", "configuration", "destinationPath"), None, "destinationPath is required"),
    (("spec", "configuration", "wal", "compression"), "zip", "'zip' is none of"),
    (("spec", "retentionPolicy"), "30 days", "retentionPolicy"),
    (("spec", "retention"), "30d", "has no field retention"),
]

# The same, of what cert-manager and External Secrets check.
MODELS = [
    ("Certificate", "billing-svc", ("spec", "durtion"), "2160h", "durtion"),
    ("Certificate", "billing-svc", ("spec", "privateKey", "algorithm"), "DSA", "allowed values"),
    ("Certificate", "billing-svc", ("spec", "secretName"), None, "secretName"),
    ("Issuer", "kopilka-ca", ("spec", "ca"), "kopilka-ca", "must be object"),
    ("ExternalSecret", "fal", ("spec", "data", 0, "remoteRef", "keys"), "x", "keys"),
]

# A block of the manual, and what has to be said.
MANUAL = [
    ("kubectl apply -k k8s/nowhere", "does not build"),
    ("kubectl aply -k k8s/namespace", "kubectl has no command aply"),
    ("kubectl apply -k k8s/namespace --forse", "has no flag --forse"),
    ("kubectl -n kopilka rollout status deployment/billing", "there is no deployment/billing"),
    ("kubectl -n kopilka wait --for=condition=Complete job/migrate-bling", "there is no job/migrate-bling"),
    ("kubectl -n kopilka create job x --from=cronjob/verify", "there is no cronjob/verify"),
    ("kubectl -n kopilka delete secret kopilka-ca-key", "there is no secret/kopilka-ca-key"),
    ("A=$(kubectl -n kopilka get secret nothing -o json)", "there is no secret/nothing"),
    ("scripts/nothing.sh production | kubectl create -f -", "no script that can be run"),
    ("make imagine", "the Makefile has no target imagine"),
    ("helm install kopilka", "nobody checks the program helm"),
    ("echo 'half", "bash"),
]


def changed(document: dict, path: tuple, value: object) -> dict:
    document = copy.deepcopy(document)
    at = document
    for step in path[:-1]:
        at = at[step]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return document


class Operators(unittest.TestCase):
    crate = crds.read(pathlib.Path(os.environ["K8S_CHECK_CRATE"]))

    def test_what_the_types_forbid_is_found(self):
        for kind, table in (("Cluster", CLUSTER), ("ObjectStore", STORE)):
            document = DATABASES.find(kind, "billing-db")
            self.assertEqual(crds.sort([document], self.crate), ([], [], []))
            for path, value, said in table:
                with self.subTest(path=path, value=value):
                    problems = crds.sort([changed(document, path, value)], self.crate)[2]
                    self.assertTrue(any(said in problem for problem in problems), problems)

    def test_a_kind_that_nobody_checks_is_found(self):
        document = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "x"}}
        self.assertEqual(crds.sort([document], self.crate)[2], ["Thing/x: nobody checks example.com/v1"])


class Models(unittest.TestCase):
    def check(self, documents: list[dict]) -> tuple[int, str]:
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(documents, file)
            file.flush()
            arguments = ["node", "models.mjs", file.name, os.environ["K8S_CHECK_MODULES"]]
            done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    def test_what_the_operators_types_forbid_is_found(self):
        names = ("production", "external-secrets")
        scene = Scene.read("models", [WORK / f"rendered/{name}.yaml" for name in names])
        documents = [scene.find(kind, name) for kind, name, *_ in MODELS]
        self.assertEqual(self.check(documents), (0, ""))
        broken = [changed(scene.find(kind, name), path, value) for kind, name, path, value, _ in MODELS]
        code, told = self.check(broken)
        self.assertEqual(code, 1)
        for kind, name, _, _, said in MODELS:
            lines = [line for line in told.splitlines() if f"{kind}/{name}" in line and said in line]
            self.assertTrue(lines, f"{kind}/{name}: {said}: {told}")


class Commands(unittest.TestCase):
    def test_commands_that_cannot_be_are_found(self):
        scenes = [lint.scene(name, WORK / "rendered") for name in lint.SCENES]
        checker = manual.Checker(ROOT, os.environ["K8S_CHECK_KUBECTL"], scenes)
        for command, said in MANUAL:
            with self.subTest(command):
                _, problems = manual.check(f"```sh\n{command}\n```\n", checker)
                self.assertTrue(any(said in problem for problem in problems), problems)

    def test_every_command_of_a_block_is_looked_at(self):
        block = "X=1 a b | c && d \\\n  --e; f $(g --h)\nfor i in x y; do k \"$i\"; done"
        words = sorted(" ".join(words) for words in manual.commands(block))
        self.assertEqual(words, sorted(["a b", "c", "d --e", "f inner", "g --h", "k $i"]))


if __name__ == "__main__":
    unittest.main()
