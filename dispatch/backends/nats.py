"""Tasks run by hosts, which are reached over NATS: see sandbox.bus and sandbox.host.

Theory of operation. This process has a line of its own, as a pool has one: so many of its tasks are with the hosts at
once, callers in turns, interactive ones before batch. One that has its turn is published as a job; the first host with
a free slot takes it. The thread that reads its events waits for what the host tells, and looks every second whether it
still can: a host that is silent for longer than its lease, or a NATS that is away, ends the wait with the error that
says so. Nothing is free for certain at a host, so nothing is reserved.

A task that a host had and lost before it said that it has begun is published once more. One that had begun is lost:
its row decides whether it begins again, as another attempt.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from uuid import UUID

from django.conf import settings

from dispatch import shares
from dispatch.base import Capacity, Fleet, Leftover, Report, Reservation, Task
from dispatch.hosted import ends
from dispatch.hosted.posting import require_hosts
from dispatch.hosted.run import NatsRun, Office
from dispatch.hosted.runs import Runs
from dispatch.link import Link
from sandbox import bus
from sandbox.docker import DockerImages, connect
from sandbox.engine import Images
from sandbox.errors import HostsUnavailable, PoolClosed
from sandbox.messages import Cancel, Kept, Targets, encode, images_of
from sandbox.pool.permits import OwnPermits
from sandbox.pool.slots import Slots
from sandbox.types import Lane, Profile, WarmTarget

_CANCEL_S = 3.0
_CANCEL_AGAIN_S = 0.2


class Nats:
    """The backend over hosts."""

    remote = True

    def __init__(
        self,
        url: str,
        *,
        slots: int,
        queue: int,
        wait_ms: int,
        trust: bus.Trust = bus.PLAIN,
        caller_share: float = 0.5,
        share_of: Callable[[str], float | None] = lambda _caller: None,
    ) -> None:
        """`slots` is how many of this process's tasks are with the hosts at once, `queue` how many wait for that."""
        web = secrets.token_hex(6)
        self.runs = Runs()
        self.slots = Slots(OwnPermits(slots), queue_limit=queue, caller_share=caller_share, share_of=share_of)
        self.link = Link(url, web=web, trust=trust, on_told=self.runs.told, on_beat=self.runs.beat)
        self._office = Office(web, self.link, self.slots, wait_ms, self.runs)
        self._total = slots
        self._images: dict[float, Images] = {}
        self._closed = False

    def prepare(self, report: Report) -> None:
        """Hosts prepare themselves."""
        report("Programs run on hosts")

    def reserve(
        self,
        profile: Profile,
        *,
        tenant: str | None,
        caller: str | None = None,
        lane: Lane = "interactive",
        companion: Profile | None = None,
    ) -> Reservation | None:
        del profile, tenant, caller, lane, companion
        if self._closed:
            raise PoolClosed("the server is shutting down")
        return None

    def submit(self, task: Task, *, reservation: Reservation | None = None) -> NatsRun:
        del reservation
        return NatsRun(self._office, task)

    def cancel(self, task_id: str) -> bool:
        return self.runs.cancel(task_id)

    def left_by(self, worker: UUID) -> bool:
        """Containers are the hosts', and `goes_on` tells of tasks."""
        del worker
        return False

    def goes_on(self, task_id: str, attempt: int) -> bool:
        # In this order: the end is stored before the job goes.
        if self.link.place_of_job(task_id, attempt) is not None:
            return True
        return self.link.end_of(bus.run_subject("*", task_id, attempt, "*")) is not None

    def abandon(self, task_id: str, attempt: int) -> None:
        self.link.say(task_id, attempt, encode(Cancel()))

    def leftovers(self, *, most: int, timeout_s: float) -> list[Leftover]:
        return ends.leftovers(self.link, most=most, timeout_s=timeout_s)

    def capacity(self) -> Capacity:
        warm: dict[Profile, int] = {}
        with suppress(HostsUnavailable):
            for host in self.link.hosts():
                for each in host.warm:
                    warm[each.profile] = warm.get(each.profile, 0) + each.count
        return Capacity(self._total, self.slots.in_use, self.slots.waiting, warm, self.slots.waiting_batch)

    def fleet(self) -> Fleet:
        waiting = self.link.waiting()
        return Fleet(self.link.hosts(), waiting, images_of)

    def drain(self, host: str, *, drained: bool) -> None:
        self.link.drain(host, drained=drained)

    def keep_warm(self, targets: Mapping[Profile, WarmTarget]) -> None:
        self.link.keep_warm(Targets(tuple(Kept(profile, target) for profile, target in targets.items())))

    def images(self, *, timeout_s: float) -> Images:
        """Of this machine's Docker, where there is one: what is built here is brought to the hosts by a registry."""
        if timeout_s not in self._images:
            self._images[timeout_s] = DockerImages(connect(timeout_s=timeout_s))
        return self._images[timeout_s]

    def check(self, *, timeout_s: float) -> None:
        del timeout_s
        require_hosts(self.link)

    def close(self, *, grace_s: float) -> None:
        self._closed = True
        self.slots.close()
        if not self.slots.wait_until_unused(grace_s):
            self.slots.refuse_waiting()
            deadline = time.monotonic() + _CANCEL_S
            while time.monotonic() < deadline:
                self.runs.cancel_all()
                if self.slots.wait_until_unused(_CANCEL_AGAIN_S):
                    break
        for each in self._images.values():
            each.close()
        self.link.close()


def make_backend() -> Nats:
    """The backend that the settings describe."""
    return Nats(
        settings.GEXEC_NATS_URL,
        slots=settings.GEXEC_SLOTS,
        queue=settings.GEXEC_QUEUE,
        wait_ms=settings.GEXEC_WAIT_MS,
        trust=bus.Trust(settings.GEXEC_NATS_CREDENTIALS, settings.GEXEC_NATS_CA),
        caller_share=settings.GEXEC_CALLER_SHARE,
        share_of=shares.of,
    )
