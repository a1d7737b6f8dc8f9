"""Sandbox containers on Docker: quick calls, many at once, for the pool."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import docker
import docker.errors

from sandbox.docker.client import Refused, connect, translated
from sandbox.docker.images import DockerImages
from sandbox.docker.labels import LABEL
from sandbox.docker.runner_volume import install_runner, runner_image, runner_volume
from sandbox.docker.stream import AttachedStream
from sandbox.engine import LEFT_AFTER_S
from sandbox.errors import ContainerLost, EngineUnavailable, ImageMissing, ProtocolError
from sandbox.policy import APPARMOR_PROFILE, START_PROCESSES, SandboxPolicy, container_options, holder_options
from sandbox.protocol import FrameReader, Ready
from sandbox.types import Profile

logger = logging.getLogger(__name__)

_CALL_TIMEOUT_S = 20.0
"""Shorter than installation's: a builder that hangs on a call makes no containers meanwhile."""
_PERIOD_US = 100_000
_NO_QUOTA_US = 1000 * _PERIOD_US
"""A thousand processors: more than any host of ours has."""
_PROBE_BYTES = 64 << 20
"""Of memory for a container in which nothing runs but the runner."""
_REFUSALS = 3
"""After so many in a row, where another runtime did start the container, a runtime is not tried again. Not after one:
a host that is short of memory refuses once in a while whatever the runtime."""
_PROBES = 3
"""Starts of a container with the AppArmor profile before it is done without."""


