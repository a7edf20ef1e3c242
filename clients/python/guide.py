"""Puts the examples into the guides: what stands between `# [name]` and `# [end]` of a file (`//` in Rust) goes below
`<!-- file [name] -->`.

    python guide.py            writes them
    python guide.py --check    fails where a guide and its examples differ
"""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GUIDES = [ROOT / "docs" / "integration.md", ROOT / "docs" / "integration.ru.md"]
BLOCK = re.compile(
    r"(<!-- (?P<file>\S+) \[(?P<name>[^\]]+)\] -->\n```(?P<language>\w+)\n)(?P<code>.*?)(?P<end>```\n)", re.S
)


def part(file: str, name: str) -> str:
    """The part of that name, without the indentation and empty lines around it."""
    text = (ROOT / file).read_text()
    mark = re.escape(f"[{name}]")
    found = re.search(rf"^ *(?:#|//) {mark}\n(.*?)^ *(?:#|//) \[end\]\n", text, re.S | re.M)
    if found is None:
        sys.exit(f"{file} has no part [{name}]")
    return textwrap.dedent(found[1]).strip("\n") + "\n"


def filled(text: str) -> str:
    """A guide with its examples in place."""

    def fill(block: re.Match[str]) -> str:
        return f"{block[1]}{part(block['file'], block['name'])}{block['end']}"

    return BLOCK.sub(fill, text)


if __name__ == "__main__":
    for guide in GUIDES:
        text = guide.read_text()
        if sys.argv[1:] != ["--check"]:
            guide.write_text(filled(text))
        elif filled(text) != text:
            sys.exit(f"{guide.name} differs from its examples: run guide.py")
        elif text.count("<!-- examples/") != len(BLOCK.findall(text)):
            sys.exit(f"{guide.name} names an example without a block below it")
