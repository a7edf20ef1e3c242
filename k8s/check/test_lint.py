"""That the linter finds what it has to find: each defect of breakage.py is made, and has to be named.

Needs K8S_CHECK_WORK, the folder that scripts/k8s-check.sh filled."""

from __future__ import annotations

import copy
import os
import pathlib
import shutil
import tempfile
import unittest

import lint
from breakage import LOCAL, PRODUCTION, of
from objects import Scene

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = pathlib.Path(os.environ["K8S_CHECK_WORK"])
SCENES = {name: lint.scene(name, WORK / "rendered") for name in lint.SCENES}


class Broken(unittest.TestCase):
    maxDiff = None

    def test_what_is_there_is_whole(self):
        for name, scene in SCENES.items():
            self.assertEqual(lint.lint(scene, ROOT), [], name)

    def test_what_is_broken_is_found(self):
        for scene, table in (("production", PRODUCTION), ("local", LOCAL)):
            for name, (harm, said) in table.items():
                with self.subTest(name):
                    broken = Scene(scene, copy.deepcopy(SCENES[scene].documents))
                    harm(broken)
                    problems = lint.lint(broken, ROOT)
                    self.assertTrue(any(said in problem for problem in problems), f"{name}: {problems}")

    def test_a_file_that_nobody_applies_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(ROOT / "k8s/namespace", pathlib.Path(folder, "k8s/namespace"))
            self.assertEqual(lint.strays(pathlib.Path(folder, "k8s")), [])
            pathlib.Path(folder, "k8s/namespace/quota.yaml").touch()
            self.assertIn("k8s/namespace/quota.yaml", lint.strays(pathlib.Path(folder, "k8s"))[0])

    def test_secrets_that_differ_are_found(self):
        root, rendered, secrets = ROOT, WORK / "rendered", WORK / "secrets"
        self.assertEqual(lint.secret_table(root, SCENES, rendered, secrets), [])
        brought = Scene.read("production", [secrets / "production.yaml"])
        tokens = of("Secret", "bot-gateway-tokens", "data")(brought)
        tokens["billing"] = tokens["worker"]
        self.assertIn("billing-auth does not know the token of bot-gateway as gateway", lint.callers(brought, SCENES["production"]))


if __name__ == "__main__":
    unittest.main()