class DockerEngine:
    """Makes, resizes and removes sandbox containers; safe to use from many threads."""

    def __init__(
        self,
        policy: SandboxPolicy,
        *,
        owner: str,
        base_image: str,
        labels: Mapping[str, str] | None = None,
        client: docker.APIClient | None = None,
    ) -> None:
        """`owner` is who the containers are labelled with, next to the operator's own `labels`."""
        self._policy = policy
        self._labels = {**(labels or {}), LABEL: owner}
        self._base_image = base_image
        self._volume = runner_volume()
        self._client = client or connect(timeout_s=_CALL_TIMEOUT_S)
        self._holder_lock = threading.Lock()
        self._holder: AttachedStream | None = None
        # Not the same first ones in every process: the kernel counts by user over all containers of the host.
        self._next_uid = secrets.randbelow(policy.uid_count)
        self._runtimes: tuple[str, ...] = (policy.runtime,)
        self._refusals = 0
        self._fixed: set[str] = set()
        """Containers whose limits cannot be changed."""

    def prepare(self) -> None:
        """See that the runner's volume is there, and choose the runtime; quick when it is there.

        Raises EngineUnavailable, ImageMissing, ImageBuildFailed.
        """
        install_runner(
            self._client,
            base_image=self._base_image,
            labels=self._labels,
            on_line=lambda line: logger.info("runner: %s", line),
        )
        self._remove_left()
        with translated("asking Docker for its runtimes"):
            info = self._client.info()
        known = info.get("Runtimes") or {}
        self._runtimes = self._policy.runtimes(default=info.get("DefaultRuntime") or "", known=known)
        self._refusals = 0
        if any(option.startswith("name=apparmor") for option in info.get("SecurityOptions") or ()):
            self._use_apparmor_profile()

    def start(self, profile: Profile) -> AttachedStream:
        """Create, attach and start one container. Raises ImageMissing, EngineUnavailable.

        A profile that names a runtime gets that one or none: whoever asked for a wall does not want a lower one.
        """
        runtime, *others = (profile.runtime,) if profile.runtime else self._runtimes
        try:
            stream = self._start_with(runtime, profile)
        except Refused as error:
            if not others:
                raise
            stream = self._start_with(others[0], profile)
            logger.warning("a container started with %s, since %s did not start it: %s", others[0], runtime, error)
            self._refusals += 1
            if self._refusals >= _REFUSALS:
                self._runtimes = tuple(others)
        else:
            if not profile.runtime:
                self._refusals = 0
        return stream

    def resize(self, container_id: str, memory_bytes: int) -> None:
        """Change a running container's memory limit. Raises EngineUnavailable.

        gVisor's cannot be changed; there the runner holds the limit of each step.
        """
        if container_id in self._fixed:
            return
        with translated("resizing a container"):
            self._client.update_container(container_id, mem_limit=memory_bytes, memswap_limit=memory_bytes)

    def unthrottle(self, container_id: str) -> None:
        """Take the quota away for good. Raises EngineUnavailable.

        From Linux 6.18 on, what was used beyond a quota inside one system call is a debt that the whole container
        waits for, also to die.
        """
        with translated("lifting a container's quota"):
            memory_bytes = self._client.inspect_container(container_id)["HostConfig"]["Memory"]
            if container_id in self._fixed:
                return
            # Said again with it, since crun takes a limit that is not named for one of 0 bytes; it refuses -1, too.
            self._client.update_container(
                container_id,
                cpu_quota=_NO_QUOTA_US,
                cpu_period=_PERIOD_US,
                mem_limit=memory_bytes,
                memswap_limit=memory_bytes,
            )

    def cpu_ms(self, container_id: str) -> float:
        """What the container's control group has counted. Raises EngineUnavailable."""
        with translated("reading a container's counters"):
            found = self._client.stats(container_id, stream=False, one_shot=True)
        # Of one that ended meanwhile there are no numbers.
        return int(found.get("cpu_stats", {}).get("cpu_usage", {}).get("total_usage", 0)) / 1e6

    def remove(self, container_id: str) -> None:
        """Kill and remove; one that is gone, or on its way, is fine. Raises EngineUnavailable.

        Docker gives up after some 12 seconds where a container does not die; then its quota is lifted, and it is tried
        once more. Not lifted before: nearly all die at once, and while it removes one Docker changes nothing of it.
        """
        try:
            self._remove(container_id)
        except Refused:
            with suppress(EngineUnavailable):
                self.unthrottle(container_id)
            self._remove(container_id)
        self._fixed.discard(container_id)

    def owned(self) -> dict[str, str]:
        """Every sandbox container on the host, of any owner, but for the holder in use: id → owner.

        Raises EngineUnavailable.
        """
        with translated("listing containers"):
            found = self._client.containers(all=True, filters={"label": LABEL})
        holder = self._holder
        kept = holder.container_id if holder else None
        return {entry["Id"]: entry["Labels"][LABEL] for entry in found if entry["Id"] != kept}

    def close(self) -> None:
        """Let the network holder and the connections go; containers that are still there are the pool's to remove."""
        with self._holder_lock:
            if self._holder is not None:
                self._holder.close()
                self._holder = None
        self._client.close()

    def _remove_left(self) -> None:
        """What builds have left is in nobody's way: another start can try again."""
        try:
            if count := DockerImages(self._client).remove_left(older_than_s=LEFT_AFTER_S):
                logger.info("removed %d containers that builds or killed processes had left", count)
        except EngineUnavailable as error:
            logger.info("containers that builds have left are looked for another time: %s", error)

    def _use_apparmor_profile(self) -> None:
        """Start one container with it: nothing else tells whether the engine's kernel knows it and it lets us work."""
        if not self._policy.shared_network_setup:
            return
        without = self._policy
        self._policy = replace(without, apparmor=APPARMOR_PROFILE)
        # A profile that cannot be had fails each time; an engine that was busy once must not cost it for good.
        reason = ""
        for _ in range(_PROBES):
            if not (reason := self._why_not_ready()):
                break
        if reason:
            self._policy = without
            logger.warning(
                "containers start without the AppArmor profile %s, and cannot be closed off as they should: %s",
                APPARMOR_PROFILE,
                reason,
            )

    def _why_not_ready(self) -> str:
        """Start a container in which nothing is but the runner; why it does not come up, or nothing."""
        try:
            stream = self.start(Profile(runner_image(), _PROBE_BYTES, _PERIOD_US, START_PROCESSES, _PROBE_BYTES // 8))
        except (Refused, ImageMissing) as error:
            return str(error)
        try:
            data = stream.receive(_CALL_TIMEOUT_S)
            return "" if data and isinstance(FrameReader().feed(data)[0], Ready) else f"it said {data!r:.200}"
        except (ContainerLost, ProtocolError, IndexError) as error:
            return str(error)
        finally:
            stream.close()

    def _take_uid(self) -> int:
        with self._holder_lock:
            self._next_uid = (self._next_uid + 1) % self._policy.uid_count
            return self._policy.first_uid + self._next_uid

    def _start_with(self, runtime: str, profile: Profile) -> AttachedStream:
        policy = replace(self._policy, runtime=runtime)
        network = self._network(profile, policy)
        options = container_options(
            profile, policy, uid=self._take_uid(), network=network, labels=self._labels, volume=self._volume
        )
        stream = self._start(profile.image, options)
        if policy.kernel_in_user_space:
            self._fixed.add(stream.container_id)
        return stream

    def _network(self, profile: Profile, policy: SandboxPolicy) -> str:
        """The network mode: a holder's namespace, which the runner leaves for one of its own, or Docker's `none`."""
        if not policy.shared_network_setup:
            return "none"
        with self._holder_lock:
            if self._holder is None or not self._holder.quiet():
                if self._holder is not None:
                    self._holder.close()
                options = holder_options(policy, labels=self._labels, volume=self._volume)
                self._holder = self._start(profile.image, options)
            return f"container:{self._holder.container_id}"

    def _start(self, image: str, options: dict[str, Any]) -> AttachedStream:
        with translated("creating a container", image):
            host_config = self._client.create_host_config(**options["host"])
            created = self._client.create_container(image, host_config=host_config, **options["container"])
        container_id = created["Id"]
        try:
            with translated("attaching to a container"):
                parameters = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
                stream = AttachedStream(container_id, self._client.attach_socket(container_id, params=parameters))
            self._start_created(stream)
        except EngineUnavailable:
            self._remove_quietly(container_id)
            raise
        return stream

    def _start_created(self, stream: AttachedStream) -> None:
        try:
            with translated("starting a container"):
                self._client.start(stream.container_id)
        except EngineUnavailable:
            stream.close()
            raise

    def _remove(self, container_id: str) -> None:
        with translated("removing a container"):
            try:
                self._client.remove_container(container_id, force=True, v=True)
            except docker.errors.NotFound:
                return
            except docker.errors.APIError as error:
                if error.status_code != HTTPStatus.CONFLICT:  # Its removal is in progress already.
                    raise

    def _remove_quietly(self, container_id: str) -> None:
        try:
            self.remove(container_id)
        except EngineUnavailable as error:
            logger.warning("container %s could not be removed now: %s", container_id[:12], str(error))
