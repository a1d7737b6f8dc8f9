"""The pool's promises for leases of two containers, under load, failure and bad timing: on the fake engine."""

from __future__ import annotations

import dataclasses
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sandbox.errors import Cancelled, ContainerLost, EngineUnavailable, ImageMissing, PoolBusy, PoolClosed
from sandbox.pool import Lease, Pool, PoolConfig, Withdrawal
from sandbox.testing import FakeEngine, FakeStream
from sandbox.types import Check, Companion, Interaction, Job, Limits, Outcome, Profile, Step, StepFinished, WarmTarget
from testkit.waiting import eventually
from tests.test_pool_races import PROFILE, REUSED, idle, pool_of

JUDGES = dataclasses.replace(PROFILE, memory_bytes=96 << 20)
LIMITS = Limits(wall_ms=5000, output_bytes=1 << 20)


def job(*words: str, check: tuple[str, ...] = (), interaction: tuple[str, ...] = (), own: tuple[str, ...] = ()) -> Job:
    step = Step(
        "run",
        words,
        LIMITS,
        check=Check(check, LIMITS, output_on_stdin=True) if check else None,
        interaction=Interaction(interaction, LIMITS) if interaction else None,
    )
    steps = (Step("own", own, LIMITS),) if own else ()
    return Job((), (step,), companion=Companion(JUDGES, (), steps))


def run(pool: Pool, what: Job, **fields: Any) -> list[tuple[str, Outcome]]:
    with pool.lease(PROFILE, tenant=None, companion=JUDGES, **fields) as lease:
        return endings(lease, what)


def endings(lease: Lease, what: Job) -> list[tuple[str, Outcome]]:
    return [(step.name, step.outcome) for step in lease.run(what).steps]


CHECKED = job("echo", "x", check=("cat",))
PASSED = [("run", Outcome.OK), ("run/check", Outcome.OK)]


def test_both_containers_are_fresh_and_gone_after_it() -> None:
    engine = FakeEngine()
    with pool_of(engine) as pool:
        for _ in range(2):
            assert run(pool, CHECKED) == PASSED
        assert engine.started == 4
        assert not engine.streams
        assert pool.snapshot().in_use == 0


def test_both_are_made_at_the_same_time() -> None:
    engine = FakeEngine(start_s=0.3)
    with pool_of(engine) as pool:
        assert run(pool, CHECKED) == PASSED
        assert (engine.most_starting, engine.started) == (2, 2)


@pytest.mark.parametrize("slots", [1, 2, 3])
@pytest.mark.parametrize("same", [False, True])
def test_any_number_of_pairs_gets_on_whatever_the_number_of_slots(slots: int, *, same: bool) -> None:
    engine = FakeEngine(start_s=0.001)
    other = PROFILE if same else JUDGES

    def one(pool: Pool, number: int) -> list[tuple[str, Outcome]]:
        # Half of them the other way round: each holds what another waits for.
        first, second = (PROFILE, other) if number % 2 else (other, PROFILE)
        with pool.lease(first, tenant=None, companion=second) as lease:
            return endings(lease, CHECKED)

    with pool_of(engine, slots=slots, queue=60, wait_ms=30_000) as pool, ThreadPoolExecutor(20) as threads:
        assert all(result == PASSED for result in threads.map(lambda number: one(pool, number), range(40)))
        assert engine.started <= 2 * 40 + 4
        eventually(lambda: pool.snapshot().in_use == 0)


def test_try_lease_takes_both_or_none() -> None:
    engine = FakeEngine()
    with pool_of(engine, slots=1) as pool:
        pool.keep_warm({PROFILE: WarmTarget(1, 1)})
        eventually(lambda: idle(pool) == 1)
        assert pool.try_lease(PROFILE, tenant=None, companion=JUDGES) is None
        assert (pool.snapshot().in_use, idle(pool)) == (0, 1)
        pool.keep_warm({PROFILE: WarmTarget(1, 1), JUDGES: WarmTarget(1, 1)})
        eventually(lambda: idle(pool, JUDGES) == 1)
        lease = pool.try_lease(PROFILE, tenant=None, companion=JUDGES)
        assert lease is not None
        with lease:
            assert endings(lease, CHECKED) == PASSED


