"""compose.yaml as a release has it: with its image in place of a build, and digests in place of tags."""

from __future__ import annotations

import re

from scripts.pins import Pin

_START = "#   docker compose up --build\n"
_BUILD = re.compile(r"^    build:\n(?:      .*\n)+", re.MULTILINE)
_POSTGRES = re.compile(r"^    image: (postgres:\S+)\n", re.MULTILINE)
_GROUP = re.compile(r"\$\{DOCKER_GID:\?[^}]*\}")


def postgres_of(compose: str) -> str:
    """The name of PostgreSQL's image."""
    return str(_the_only(_POSTGRES, compose)[1])


def text(compose: str, version: str, postgres: Pin) -> str:
    """That file, for the folder in which the release lies.

    The image was built for no host: the group of the host's socket is given to the container when it starts.
    """
    build = _the_only(_BUILD, compose)
    group = _the_only(_GROUP, build[0])[0]
    image = f'    image: gexec:{version}\n    pull_policy: never\n    group_add: ["{group}"]\n'
    found = _the_only(_POSTGRES, compose)
    if postgres.digest:
        pinned = f"    # {postgres.name}\n    image: {postgres.reference}\n"
    else:
        pinned = f"    # A name without a digest: no registry had answered when this was released.\n{found[0]}"
    name = f"gexec-{version}"
    start = f"#   docker load --input {name}.tar.gz\n#   docker compose --file {name}.compose.yaml up\n"
    if compose.count(_START) != 1:
        raise ValueError(f"compose.yaml does not say once: {_START}")
    return compose.replace(build[0], image).replace(found[0], pinned).replace(_START, start)


def _the_only(pattern: re.Pattern[str], compose: str) -> re.Match[str]:
    found = list(pattern.finditer(compose))
    if len(found) != 1:
        raise ValueError(f"{len(found)} times {pattern.pattern!r} in compose.yaml, and once is what is known here")
    return found[0]
