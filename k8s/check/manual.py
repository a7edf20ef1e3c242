"""Checks the commands of docs/deploy.md as far as that goes without a cluster. Usage: manual.py ROOT KUBECTL RENDERED

That bash takes each block; that kubectl knows each command and flag; that each folder that is applied builds; that each object that is
named is in some manifest, or was made by a command before; that scripts and make targets exist. A program that nobody checks has to be
in KNOWN_PROGRAMS."""

from __future__ import annotations

import functools
import pathlib
import re
import shlex
import subprocess
import sys

import storage
from lint import MANUAL, SCENES, scene
from objects import Scene, load

# Not ours: their arguments are taken on trust.
KNOWN_PROGRAMS = {"openssl", "printf", "sha256sum", "base64", "jq", "grpcurl", "kind", "grep", "true", "read", "export"}
SHELL = {"for", "do", "done", "in", "if", "then", "fi"}
# How kubectl calls what the manifests call otherwise.
KINDS = {
    "deployment": "Deployment",
    "job": "Job",
    "cronjob": "CronJob",
    "service": "Service",
    "certificate": "Certificate",
    "cluster": "Cluster",
    "hpa": "HorizontalPodAutoscaler",
    "namespace": "Namespace",
    "secret": "Secret",
}
INLINE = re.compile(r"`(?P<command>(?:kubectl|make|scripts/\S+\.sh) [^`\n]+)`")
BLOCK = re.compile(r"^(?P<indent> *)```sh\n(?P<body>.*?)^ *```", re.MULTILINE | re.DOTALL)
# A release in a command or an example.
TAG = re.compile(r"(?:kopilka/\S+:|newTag: \")(\d+\.\d+\.\d+)")
INNER = re.compile(r"\$\((?P<command>[^()]*(?:\([^()]*\)[^()]*)*)\)")
FLAG = re.compile(r"^\s+(?:-\w, )?(?P<flag>--[a-z-]+)", re.MULTILINE)
ENDS_A_COMMAND = {"|", "||", "&&", ";", "&"}


def commands(block: str) -> list[list[str]]:
    """Every simple command of a block, as words. Those within $(…) too."""
    text = block.replace("\\\n", " ")
    found = [words for inner in INNER.finditer(text) for words in commands(inner["command"])]
    text = INNER.sub("inner", text)
    for line in text.splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
        lexer.whitespace_split = True
        command: list[str] = []
        for word in [*lexer, ";"]:
            if word in ENDS_A_COMMAND:
                found.append(command)
                command = []
            else:
                command.append(word)
    return [words for words in map(without_assignments, found) if words]


def without_assignments(words: list[str]) -> list[str]:
    while words and (re.match(r"^[A-Z_]+=", words[0]) or words[0] in SHELL):
        words = words[1:]
    # `for file in …; do`: what comes after "for" is no command.
    return [] if words and "in" in words[1:2] else words