def test_two_that_were_leased_and_not_used_go_back_as_fresh() -> None:
    engine = FakeEngine()
    with pool_of(engine) as pool:
        pool.keep_warm({PROFILE: WarmTarget(1, 1), JUDGES: WarmTarget(1, 1)})
        eventually(lambda: idle(pool) == idle(pool, JUDGES) == 1)
        for _ in range(3):
            with pool.lease(PROFILE, tenant=None, companion=JUDGES):
                pass
        assert engine.started <= 4


def test_a_companion_is_never_used_again_and_never_was_before() -> None:
    engine = FakeEngine()
    with pool_of(engine) as pool:
        pool.keep_warm({REUSED: WarmTarget(0, 4)})
        seen: list[str] = []
        for _ in range(3):
            with pool.lease(REUSED, tenant="a", companion=REUSED) as lease:
                assert endings(lease, CHECKED) == PASSED
                assert lease.companion is not None
                seen.append(lease.companion.id)
                own = lease.container.id
        assert own == "fake-0" or own not in seen
        assert len(set(seen)) == 3
        assert pool.snapshot().counters.leases_reused == 2


def test_the_wait_for_the_second_is_bounded_and_leaves_nothing_behind() -> None:
    engine = FakeEngine()
    with pool_of(engine, slots=1) as pool:
        pool.keep_warm({PROFILE: WarmTarget(1, 1)})
        eventually(lambda: idle(pool) == 1)
        engine.start_s = 0.6
        with pytest.raises(PoolBusy):
            run(pool, CHECKED, wait_ms=100)
        assert (pool.snapshot().in_use, pool.snapshot().counters.refused_busy) == (0, 1)
        eventually(lambda: idle(pool) == 1)


def test_a_companion_that_cannot_be_made_is_an_error_and_leaves_nothing_behind() -> None:
    engine = FakeEngine()
    missing = dataclasses.replace(PROFILE, image="nowhere")
    with pool_of(engine, slots=1) as pool:
        for _ in range(2):
            with pytest.raises(ImageMissing):
                pool.lease(PROFILE, tenant=None, companion=missing)
            assert pool.snapshot().in_use == 0
        assert run(pool, CHECKED) == PASSED


def test_a_lease_is_withdrawn_while_its_second_container_is_made() -> None:
    engine = FakeEngine()
    with pool_of(engine, wait_ms=20_000) as pool, ThreadPoolExecutor() as threads:
        pool.keep_warm({PROFILE: WarmTarget(1, 1)})
        eventually(lambda: idle(pool) == 1)
        engine.start_s = 2.0
        withdrawal = Withdrawal()
        waiting = threads.submit(pool.lease, PROFILE, tenant=None, companion=JUDGES, withdrawal=withdrawal)
        eventually(lambda: pool.snapshot().in_use == 1 and engine.starting)
        began = time.monotonic()
        withdrawal.withdraw()
        with pytest.raises(Cancelled):
            waiting.result(10)
        assert time.monotonic() - began < 1.5
        assert pool.snapshot().in_use == 0


@pytest.mark.parametrize("lost", [("own",), ("companion",), ("own", "companion")])
@pytest.mark.parametrize("kind", ["check", "interaction", "own steps"])
def test_one_that_is_lost_before_anything_ran_there_is_replaced(lost: tuple[str, ...], kind: str) -> None:
    engine = FakeEngine()
    what, expected = {
        "check": (CHECKED, PASSED),
        "interaction": (
            job("echo", "x", interaction=("cat",)),
            [("run", Outcome.OK), ("run/interact", Outcome.OK)],
        ),
        "own steps": (
            job("echo", "x", check=("cat",), own=("true",)),
            [("companion/own", Outcome.OK), *PASSED],
        ),
    }[kind]
    with pool_of(engine) as pool, pool.lease(PROFILE, tenant=None, companion=JUDGES) as lease:
        assert lease.companion is not None
        for container in [lease.container] * ("own" in lost) + [lease.companion] * ("companion" in lost):
            engine.streams[container.id].end()
        assert endings(lease, what) == expected
        assert pool.snapshot().counters.containers_lost == len(lost)


