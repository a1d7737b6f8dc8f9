"""What can go wrong on our side. What a program does wrong is a result, never one of these."""

from __future__ import annotations

from typing import Self


class SandboxError(Exception):
    """The root of everything that the sandbox raises."""

    def renewed(self) -> Self:
        """The same error as a new exception, without cause, context and traceback.

        For one that is kept and raised again: each raise hangs the frames that it passes on the exception, with their
        callers' variables, and where several threads raise one object they hang them on each other's.
        """
        # Not by calling the class: subclasses have signatures of their own, and their attributes are copied.
        again = type(self).__new__(type(self), *self.args)
        again.__dict__.update(self.__dict__)
        return again


class PoolBusy(SandboxError):
    """No slot became free within the bounded wait, or the bounded queue is full."""

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class PoolClosed(SandboxError):
    """The server is shutting down and takes no more work."""


class Cancelled(SandboxError):
    """It was ended before it started."""


class EngineUnavailable(SandboxError):
    """The Docker daemon does not answer, or refuses what every run needs."""


class ImageMissing(SandboxError):
    """The profile's image is not on the Docker host."""


class ContainerLost(SandboxError):
    """The container ended, or its stream broke, before the job's answer was whole."""


class ProtocolError(SandboxError):
    """The other end of the stream sent something that the frame format does not allow."""


class ImageBuildFailed(SandboxError):
    """A Dockerfile could not be built; `log_end` holds the last lines of the build."""

    def __init__(self, message: str, *, log_end: str) -> None:
        super().__init__(message)
        self.log_end = log_end


class HostsUnavailable(EngineUnavailable):
    """No host that runs programs can be reached: NATS is away, or none is connected, or none takes jobs."""


class HostLost(ContainerLost):
    """The host that had the job ended, or was cut off, and has ended its programs."""


class NotCarried(SandboxError):
    """What the job needs cannot be passed on to hosts."""
