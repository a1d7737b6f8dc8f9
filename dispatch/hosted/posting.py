"""The job that a task is in NATS: published, published once more, taken back, cancelled."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256

from dispatch.base import Task
from dispatch.link import Link
from sandbox import bus
from sandbox.errors import HostsUnavailable, NotCarried
from sandbox.messages import Assignment, Cancel, MessageError, Skip, Talked, encode, packed


class Posting:
    """Of one attempt of a task. `say_cancel` and `say_skip` are callable from any thread."""

    def __init__(self, link: Link, task: Task) -> None:
        self.place: int | None = None
        """In the stream of jobs; None before it was published."""
        self.again = False
        """Whether it was published a second time."""
        self.is_over = False
        """Whether no host has it, or will have it."""
        self.is_withdrawn = False
        """Whether it was taken off the stream here; a host that had begun it by then goes on."""
        self._link = link
        self._task = task

    def publish(self, *, answer_to: str, skipped: Iterable[str]) -> None:
        """Have it stored for whichever host asks first. Raises HostsUnavailable, and NotCarried."""
        require_hosts(self._link)
        task = self._task
        try:
            data, apart = packed(_assignment(task, answer_to, skipped), most_bytes=self._link.max_bytes())
        except MessageError as error:
            raise NotCarried(str(error)) from error
        self._link.leave(apart, anew=self.again)
        message_id = f"{task.id}:{task.attempt}"
        subject = bus.job_subject(task.lane, task.id, task.attempt)
        if self.again:
            message_id += ":again"
        self.is_withdrawn = False
        self.place, known = self._link.publish_job(subject, data, message_id=message_id)
        if known:
            self.place = self._publish_after_another(subject, data, message_id)

    def take_back(self) -> bool:
        """Have it not begin; whether it has."""
        if self.place is not None:
            self._link.delete_job(self.place)
            self.is_withdrawn = True
            if self._link.take_back(self._task.id, self._task.attempt):
                return True
        self.is_over = True
        return False

    def leave(self, *, has_begun: bool) -> None:
        """Where its reader has left before its end, nothing of it goes on."""
        if self.is_over or self.place is None:
            return
        with suppress(HostsUnavailable):
            if not has_begun:
                self._link.delete_job(self.place)
        self.say_cancel()

    def delete(self) -> None:
        """Its host is gone: nobody else is to have it."""
        if self.place is not None:
            self._link.delete_job(self.place)

    def say_cancel(self) -> None:
        self._link.say(self._task.id, self._task.attempt, encode(Cancel()))

    def say_skip(self, names: tuple[str, ...]) -> None:
        if self.place is not None:
            self._link.say(self._task.id, self._task.attempt, encode(Skip(names)))

    def _publish_after_another(self, subject: str, data: bytes, message_id: str) -> int:
        """This attempt was published before, and nobody has followed it to its end: it must be over first."""
        place = self._link.place_of_job(self._task.id, self._task.attempt)
        if place is not None:
            self._link.delete_job(place)
            if self._link.take_back(self._task.id, self._task.attempt):
                self.say_cancel()
                raise HostsUnavailable("an earlier run of it is being ended")
        return self._link.publish_job(subject, data, message_id=f"{message_id}:{secrets.token_hex(4)}")[0]


def require_hosts(link: Link) -> None:
    """Raises HostsUnavailable where nobody would take a job."""
    hosts = link.hosts()
    if link.away_s():
        raise HostsUnavailable("NATS cannot be reached")
    if not hosts:
        raise HostsUnavailable("no host is connected")
    if all(host.draining for host in hosts):
        raise HostsUnavailable("no host takes jobs")


def _assignment(task: Task, answer_to: str, skipped: Iterable[str]) -> Assignment:
    return Assignment(
        id=task.id,
        attempt=task.attempt,
        answer_to=answer_to,
        profile=task.profile,
        job=task.job,
        lane=task.lane,
        tenant=_unnamed(task.tenant),
        stream_output=task.stream_output,
        bare_results=task.bare_results,
        start_ahead=task.start_ahead,
        skipped=tuple(skipped),
        talked=None if task.console is None else Talked(task.console.kept_bytes),
    )


def _unnamed(tenant: str | None) -> str | None:
    """The same for the same one: what a key is known by is no host's business."""
    return None if tenant is None else sha256(tenant.encode()).hexdigest()
