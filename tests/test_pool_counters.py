"""What the pool says has happened: on the fake engine."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.errors import ImageMissing, PoolBusy
from sandbox.testing import FakeEngine
from sandbox.types import Profile, WarmTarget
from testkit.waiting import eventually
from tests.test_pool_races import PROFILE, REUSED, idle, job, pool_of, run


def test_leases_that_find_a_container_are_counted_apart_from_those_that_wait_for_one() -> None:
    with pool_of(FakeEngine(start_s=0.05)) as pool:
        run(pool, "true")
        pool.keep_warm({PROFILE: WarmTarget(1, 1)})
        eventually(lambda: idle(pool) == 1)
        run(pool, "true")
        counters = pool.snapshot().counters
    assert (counters.leases_granted, counters.leases_waited) == (2, 1)
    assert counters.waited_ms >= 50


def test_waiting_for_a_slot_is_counted() -> None:
    with pool_of(FakeEngine(), slots=1) as pool, ThreadPoolExecutor(1) as threads:
        pool.keep_warm({PROFILE: WarmTarget(2, 2)})
        eventually(lambda: idle(pool) == 2)
        with pool.lease(PROFILE, tenant=None):
            waiting = threads.submit(run, pool, "true")
            eventually(lambda: pool.snapshot().waiting == 1)
            time.sleep(0.02)
        waiting.result(5)
        counters = pool.snapshot().counters
    assert counters.leases_waited == 1
    assert counters.waited_ms >= 20


def test_refused_leases_are_counted_however_they_were_refused() -> None:
    with pool_of(FakeEngine(start_s=0.3), slots=1, queue=0) as pool:
        with pytest.raises(PoolBusy):
            pool.lease(PROFILE, tenant=None, wait_ms=20)  # No container in time.
        with pool.lease(PROFILE, tenant=None), pytest.raises(PoolBusy):
            pool.lease(PROFILE, tenant=None)  # The queue is full.
        counters = pool.snapshot().counters
    assert (counters.refused_busy, counters.leases_granted) == (2, 1)


def test_starts_reuses_and_failures_are_counted() -> None:
    with pool_of(FakeEngine()) as pool:
        pool.keep_warm({REUSED: WarmTarget(0, 4)})
        for _ in range(3):
            run(pool, "true", profile=REUSED, tenant="a")
        with pytest.raises(ImageMissing):
            run(pool, "true", profile=Profile("nowhere", 128 << 20, 50_000, 64, 64 << 20))
        counters = pool.snapshot().counters
    assert (counters.containers_started, counters.leases_reused, counters.start_failures) == (1, 2, 1)
    assert counters.failures == {"ImageMissing": 1}


@pytest.mark.parametrize("when", ["idle", "leased", "running"])
def test_a_container_that_is_lost_is_counted_once(when: str) -> None:
    engine = FakeEngine()
    with pool_of(engine) as pool:
        pool.keep_warm({PROFILE: WarmTarget(1, 1)})
        eventually(lambda: idle(pool) == 1)
        if when == "idle":
            next(iter(engine.streams.values())).end()
            eventually(lambda: pool.snapshot().counters.containers_lost > 0)
        with pool.lease(PROFILE, tenant=None) as lease:
            if when == "leased":
                engine.streams[lease.container.id].end()
            lease.run(job("die" if when == "running" else "true"))
        assert pool.snapshot().counters.containers_lost == 1


def test_a_snapshot_does_not_change_with_what_happens_after_it() -> None:
    with pool_of(FakeEngine()) as pool:
        before = pool.snapshot().counters
        run(pool, "true")
        assert before.leases_granted == 0
