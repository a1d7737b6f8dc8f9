"""Exit 0 when the Docker engine answers (and has the image that is named), else say why not."""

from __future__ import annotations

import sys

import docker
from docker.errors import DockerException


def main() -> int:
    """Ask the engine that DOCKER_HOST names, or this machine's."""
    try:
        client = docker.from_env(timeout=10)
        client.ping()
        for image in sys.argv[1:]:
            client.images.get(image)
    except DockerException as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
