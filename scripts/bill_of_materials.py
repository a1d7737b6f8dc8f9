"""What an image is made of, as CycloneDX 1.5, asked of dpkg and pip in it: bill_of_materials.py IMAGE."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import uuid4

_DEBIAN = "dpkg-query -W -f '${Package}\\t${Version}\\t${Architecture}\\t${db:Status-Abbrev}\\n'"
_PYTHON = """
import json
from importlib.metadata import distributions
print(json.dumps([
    (each.metadata["Name"], each.version, each.metadata.get("License-Expression") or "") for each in distributions()
]))
"""
_INTERPRETER = "/srv/gexec/.venv/bin/python"


def bill(image: str, properties: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The document, with what else is known of the image. Raises subprocess.CalledProcessError."""
    found = json.loads(_run("docker", "image", "inspect", image))[0]
    labels = found["Config"].get("Labels") or {}
    components = [*_debian(image), *_python(image)]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid4()}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
            "component": {
                "type": "container",
                "name": "gexec",
                "version": labels.get("org.opencontainers.image.version", ""),
                "hashes": [{"alg": "SHA-256", "content": found["Id"].removeprefix("sha256:")}],
                "properties": [{"name": name, "value": value} for name, value in (properties or {}).items() if value],
            },
        },
        "components": sorted(components, key=lambda component: str(component["purl"])),
    }


def text(document: dict[str, Any]) -> str:
    """The document as it lies in a file."""
    return json.dumps(document, indent=1) + "\n"


def _debian(image: str) -> list[dict[str, Any]]:
    lines = [line.split("\t") for line in _in(image, "sh", "-c", _DEBIAN).splitlines()]
    return [
        {
            "type": "library",
            "name": name,
            "version": version,
            "purl": f"pkg:deb/debian/{quote(name)}@{quote(version)}?arch={architecture}",
        }
        for name, version, architecture, status in lines
        if status.startswith("ii")
    ]


def _python(image: str) -> list[dict[str, Any]]:
    packages = {
        name.lower().replace("_", "-"): rest for name, *rest in json.loads(_in(image, _INTERPRETER, "-c", _PYTHON))
    }
    return [
        {"type": "library", "name": name, "version": version, "purl": f"pkg:pypi/{quote(name)}@{quote(version)}"}
        | ({"licenses": [{"expression": licensed}]} if licensed else {})
        for name, (version, licensed) in packages.items()
    ]


def _in(image: str, program: str, *arguments: str) -> str:
    return _run("docker", "run", "--rm", "--network=none", f"--entrypoint={program}", image, *arguments)


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    sys.stdout.write(text(bill(sys.argv[1])))
