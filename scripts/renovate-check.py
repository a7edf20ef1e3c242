"""Checks that each pattern by which Renovate is to find a version finds one: a script that changed would go stale silently."""

import json
import pathlib
import re
import sys

for manager in json.loads(pathlib.Path("renovate.json").read_text())["customManagers"]:
    files = [re.compile(pattern.strip("/")) for pattern in manager["managerFilePatterns"]]
    paths = [path for path in ["Makefile", *map(str, pathlib.Path("scripts").iterdir())] if any(f.search(path) for f in files)]
    for pattern in manager["matchStrings"]:
        found = [
            match["currentValue"]
            for path in paths
            # As JavaScript writes it, to Python's.
            for match in re.finditer(pattern.replace("(?<", "(?P<"), pathlib.Path(path).read_text())
        ]
        if not found:
            sys.exit(f"renovate.json: nothing is found of: {manager['description']}")
        print(f"renovate.json: {manager['description']}: {', '.join(found)}")
