"""Containers with a cell for each job: whom they serve, for how long, and what holds where the kernel refuses cells."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.pool import Pool, PoolConfig
from sandbox.testing import FakeEngine
from sandbox.types import Ahead, Job, Limits, Outcome, Profile, Step, WarmTarget
from testkit.waiting import eventually

CELLS = Profile("python", 128 << 20, 50_000, 64, 64 << 20, cells=3)
SHARED = Profile("python", 128 << 20, 50_000, 64, 64 << 20, cells=3, share=True)
AHEAD = Profile("python", 128 << 20, 50_000, 64, 64 << 20, cells=3, ahead=Ahead("x", ("cat", "x")))
WIPED = Profile("python", 128 << 20, 50_000, 64, 64 << 20, cells=3, runs_per_container=2)
ALL = {profile: WarmTarget(0, 4) for profile in (CELLS, SHARED, AHEAD, WIPED)}


@pytest.fixture
def engine() -> FakeEngine:
    """One whose kernel lets runners make cells."""
    return FakeEngine(makes_cells=True)


@pytest.fixture
def pool(engine: FakeEngine) -> Iterator[Pool]:
    """It keeps what was used."""
    pool = Pool(engine, PoolConfig(slots=4, queue=4, wait_ms=5000), owner="me")
    pool.start()
    pool.keep_warm(ALL)
    yield pool
    pool.close(grace_s=1.0)


def job(*words: str) -> Job:
    return Job((), (Step("run", words, Limits(wall_ms=5000, output_bytes=1 << 20)),))


def run(pool: Pool, profile: Profile, tenant: str | None, *words: str) -> Outcome:
    with pool.lease(profile, tenant=tenant) as lease:
        return lease.run(job(*(words or ("true",)))).steps[0].outcome


def test_a_container_serves_its_tenant_until_its_cells_are_up(pool: Pool, engine: FakeEngine) -> None:
    for _ in range(3):
        run(pool, CELLS, "key")
    assert engine.started == 1
    run(pool, CELLS, "key")
    assert engine.started == 2


def test_nobody_finds_the_container_of_another(pool: Pool, engine: FakeEngine) -> None:
    for tenant in ("one", "other", None, None):
        run(pool, CELLS, tenant)
    assert engine.started == 4


def test_one_that_is_shared_serves_one_after_another(pool: Pool, engine: FakeEngine) -> None:
    for tenant in ("one", None, "other"):
        run(pool, SHARED, tenant)
    assert engine.started == 1


@pytest.mark.parametrize("makes_cells", [True, False], ids=["cells", "none"])
def test_what_belongs_to_a_checker_is_never_shared(pool: Pool, engine: FakeEngine, makes_cells: bool) -> None:
    engine.makes_cells = makes_cells
    for _ in range(2):
        with pool.lease(CELLS, tenant="key", companion=SHARED) as lease:
            assert lease.companion is not None
            assert lease.companion.runs == 0
            lease.companion.open_job((), tenant=None)
            assert not lease.companion.reusable


def test_an_ending_need_not_have_been_clean(pool: Pool, engine: FakeEngine) -> None:
    assert run(pool, CELLS, "key", "crash") is Outcome.SIGNAL
    assert run(pool, CELLS, "key") is Outcome.OK
    assert engine.started == 1


def test_after_a_cancel_the_container_goes(pool: Pool, engine: FakeEngine) -> None:
    with pool.lease(CELLS, tenant="key") as lease:
        lease.cancel()
        assert lease.run(job("sleep", "60")).steps[0].outcome is Outcome.CANCELLED
    run(pool, CELLS, "key")
    assert engine.started == 2


def test_after_a_runner_was_lost_the_container_goes(pool: Pool, engine: FakeEngine) -> None:
    assert run(pool, CELLS, "key", "die") is Outcome.SANDBOX_ERROR
    run(pool, CELLS, "key")
    assert engine.started == 2


@pytest.mark.parametrize(
    ("profile", "tenants", "started"),
    [
        (CELLS, ("key", "key"), 2),
        (SHARED, ("one", "other", None), 3),
        (SHARED, ("key", "key"), 2),
        (WIPED, ("key", "key", "key"), 2),
    ],
    ids=["fresh", "shared by none", "shared not even by one", "wiped"],
)
def test_where_the_kernel_refuses_no_container_serves_for_longer_than_without(
    pool: Pool, engine: FakeEngine, profile: Profile, tenants: tuple[str | None, ...], started: int
) -> None:
    engine.makes_cells = False
    for tenant in tenants:
        run(pool, profile, tenant)
    assert engine.started == started


def test_without_cells_an_ending_has_to_be_clean(pool: Pool, engine: FakeEngine) -> None:
    engine.makes_cells = False
    run(pool, WIPED, "key", "crash")
    run(pool, WIPED, "key")
    assert engine.started == 2


def test_cells_are_told_what_to_start_ahead_before_the_first_has_a_job(pool: Pool, engine: FakeEngine) -> None:
    with pool.lease(AHEAD, tenant="key") as lease:
        assert engine.streams[lease.container.id].started_ahead
        lease.run(job("true"))
    assert run(pool, AHEAD, "key") is Outcome.OK


def test_it_is_told_which_holds(pool: Pool, engine: FakeEngine) -> None:
    assert pool.snapshot().profiles[CELLS].in_cells is None
    run(pool, CELLS, "key")
    assert pool.snapshot().profiles[CELLS].in_cells is True
    engine.makes_cells = False
    run(pool, CELLS, "other")
    assert eventually(lambda: pool.snapshot().profiles[CELLS].in_cells is False)


def test_a_container_that_makes_cells_now_and_then_is_not_used_again(pool: Pool, engine: FakeEngine) -> None:
    run(pool, CELLS, "key")
    engine.makes_cells = False
    run(pool, CELLS, "key")
    engine.makes_cells = True
    run(pool, CELLS, "key")
    assert engine.started == 2
