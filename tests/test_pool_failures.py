"""What a failed start leaves behind: an error for each who waits, and nothing of theirs in the pool."""

from __future__ import annotations

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.errors import EngineUnavailable, ImageBuildFailed, ImageMissing, PoolBusy, SandboxError
from sandbox.pool import Pool
from sandbox.testing import FakeEngine
from sandbox.types import Profile
from tests.test_pool_races import PROFILE, pool_of

MISSING = Profile("nowhere", 128 << 20, 50_000, 64, 64 << 20)


class Submission:
    """Stands for what a caller has in its variables."""


def lease_in_vain(pool: Pool, profile: Profile) -> tuple[weakref.ref[Submission], int]:
    """A failing lease by a caller whose frame holds a submission; a reference to that, and the error's identity."""
    submission = Submission()
    with pytest.raises(SandboxError) as caught:
        pool.lease(profile, tenant=None)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return weakref.ref(submission), id(caught.value)


def test_the_pool_holds_nothing_of_a_caller_whose_lease_failed() -> None:
    engine = FakeEngine()
    with pool_of(engine) as pool:
        submission, _ = lease_in_vain(pool, MISSING)
        gc.collect()
        assert submission() is None
        assert "not on the Docker host" in pool.snapshot().profiles[MISSING].error


def test_each_caller_gets_an_exception_of_its_own() -> None:
    engine = FakeEngine(failing=EngineUnavailable("down"))
    together = threading.Barrier(4)
    raised: list[Exception] = []

    def ask(pool: Pool) -> None:
        together.wait(5)
        try:
            pool.lease(PROFILE, tenant=None)
        except EngineUnavailable as error:
            raised.append(error)

    with pool_of(engine, slots=4) as pool, ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(ask, pool) for _ in range(4)]:
            done.result(10)
    assert [str(error) for error in raised] == ["down"] * 4
    assert len({id(error) for error in raised}) == 4
    assert not any(error is engine.failing for error in raised)


@pytest.mark.parametrize(
    "error",
    [ImageMissing("not here"), PoolBusy("later", retry_after_s=3), ImageBuildFailed("failed", log_end="the end")],
)
def test_an_error_that_is_renewed_says_the_same_and_has_no_history(error: SandboxError) -> None:
    try:
        raise error from ValueError("the cause")
    except SandboxError:
        again = error.renewed()
    assert type(again) is type(error)
    assert (str(again), again.args, vars(again)) == (str(error), error.args, vars(error))
    assert (again.__cause__, again.__context__, again.__traceback__) == (None, None, None)
