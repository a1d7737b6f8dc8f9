"""The Docker Engine as the sandbox sees it: the only package that imports the docker SDK.

Theory of operation. Every call is bounded by the client's time-out, and every failure leaves as one of the sandbox's
own errors, so that nobody above has to know the SDK. `DockerImages` serves installation (slow, with progress),
`DockerEngine` serves the pool (quick, many at once).
"""

from __future__ import annotations

from sandbox.docker.client import connect
from sandbox.docker.engine import DockerEngine
from sandbox.docker.images import BASE_IMAGE, DockerImages
from sandbox.docker.labels import LABEL
from sandbox.docker.runner_volume import install_runner
from sandbox.types import ImageInfo

__all__ = ["BASE_IMAGE", "LABEL", "DockerEngine", "DockerImages", "ImageInfo", "connect", "install_runner"]
