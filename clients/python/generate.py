"""Makes the stubs in src/kopilka/billing again, from the repository's .proto files.

python generate.py            writes them
python generate.py --check    fails where they are not what it would write
"""

from __future__ import annotations

import filecmp
import re
import shutil
import sys
import tempfile
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

HERE = Path(__file__).resolve().parent
PROTO = HERE.parents[1] / "proto"
PLUGINS = ("protoc-gen-mypy", "protoc-gen-mypy_grpc")
STUBS = HERE / "src" / "kopilka" / "billing"


def generate(into: Path) -> None:
    """Writes the stubs of billing.v1 below `into`."""
    files = sorted((PROTO / "billing" / "v1").glob("*.proto"))
    with tempfile.TemporaryDirectory() as made:
        arguments = [
            "protoc",
            f"-I{PROTO}",
            f"-I{Path(grpc_tools.__file__).parent / '_proto'}",
            f"--python_out={made}",
            f"--grpc_python_out={made}",
            # Not by PATH: they stand beside this Python.
            *(f"--plugin={plugin}={Path(sys.executable).parent / plugin}" for plugin in PLUGINS),
            f"--mypy_out={made}",
            f"--mypy_grpc_out={made}",
            *(str(file) for file in files),
        ]
        if protoc.main(arguments) != 0:
            sys.exit("protoc failed: is the extra `dev` installed?")
        target = into / "v1"
        shutil.rmtree(into, ignore_errors=True)
        target.mkdir(parents=True)
        for package in (into, target):
            (package / "__init__.py").touch()
        for file in sorted((Path(made) / "billing" / "v1").iterdir()):
            # They live in this package, not beside it.
            text = re.sub(r"\b(from|import) billing\.v1", r"\1 kopilka.billing.v1", file.read_text())
            (target / file.name).write_text(text)


def check() -> None:
    """Ends with an error that names each file which differs."""
    with tempfile.TemporaryDirectory() as made:
        fresh = Path(made) / "billing"
        generate(fresh)
        names = {path.relative_to(root) for root in (fresh, STUBS) for path in root.rglob("*.py*")}
        names = {name for name in names if "__pycache__" not in name.parts}
        differing = [
            str(name)
            for name in sorted(names)
            if not (fresh / name).exists()
            or not (STUBS / name).exists()
            or not filecmp.cmp(fresh / name, STUBS / name, shallow=False)
        ]
    if differing:
        sys.exit(f"not as the .proto files say, run generate.py: {', '.join(differing)}")


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        check()
    else:
        generate(STUBS)
