"""Holds lists of what is in images against the schema of CycloneDX. Usage: sbom-check.py FILE…"""

import json
import pathlib
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

files = [pathlib.Path(name) for name in sys.argv[1:]]
if not files:
    sys.exit(__doc__)
for file in files:
    text = file.read_text()
    bill = json.loads(text)
    version = SchemaVersion.from_version(bill["specVersion"])
    if wrong := JsonStrictValidator(version).validate_str(text):
        sys.exit(f"sbom: {file} is not CycloneDX {bill['specVersion']}: {wrong}")
    # The schema asks for less: each part that comes from a registry has its hash, and each has a licence.
    for part in bill["components"]:
        if not part.get("licenses") or (part.get("purl", "").startswith("pkg:cargo/") and not part.get("hashes")):
            sys.exit(f"sbom: {file} lists {part['name']} without a licence or a hash")
    print(f"{file}: {len(bill['components'])} parts")
