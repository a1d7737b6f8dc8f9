"""A pool without containers, with the interface of the real one: slots are counted, results are what a test says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.core.cache import caches
from django.utils import timezone

from dispatch import runtime
from languages.models import Language
from rest import authentication
from rest.throttling import CounterCache
from sandbox.errors import PoolBusy, PoolClosed
from sandbox.pool import PoolSnapshot
from sandbox.types import Job, JobResult, Outcome, Profile, StepResult

Behaviour = Callable[[Job], JobResult]


def succeed(job: Job) -> JobResult:
    """Every step ends well; the run prints its source."""
    return result(
        *(StepResult(step.name, Outcome.OK, exit_code=0) for step in job.steps[:-1]), ran(job.files[0].content)
    )


def ran(stdout: bytes = b"", outcome: Outcome = Outcome.OK, **fields: object) -> StepResult:
    """A run step's result, with exit code 0 where it ended well."""
    defaults = {"exit_code": 0} if outcome is Outcome.OK else {}
    return StepResult("run", outcome, stdout=stdout, wall_ms=5.0, cpu_ms=4.0, **{**defaults, **fields})  # type: ignore[arg-type]  # any field


def result(*steps: StepResult) -> JobResult:
    """A job's result of these steps."""
    return JobResult(steps)


class FakeLease:
    """One slot of a FakePool."""

    def __init__(self, pool: FakePool) -> None:
        self._pool = pool

    def __enter__(self) -> FakeLease:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.release()

    def run(self, job: Job) -> JobResult:
        self._pool.jobs.append(job)
        return self._pool.behave(job)


class FakePool:
    """As many leases as slots. `refuse` is raised instead of a lease; `behave` runs a job."""

    def __init__(self, slots: int = 4) -> None:
        self.behave: Behaviour = succeed
        self.refuse: Exception | None = None
        self.warm = True
        self.jobs: list[Job] = []
        self.tenants: list[str | None] = []
        self._slots = slots
        self._in_use = 0
        self._closed = False
        self._changed = threading.Condition()

    def try_lease(self, profile: Profile, *, tenant: str | None) -> FakeLease | None:
        del profile
        with self._changed:
            if self._closed:
                raise PoolClosed("closed")
            if self.refuse or not self.warm or self._in_use >= self._slots:
                return None
            return self._take(tenant)

    def lease(self, profile: Profile, *, tenant: str | None, wait_ms: int | None = None) -> FakeLease:
        del profile
        if self.refuse:
            raise self.refuse
        with self._changed:
            if not self._changed.wait_for(lambda: self._in_use < self._slots, (wait_ms or 5_000) / 1000):
                raise PoolBusy("no slot", retry_after_s=3)
            return self._take(tenant)

    def release(self) -> None:
        with self._changed:
            self._in_use -= 1
            self._changed.notify()

    def close(self) -> None:
        self._closed = True

    @property
    def in_use(self) -> int:
        return self._in_use

    def snapshot(self) -> PoolSnapshot:
        return PoolSnapshot(self._slots, self._in_use, 0, {})

    def _take(self, tenant: str | None) -> FakeLease:
        self._in_use += 1
        self.tenants.append(tenant)
        return FakeLease(self)


@contextmanager
def installed(pool: FakePool, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePool]:
    """The process's pool is `pool`."""
    monkeypatch.setattr(runtime, "pool", lambda: pool)
    yield pool
    assert pool.in_use == 0, "a slot was not given back"


@pytest.fixture
def fake_pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePool]:
    """The process's pool is a fake one."""
    with installed(FakePool(), monkeypatch) as pool:
        yield pool


@pytest.fixture
def rate_limit_off(settings: object) -> None:
    """As many requests as a test likes."""
    settings.GEXEC_RATE_LIMIT = "off"  # type: ignore[attr-defined]  # pytest-django's wrapper takes any name


@pytest.fixture
def nothing_remembered() -> Iterator[None]:
    """What this process keeps for a second or a minute is forgotten, before and after."""
    _forget()
    yield
    _forget()


def _forget() -> None:
    Language.objects.forget_catalogue()
    authentication.verified.clear()
    cache = caches["ratelimit"]
    assert isinstance(cache, CounterCache)
    cache.forget()


@pytest.fixture
def python(db: None, nothing_remembered: None) -> Language:
    """An enabled Python, as installed."""
    return Language.objects.create(
        slug="python",
        name="Python",
        aliases=["py"],
        version="Python 3.13.5",
        image="gexec/python",
        image_digest="sha256:1",
        source_file="main.py",
        run_command=["python3", "{source}"],
        tested_at=timezone.now(),
        enabled=True,
    )


@pytest.fixture
def go(db: None, nothing_remembered: None) -> Language:
    """An enabled Go, which compiles."""
    return Language.objects.create(
        slug="go",
        name="Go",
        aliases=["golang"],
        version="go1.24",
        image="gexec/go",
        image_digest="sha256:2",
        source_file="main.go",
        compile_command=["go", "build", "-o", "main", "{source}"],
        run_command=["./main"],
        compile_memory_mb=256,
        tested_at=timezone.now(),
        enabled=True,
    )
