"""Executions without containers: the fake backend in place of this process's own, and languages as installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core.cache import caches
from django.utils import timezone

from clients import authentication, origins, quotas, throttling
from dispatch import active
from dispatch.testing import FakeBackend
from executions import announcements
from languages.models import Language
from rest.counters import CounterCache
from sandbox.testing import FakeImages
from sandbox.types import JobResult, Outcome, StepResult


def ran(stdout: bytes = b"", outcome: Outcome = Outcome.OK, **fields: object) -> StepResult:
    """A run step's result, with exit code 0 where it ended well."""
    defaults = {"wall_ms": 5.0, "cpu_ms": 4.0} | ({"exit_code": 0} if outcome is Outcome.OK else {})
    return StepResult("run", outcome, stdout=stdout, **{**defaults, **fields})  # type: ignore[arg-type]  # any field


def result(*steps: StepResult) -> JobResult:
    """A job's result of these steps."""
    return JobResult(steps)


@contextmanager
def installed(backend: FakeBackend, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeBackend]:
    """The process's backend is `backend`."""
    monkeypatch.setattr(active, "_backend", backend)
    yield backend
    assert backend.in_use == 0, "a slot was not given back"


@pytest.fixture
def fake_backend(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeBackend]:
    """The process's backend is a fake one."""
    with installed(FakeBackend(), monkeypatch) as backend:
        yield backend


@pytest.fixture
def engine_answers(fake_backend: FakeBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks whether the fake backend's engine is there is told that it is."""
    monkeypatch.setattr(fake_backend, "images", lambda **_: FakeImages())


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
    announcements.forget_listeners()
    authentication.verified.clear()
    origins.listed.forget()
    quotas.forget()
    throttling.in_memory.clear()
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