class Checker:
    def __init__(self, root: pathlib.Path, kubectl: str, scenes: list[Scene]):
        self.root, self.kubectl, self.scenes = root, kubectl, scenes
        self.secrets = storage.documented(root / MANUAL).keys() | {name for one in scenes for name in storage.made(one)}
        self.made: set[tuple[str, str]] = set()
        self.applied: set[str] = set()

    def problems(self, words: list[str]) -> list[str]:
        program = words[0]
        if program == "kubectl":
            return self.of_kubectl(words[1:])
        if program == "make":
            makefile = (self.root / "Makefile").read_text(encoding="utf-8")
            return [f"the Makefile has no target {target}" for target in words[1:] if f"\n{target}:" not in makefile]
        if program.startswith("scripts/"):
            path = self.root / program
            return [] if path.is_file() and path.stat().st_mode & 0o100 else [f"{program} is no script that can be run"]
        return [] if program in KNOWN_PROGRAMS else [f"nobody checks the program {program}"]

    def of_kubectl(self, words: list[str]) -> list[str]:
        words = words[2:] if words[0] == "-n" else words
        depth = 2 if words[0] in ("rollout",) or words[:2] in (["create", "job"], ["create", "secret"]) else 1
        if words[:3] == ["create", "secret", "generic"]:
            depth = 3
        # What comes after "--" is another program's.
        words = words[: words.index("--")] if "--" in words else words
        command, arguments = words[:depth], words[depth:]
        flags = self.flags(*command)
        if not flags:
            return [f"kubectl has no command {' '.join(command)}"]
        if command == ["create", "job"]:
            self.made.add(("Job", arguments[0]))
            arguments = arguments[1:]
        problems = [
            f"kubectl {' '.join(command)} has no flag {word}"
            for word in arguments
            if word.startswith("--") and word.split("=")[0] not in flags
        ]
        if "-k" in arguments:
            problems += self.of_folder(arguments[arguments.index("-k") + 1])
        if command != ["create", "secret", "generic"]:
            problems += self.of_names([word.removeprefix("--from=") for word in arguments])
        return problems

    @functools.cache
    def of_folder(self, folder: str) -> list[str]:
        self.applied.add(folder)
        built = subprocess.run([self.kubectl, "kustomize", self.root / folder], capture_output=True, text=True, check=False)
        if built.returncode:
            return [f"{folder} does not build: {built.stderr.strip()}"]
        for document in load(built.stdout):
            self.made.add((document["kind"], document["metadata"]["name"]))
        return []

    def of_names(self, words: list[str]) -> list[str]:
        """`kind/name`, and `kind name…` too."""
        named = [tuple(word.split("/", 1)) for word in words if re.fullmatch(r"[a-z]+/[a-z0-9-]+", word)]
        plain = []
        for word in words:
            if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", word):
                break
            plain.append(word)
        if plain and plain[0] in KINDS:
            named += [(plain[0], name) for name in plain[1:]]
        return [f"there is no {kind}/{name}" for kind, name in named if not self.exists(kind, name)]

    def exists(self, kind: str, name: str) -> bool:
        if kind == "secret":
            return name in self.secrets
        known = KINDS.get(kind, kind)
        return (known, name) in self.made or any(one.find(known, name) for one in self.scenes)

    @functools.cache
    def flags(self, *command: str) -> set[str]:
        """All that kubectl takes after this command; none: there is no such command."""
        told = [self.run(*command, "--help"), self.run("options")]
        if not told[0] or f"kubectl {' '.join(command)}" not in told[0]:
            return set()
        return {flag["flag"] for text in told for flag in FLAG.finditer(text)}

    @functools.cache
    def run(self, *arguments: str) -> str:
        return subprocess.run([self.kubectl, *arguments], capture_output=True, text=True, check=False).stdout


def check(text: str, checker: Checker) -> tuple[int, list[str]]:
    checked, problems = 0, []
    blocks = [block["body"] for block in BLOCK.finditer(text)]
    blocks += [inline["command"] for inline in INLINE.finditer(BLOCK.sub("", text))]
    for block in blocks:
        parsed = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True, check=False)
        if parsed.returncode:
            problems.append(f"bash: {parsed.stderr.strip()}")
            continue
        for words in commands(block):
            checked += 1
            problems += [f"`{shlex.join(words)}`: {problem}" for problem in checker.problems(words)]
    return checked, problems


def main(arguments: list[str]) -> int:
    root, kubectl, rendered = pathlib.Path(arguments[0]), arguments[1], pathlib.Path(arguments[2])
    checker = Checker(root, kubectl, [scene(name, rendered) for name in SCENES])
    checked, problems = check((root / MANUAL).read_text(encoding="utf-8"), checker)
    never = [f"k8s/overlays/{one.name}" for one in (root / "k8s/overlays").iterdir() if not one.name.endswith("argocd")]
    problems += [f"no command applies {folder}" for folder in sorted({*never, "k8s/monitoring"} - checker.applied)]
    version = re.search(r'^version = "([^"]+)"', (root / "Cargo.toml").read_text(encoding="utf-8"), re.MULTILINE)
    tags = set(TAG.findall((root / MANUAL).read_text(encoding="utf-8")))
    problems += [f"the release is {version[1] if version else None}, not {tag}" for tag in tags if not version or tag != version[1]]
    for problem in problems:
        print(f"{MANUAL}: {problem}", file=sys.stderr)
    print(f"{MANUAL}: {checked} commands, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