class LosesJudges(FakeEngine):
    """Every companion is lost when its first step is sent."""

    def start(self, profile: Profile) -> FakeStream:
        stream = super().start(profile)
        if profile == JUDGES:
            stream.send = self._lose  # type: ignore[method-assign]  # for all that is sent
        return stream

    def _lose(self, data: bytes) -> None:
        raise ContainerLost(f"lost before {len(data)} bytes")


@pytest.mark.parametrize("kind", ["check", "interaction"])
def test_a_second_companion_that_is_lost_is_an_error_and_nothing_runs_twice(kind: str) -> None:
    engine = LosesJudges()
    what = CHECKED if kind == "check" else job("echo", "x", interaction=("cat",))
    told: list[str] = []
    with pool_of(engine) as pool:
        with pool.lease(PROFILE, tenant=None, companion=JUDGES) as lease, pytest.raises(EngineUnavailable):
            told.extend(event.result.name for event in lease.events(what) if isinstance(event, StepFinished))
        assert told == (["run"] if kind == "check" else [])
        eventually(lambda: pool.snapshot().in_use == 0)
        assert engine.started == 3


def test_a_container_that_is_lost_while_the_companion_compiles_is_replaced() -> None:
    engine = FakeEngine()
    with pool_of(engine) as pool, pool.lease(PROFILE, tenant=None, companion=JUDGES) as lease:
        events = lease.events(job("echo", "x", check=("cat",), own=("true",)))
        next(events)
        engine.streams[lease.container.id].end()
        ends = [(event.result.name, event.result.outcome) for event in events if isinstance(event, StepFinished)]
        assert ends == PASSED


def test_what_cannot_be_judged_does_not_run() -> None:
    engine = FakeEngine()
    with pool_of(engine) as pool:
        alone = dataclasses.replace(CHECKED, companion=None)
        with pool.lease(PROFILE, tenant=None) as lease:
            for what in (CHECKED, alone):
                with pytest.raises(ValueError, match=r"second container|nowhere"):
                    lease.run(what)
            assert lease.container.runs == 0


@pytest.mark.parametrize("lost", ["own", "companion"])
def test_a_cancel_reaches_the_container_that_takes_a_lost_ones_place(lost: str) -> None:
    engine = FakeEngine()
    with pool_of(engine) as pool, pool.lease(PROFILE, tenant=None, companion=JUDGES) as lease:
        first = lease.container if lost == "own" else lease.companion
        assert first is not None
        engine.streams[first.id].end()
        lease.cancel()
        began = time.monotonic()
        results = endings(lease, job("sleep", "20", interaction=("sleep", "20")))
        assert {outcome for _, outcome in results} == {Outcome.CANCELLED}
        assert first not in lease.containers
    assert time.monotonic() - began < 15


@pytest.mark.parametrize(
    ("words", "judged", "expected"),
    [
        (("die",), ("cat",), (Outcome.SANDBOX_ERROR, Outcome.CANCELLED)),
        (("sleep", "60"), ("die",), (Outcome.CANCELLED, Outcome.SANDBOX_ERROR)),
        (("echo", "x"), ("die",), (None, Outcome.SANDBOX_ERROR)),
        (("cat",), ("echo", "x"), (Outcome.OK, Outcome.OK)),
        (("cat",), ("nothing",), (Outcome.OK, Outcome.SANDBOX_ERROR)),
        (("false",), ("cat",), (Outcome.NONZERO_EXIT, Outcome.OK)),
    ],
)
def test_however_one_of_two_ends_the_other_does(
    words: tuple[str, ...], judged: tuple[str, ...], expected: tuple[Outcome | None, Outcome]
) -> None:
    engine = FakeEngine()
    with pool_of(engine) as pool:
        began = time.monotonic()
        (_, own), (_, theirs) = run(pool, job(*words, interaction=judged))
        assert time.monotonic() - began < 4
        assert (expected[0] or own, theirs) == (own, expected[1])


