"""Connections to Docker, and its errors in the sandbox's own words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import docker
import docker.errors
import requests.exceptions
import urllib3.exceptions

from sandbox.errors import EngineUnavailable, ImageMissing

API_VERSION = "1.41"
"""Of Docker 20.10, the first that gives a container a cgroup namespace of its own (CgroupnsMode). To name one spares
the question which versions the daemon has, which the SDK would ask at every connecting."""
CALL_TIMEOUT_S = 30.0
"""A call takes milliseconds, and on a host that is short of everything seconds; what takes longer has hung."""
BUILD_TIMEOUT_S = 600.0
"""Of silence: a builder says nothing while one command of a Dockerfile, such as a large compilation, runs."""
_KEPT_CONNECTIONS = 16
"""Open between calls. More are opened where more threads call at once than that, and are closed after their call."""
_UNREACHABLE = (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError)


class Refused(EngineUnavailable):
    """The daemon answered, and does not do what it was asked."""


def connect(*, timeout_s: float = CALL_TIMEOUT_S, base_url: str | None = None) -> docker.APIClient:
    """Make a client from DOCKER_HOST and its companions, or for one address; nothing is sent before the first call."""
    with translated("connecting to Docker"):
        options = {"base_url": base_url} if base_url else docker.utils.kwargs_from_env()
        client = docker.APIClient(**options, version=API_VERSION, timeout=timeout_s, max_pool_size=_KEPT_CONNECTIONS)
    # To a socket there is no proxy, and looking for one takes a third of a call's time.
    client.trust_env = not client.base_url.startswith("http+docker://")
    return client


@contextmanager
def translated(what: str, image: str = "") -> Iterator[None]:
    """Turn the SDK's and the transport's exceptions into EngineUnavailable and ImageMissing.

    `what` is what was being done, for the message. Where `image` is named, a 404 for it is a missing image; any other
    404 (of a container) is a refusal.
    """
    try:
        yield
    except docker.errors.ImageNotFound as error:
        raise ImageMissing(f"{what}: {error.explanation or error}") from error
    except docker.errors.APIError as error:
        text = str(error.explanation or error)
        if image and error.status_code == HTTPStatus.NOT_FOUND and "no such image" in text.lower():
            raise ImageMissing(f"the image {image} is not on the Docker host") from error
        raise Refused(f"{what}: {text}") from error
    except docker.errors.DockerException as error:
        raise EngineUnavailable(f"{what}: {error}") from error
    except _UNREACHABLE as error:
        raise EngineUnavailable(f"{what}: {error}") from error