def test_a_lost_companion_is_counted_as_lost() -> None:
    with pool_of(FakeEngine()) as pool:
        run(pool, job("true", check=("die",)))
        assert pool.snapshot().counters.containers_lost == 1


def test_a_slot_is_held_until_the_last_of_two_is_gone_that_may_still_run_something() -> None:
    engine = FakeEngine(linger_after_close=True)
    with pool_of(engine, slots=1, upkeep_s=0.05, gone_after_s=0.5) as pool:
        with pool.lease(PROFILE, tenant=None, companion=JUDGES) as lease:
            events = lease.events(job("yes", interaction=("die",)), stream_output=True)
            for event in events:
                if not isinstance(event, StepFinished):
                    break
            events.close()
        eventually(lambda: lease.container.id in engine.removed)
        eventually(lambda: pool.snapshot().in_use == 0)


def test_the_companion_of_a_lease_is_not_taken_for_unknown() -> None:
    engine = FakeEngine()
    with pool_of(engine, upkeep_s=0.05, unknown_after_s=0.2) as pool:
        with pool.lease(PROFILE, tenant=None, companion=JUDGES) as lease:
            time.sleep(0.6)
            assert endings(lease, CHECKED) == PASSED
        assert not engine.removed


def test_closing_cancels_both_of_what_outlasts_the_grace() -> None:
    engine = FakeEngine()
    pool = Pool(engine, PoolConfig(2, 10, 2000), owner="me")
    pool.start()
    with ThreadPoolExecutor(3) as threads:
        talking = threads.submit(run, pool, job("sleep", "60", interaction=("sleep", "60")))
        checking = threads.submit(run, pool, job("true", check=("sleep", "60")))
        eventually(lambda: engine.started == 4 and pool.snapshot().in_use == 2)
        time.sleep(0.1)
        pool.close(grace_s=0.1)
        assert [outcome for _, outcome in talking.result()] == [Outcome.CANCELLED] * 2
        assert checking.result()[-1][1] is Outcome.CANCELLED
        with pytest.raises(PoolClosed):
            run(pool, CHECKED)
    assert not engine.streams


def test_nothing_leaks_over_many_pairs_with_every_kind_of_ending() -> None:
    engine = FakeEngine()
    words = [("true",), ("false",), ("die",), ("sleep", "0.001"), ("cat",), ("echo", "x"), ("nothing",)]
    chance = random.Random(7)
    jobs = [
        job(
            *chance.choice(words),
            check=chance.choice(words) if number % 2 else (),
            # Not cat with cat: each would wait for the other, and this runner knows no limits.
            interaction=() if number % 2 else chance.choice(words[:4]),
            own=chance.choice([(), (), ("true",), ("false",)]),
        )
        for number in range(300)
    ]

    def one(pool: Pool, number: int) -> None:
        kind = number % 10
        with pool.lease(PROFILE, tenant=f"tenant-{number % 3}", companion=JUDGES) as lease:
            if kind == 0:
                return
            if kind == 1:
                threading.Timer(0.001, lease.cancel).start()
            if kind == 2:
                engine.streams[lease.containers[number // 10 % 2].id].end()
            events = lease.events(jobs[number])
            for _ in events:
                if kind == 3:
                    break
            events.close()

    with pool_of(engine, slots=4, queue=100, wait_ms=20_000) as pool, ThreadPoolExecutor(8) as threads:
        pool.keep_warm({PROFILE: WarmTarget(1, 4), JUDGES: WarmTarget(1, 4)})
        threads_before = threading.active_count()
        list(threads.map(lambda number: one(pool, number), range(len(jobs))))
        eventually(lambda: pool.snapshot().in_use == 0)
        assert len(engine.streams) <= 2 * (4 + 2)
        eventually(lambda: threading.active_count() <= threads_before + 8)
