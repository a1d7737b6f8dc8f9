"""The pool's promises under load, failure and bad timing, in milliseconds: on the fake engine."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from sandbox import container
from sandbox.errors import Cancelled, EngineUnavailable, ImageMissing, PoolBusy, PoolClosed
from sandbox.pool import Pool, PoolConfig, Withdrawal
from sandbox.testing import FakeEngine, frame, result
from sandbox.types import Ahead, Job, Limits, Outcome, Profile, Step, StepFinished, WarmTarget
from testkit.waiting import eventually

PROFILE = Profile("python", 128 << 20, 50_000, 64, 64 << 20)
REUSED = Profile("python", 128 << 20, 50_000, 64, 64 << 20, runs_per_container=3)


def job(*words: str, stdin: bytes = b"", wall_ms: int = 5000, cpu_ms: int | None = None) -> Job:
    return Job((), (Step("run", words, Limits(wall_ms=wall_ms, cpu_ms=cpu_ms, output_bytes=1 << 20), stdin=stdin),))


@contextmanager
def pool_of(
    engine: FakeEngine,
    *,
    slots: int = 2,
    queue: int = 10,
    wait_ms: int = 2000,
    upkeep_s: float = 1.0,
    gone_after_s: float = 3.0,
    unknown_after_s: float = 240.0,
) -> Iterator[Pool]:
    config = PoolConfig(
        slots,
        queue,
        wait_ms,
        upkeep_s=upkeep_s,
        gone_after_s=gone_after_s,
        unknown_after_s=unknown_after_s,
        sweep_s=upkeep_s,
    )
    pool = Pool(engine, config, owner="me", is_alive=lambda owner: owner == "other")
    pool.start()
    try:
        yield pool
    finally:
        pool.close(grace_s=1.0)
        assert not engine.streams


def idle(pool: Pool, profile: Profile = PROFILE) -> int:
    found = pool.snapshot().profiles.get(profile)
    return found.idle if found else 0


def run(pool: Pool, *words: str, profile: Profile = PROFILE, tenant: str | None = None, stdin: bytes = b"") -> Outcome:
    with pool.lease(profile, tenant=tenant) as lease:
        return lease.run(job(*words, stdin=stdin)).steps[0].outcome


def test_a_run_gets_a_fresh_container_which_is_gone_after_it() -> None:
    engine = FakeEngine()
    with pool_of(engine) as pool:
        assert run(pool, "true") is Outcome.OK
        assert run(pool, "false") is Outcome.NONZERO_EXIT
        assert engine.started == 2
        assert not engine.streams


def test_the_minimum_is_kept_warm_and_restored_after_use() -> None:
    engine = FakeEngine()
    with pool_of(engine) as pool:
        pool.keep_warm({PROFILE: WarmTarget(2, 4)})
        eventually(lambda: idle(pool) == 2)
        run(pool, "true")
        eventually(lambda: idle(pool) == 2)


def test_try_lease_takes_a_warm_container_and_never_waits() -> None:
    engine = FakeEngine(start_s=0.2)
    with pool_of(engine) as pool:
        assert pool.try_lease(PROFILE, tenant=None) is None
        assert pool.snapshot().in_use == 0
        pool.keep_warm({PROFILE: WarmTarget(1, 1)})
        eventually(lambda: idle(pool) == 1)
        lease = pool.try_lease(PROFILE, tenant=None)
        assert lease is not None
        with lease:
            assert lease.run(job("true")).steps[0].outcome is Outcome.OK


def test_stdin_larger_than_the_window_arrives_whole() -> None:
    data = bytes(range(256)) * 4096
    engine = FakeEngine()
    with pool_of(engine) as pool, pool.lease(PROFILE, tenant=None) as lease:
        step = lease.run(job("cat", stdin=data)).steps[0]
    assert step.stdout == data


def test_a_container_is_used_again_by_its_tenant_until_its_runs_are_up() -> None:
    engine = FakeEngine()
    with pool_of(engine) as pool:
        pool.keep_warm({REUSED: WarmTarget(0, 4)})
        for _ in range(3):
            run(pool, "true", profile=REUSED, tenant="a")
        assert engine.started == 1
        run(pool, "true", profile=REUSED, tenant="a")
        assert engine.started == 2


def test_runs_in_containers_that_were_kept_ask_for_no_fresh_ones() -> None:
    engine = FakeEngine()
    profile = dataclasses.replace(REUSED, runs_per_container=1_000_000)
    with pool_of(engine) as pool:
        pool.keep_warm({profile: WarmTarget(1, 4)})
        eventually(lambda: idle(pool, profile) == 1)
        until = time.monotonic() + 2.5
        while time.monotonic() < until:
            run(pool, "true", profile=profile, tenant="a")
        # The one that was taken, the one in its place, and one more at most, should the first have been waited for.
        assert engine.started <= 3


def test_a_container_that_was_leased_and_not_used_goes_back_as_fresh() -> None:
    engine = FakeEngine()
    with pool_of(engine) as pool:
        pool.keep_warm({PROFILE: WarmTarget(1, 1)})
        eventually(lambda: idle(pool) == 1)
        for tenant in ("a", "b"):
            with pool.lease(PROFILE, tenant=tenant):
                pass
        assert idle(pool) == 1
        assert run(pool, "true") is Outcome.OK
        assert engine.started <= 2


def test_tenants_never_share_a_container() -> None:
    engine = FakeEngine()
    with pool_of(engine) as pool:
        pool.keep_warm({REUSED: WarmTarget(0, 4)})
        run(pool, "true", profile=REUSED, tenant="a")
        run(pool, "true", profile=REUSED, tenant="b")
        assert engine.started == 2


def test_a_caller_without_a_key_never_reuses() -> None:
    engine = FakeEngine()
    with pool_of(engine) as pool:
        pool.keep_warm({REUSED: WarmTarget(0, 4)})
        run(pool, "true", profile=REUSED)
        run(pool, "true", profile=REUSED)
        assert engine.started == 2


def test_a_failed_wipe_retires_the_container() -> None:
    engine = FakeEngine(wipe_fails=True)
    with pool_of(engine) as pool:
        pool.keep_warm({REUSED: WarmTarget(0, 4)})
        assert run(pool, "true", profile=REUSED, tenant="a") is Outcome.OK
        assert run(pool, "true", profile=REUSED, tenant="a") is Outcome.OK
        assert engine.started == 2


def test_a_cancelled_run_retires_the_container() -> None:
    engine = FakeEngine()
    with pool_of(engine) as pool:
        pool.keep_warm({REUSED: WarmTarget(0, 4)})
        with pool.lease(REUSED, tenant="a") as lease:
            threading.Timer(0.05, lease.cancel).start()
            assert lease.run(job("sleep", "60")).steps[0].outcome is Outcome.CANCELLED
        run(pool, "true", profile=REUSED, tenant="a")
        assert engine.started == 2


def test_frames_after_the_result_retire_the_container() -> None:
    engine = FakeEngine()
    with pool_of(engine) as pool:
        pool.keep_warm({REUSED: WarmTarget(0, 4)})
        run(pool, "true", profile=REUSED, tenant="a")
        next(iter(engine.streams.values())).say(frame(b"O", b"\1forged"))
        run(pool, "true", profile=REUSED, tenant="a")
        assert engine.started == 2


def test_a_container_that_died_while_it_waited_is_not_given_out() -> None:
    engine = FakeEngine()
    with pool_of(engine) as pool:
        pool.keep_warm({PROFILE: WarmTarget(1, 1)})
        eventually(lambda: idle(pool) == 1)
        next(iter(engine.streams.values())).end()
        assert run(pool, "true") is Outcome.OK


def test_containers_that_died_while_they_waited_are_replaced() -> None:
    engine = FakeEngine()
    with pool_of(engine) as pool:
        pool.keep_warm({PROFILE: WarmTarget(2, 2)})
        eventually(lambda: idle(pool) == 2)
        for stream in list(engine.streams.values()):
            stream.end()
        eventually(lambda: engine.started == 4 and idle(pool) == 2)


def test_a_container_that_dies_in_a_run_answers_sandbox_error() -> None:
    engine = FakeEngine()
    with pool_of(engine) as pool, pool.lease(PROFILE, tenant=None) as lease:
        step = lease.run(job("die")).steps[0]
    assert step.outcome is Outcome.SANDBOX_ERROR
    assert "ended" in step.detail


def test_a_runner_that_does_not_answer_is_a_fault_of_ours_and_no_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "RESCUE_S", 0.5)
    engine = FakeEngine(used_cpu_ms=70.0)
    with pool_of(engine) as pool, pool.lease(PROFILE, tenant=None) as lease:
        step = lease.run(job("yes", wall_ms=50)).steps[0]
    assert (step.outcome, step.stdout, step.cpu_ms) == (Outcome.SANDBOX_ERROR, b"y\n", 70.0)


def test_a_runner_that_could_not_get_to_run_says_the_limit_once_it_can() -> None:
    engine = FakeEngine(when_unthrottled=result(reason=2, signal=9))
    with pool_of(engine) as pool, pool.lease(PROFILE, tenant=None) as lease:
        step = lease.run(job("yes", wall_ms=50)).steps[0]
        assert engine.unthrottled == [lease.container.id]
    assert (step.outcome, step.stdout) == (Outcome.TIMEOUT_WALL, b"y\n")


def test_a_limit_of_cpu_time_holds_where_the_runner_does_not_get_to_run() -> None:
    engine = FakeEngine(when_unthrottled=result(reason=3, signal=9), used_cpu_ms=600)
    with pool_of(engine) as pool, pool.lease(PROFILE, tenant="a") as lease:
        began = time.monotonic()
        step = lease.run(job("yes", wall_ms=60_000, cpu_ms=100)).steps[0]
        assert time.monotonic() - began < 30
        assert engine.unthrottled == [lease.container.id]
        assert not lease.container.reusable
    assert (step.outcome, step.stdout) == (Outcome.TIMEOUT_CPU, b"y\n")


def test_a_container_that_is_silent_and_within_its_limit_of_cpu_time_keeps_its_quota() -> None:
    engine = FakeEngine(used_cpu_ms=450)
    with pool_of(engine) as pool, pool.lease(PROFILE, tenant="a") as lease:
        step = lease.run(job("sleep", "1.2", wall_ms=60_000, cpu_ms=100)).steps[0]
    assert (step.outcome, engine.unthrottled) == (Outcome.OK, [])


def test_a_container_that_may_still_run_something_has_its_slot_until_it_is_gone() -> None:
    engine = FakeEngine(linger_after_close=True)
    with pool_of(engine, slots=1, upkeep_s=0.05, gone_after_s=1.0) as pool:
        with pool.lease(PROFILE, tenant=None) as lease:
            events = lease.events(job("yes"), stream_output=True)
            next(events)
            events.close()
        assert pool.snapshot().in_use == 1
        assert pool.try_lease(PROFILE, tenant=None) is None
        eventually(lambda: engine.removed == [lease.container.id])
        eventually(lambda: pool.snapshot().in_use == 0)


def test_what_is_cancelled_ends_soon_where_its_runner_does_not_get_to_run() -> None:
    engine = FakeEngine(when_unthrottled=result(reason=6, signal=9))
    with pool_of(engine) as pool, pool.lease(PROFILE, tenant=None) as lease:
        events = lease.events(job("yes", wall_ms=60_000), stream_output=True)
        next(events)
        lease.cancel()
        ends = [event.result.outcome for event in events if isinstance(event, StepFinished)]
        assert engine.unthrottled == [lease.container.id]
    assert ends == [Outcome.CANCELLED]


@pytest.mark.parametrize("fails", [False, True])
def test_what_may_be_throttled_is_let_go_before_it_is_removed_and_removed_in_any_case(*, fails: bool) -> None:
    engine = FakeEngine(linger_after_close=True, failing_unthrottle=fails)
    with pool_of(engine, upkeep_s=0.05, gone_after_s=0.2) as pool:
        with pool.lease(PROFILE, tenant=None) as unsettled:
            events = unsettled.events(job("yes"), stream_output=True)
            next(events)
            events.close()
        with pool.lease(PROFILE, tenant=None) as settled:
            settled.run(job("true"))
        ids = {unsettled.container.id, settled.container.id}
        eventually(lambda: ids <= set(engine.removed))
        assert engine.unthrottled == ([] if fails else [unsettled.container.id])


def test_a_container_that_the_pool_does_not_know_is_removed_and_those_that_it_knows_stay() -> None:
    engine = FakeEngine()
    with pool_of(engine, upkeep_s=0.05, unknown_after_s=0.3) as pool:
        pool.keep_warm({PROFILE: WarmTarget(1, 1)})
        eventually(lambda: idle(pool) == 1)
        with pool.lease(PROFILE, tenant=None) as lease:
            eventually(lambda: idle(pool) == 1)
            unknown = engine.start(PROFILE).container_id  # As one whose creation was answered too late.
            eventually(lambda: engine.removed == [unknown])
            time.sleep(0.5)
            assert lease.run(job("true")).steps[0].outcome is Outcome.OK
            assert engine.removed == [unknown]


def test_a_container_that_is_still_being_made_is_not_taken_for_lost() -> None:
    engine = FakeEngine(ready_after_s=0.5)
    with pool_of(engine, upkeep_s=0.05, unknown_after_s=1.5) as pool:
        assert run(pool, "true") is Outcome.OK
        assert not engine.removed


def test_a_container_that_cannot_be_removed_once_is_removed_later_and_holds_up_no_other() -> None:
    engine = FakeEngine(linger_after_close=True)
    with pool_of(engine, upkeep_s=0.05, gone_after_s=0.1) as pool:
        for _ in range(2):
            with pool.lease(PROFILE, tenant=None) as lease:
                lease.run(job("true"))
        engine.failing_removals = 1
        eventually(lambda: not engine.streams)


def test_no_more_run_at_once_than_there_are_slots() -> None:
    engine = FakeEngine()
    running, most, lock = 0, 0, threading.Lock()

    def one(pool: Pool) -> None:
        nonlocal running, most
        with pool.lease(PROFILE, tenant=None) as lease:
            with lock:
                running += 1
                most = max(most, running)
            lease.run(job("sleep", "0.01"))
            with lock:
                running -= 1

    with pool_of(engine, slots=3, queue=50, wait_ms=20_000) as pool, ThreadPoolExecutor(20) as threads:
        for future in [threads.submit(one, pool) for _ in range(40)]:
            future.result()
    assert most == 3
    assert engine.started == 40


def test_no_more_containers_start_at_once_than_there_are_builders() -> None:
    engine = FakeEngine(start_s=0.02)
    with pool_of(engine, slots=8, queue=50, wait_ms=20_000) as pool, ThreadPoolExecutor(20) as threads:
        outcomes = list(threads.map(lambda _: run(pool, "true"), range(20)))
    assert set(outcomes) == {Outcome.OK}
    assert engine.most_starting <= 2


def test_a_full_queue_refuses_at_once_and_says_when_to_come_back() -> None:
    engine = FakeEngine()
    with pool_of(engine, slots=1, queue=0) as pool, pool.lease(PROFILE, tenant=None):
        with pytest.raises(PoolBusy) as caught:
            pool.lease(PROFILE, tenant=None)
        assert caught.value.retry_after_s >= 1


def test_waiting_for_a_slot_is_bounded_and_leaves_no_permit_behind() -> None:
    engine = FakeEngine()
    with pool_of(engine, slots=1, wait_ms=50) as pool:
        with pool.lease(PROFILE, tenant=None), pytest.raises(PoolBusy):
            pool.lease(PROFILE, tenant=None)
        assert pool.snapshot().in_use == 0
        assert run(pool, "true") is Outcome.OK


def test_waiting_for_a_container_is_bounded() -> None:
    engine = FakeEngine(start_s=0.5)
    with pool_of(engine, wait_ms=50) as pool:
        with pytest.raises(PoolBusy):
            pool.lease(PROFILE, tenant=None)
        assert pool.snapshot().in_use == 0


def test_an_engine_that_is_down_is_an_error_and_its_return_heals_all() -> None:
    engine = FakeEngine(failing=EngineUnavailable("down"))
    with pool_of(engine) as pool:
        with pytest.raises(EngineUnavailable):
            pool.lease(PROFILE, tenant=None)
        assert pool.snapshot().in_use == 0
        engine.failing = None
        eventually(lambda: _runs(pool))


def _runs(pool: Pool) -> bool:
    try:
        return run(pool, "true") is Outcome.OK
    except EngineUnavailable:
        return False


def test_a_missing_image_is_told_apart() -> None:
    engine = FakeEngine()
    missing = Profile("nowhere", 128 << 20, 50_000, 64, 64 << 20)
    with pool_of(engine) as pool:
        with pytest.raises(ImageMissing):
            pool.lease(missing, tenant=None)
        assert run(pool, "true") is Outcome.OK


def test_a_profile_that_is_dropped_is_drained_while_its_runs_go_on() -> None:
    engine = FakeEngine()
    with pool_of(engine) as pool:
        pool.keep_warm({PROFILE: WarmTarget(2, 2)})
        eventually(lambda: idle(pool) == 2)
        with pool.lease(PROFILE, tenant=None) as lease:
            pool.keep_warm({REUSED: WarmTarget(1, 1)})
            assert lease.run(job("true")).steps[0].outcome is Outcome.OK
        eventually(lambda: idle(pool) == 0 and idle(pool, REUSED) == 1)
        eventually(lambda: len(engine.streams) == 1)


def test_a_step_with_other_memory_resizes_the_container() -> None:
    engine = FakeEngine()
    limits = Limits(wall_ms=1000, output_bytes=100, memory_bytes=64 << 20)
    with pool_of(engine) as pool, pool.lease(PROFILE, tenant=None) as lease:
        lease.run(Job((), (Step("run", ("true",), limits),)))
        assert engine.streams[lease.container.id].memory_bytes == 64 << 20


def test_a_step_that_fails_ends_the_job() -> None:
    engine = FakeEngine()
    limits = Limits(wall_ms=1000, output_bytes=100)
    steps = (Step("compile", ("false",), limits), Step("run", ("true",), limits))
    with pool_of(engine) as pool, pool.lease(PROFILE, tenant=None) as lease:
        assert [step.name for step in lease.run(Job((), steps)).steps] == ["compile"]


def test_closing_refuses_the_new_and_lets_the_running_end() -> None:
    engine = FakeEngine()
    pool = Pool(engine, PoolConfig(2, 10, 2000), owner="me")
    pool.start()
    with ThreadPoolExecutor(2) as threads:
        running = threads.submit(run, pool, "sleep", "0.3")
        eventually(lambda: pool.snapshot().in_use == 1)
        closing = threads.submit(pool.close, grace_s=5.0)
        eventually(lambda: _refuses(pool))
        assert running.result() is Outcome.OK
        closing.result()
    assert not engine.streams


def _refuses(pool: Pool) -> bool:
    try:
        with pool.lease(PROFILE, tenant=None, wait_ms=0):
            return False
    except PoolClosed:
        return True
    except PoolBusy:
        return False


def test_closing_cancels_what_outlasts_the_grace() -> None:
    engine = FakeEngine()
    pool = Pool(engine, PoolConfig(2, 10, 2000), owner="me")
    pool.start()
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(run, pool, "sleep", "60")
        eventually(lambda: engine.started == 1)
        pool.close(grace_s=0.1)
        assert running.result() is Outcome.CANCELLED
    assert not engine.streams


def test_closing_lets_those_who_wait_have_their_turn() -> None:
    engine = FakeEngine()
    pool = Pool(engine, PoolConfig(1, 10, 60_000), owner="me")
    pool.start()
    with ThreadPoolExecutor(2) as threads:
        running = threads.submit(run, pool, "sleep", "0.3")
        eventually(lambda: pool.snapshot().in_use == 1)
        waiting = threads.submit(run, pool, "true")
        eventually(lambda: pool.snapshot().waiting == 1)
        pool.close(grace_s=5.0)
        assert running.result() is Outcome.OK
        assert waiting.result() is Outcome.OK


def test_closing_ends_the_waiting_that_outlasts_the_grace() -> None:
    engine = FakeEngine()
    pool = Pool(engine, PoolConfig(1, 10, 60_000), owner="me")
    pool.start()
    with ThreadPoolExecutor(2) as threads:
        running = threads.submit(run, pool, "sleep", "60")
        eventually(lambda: engine.started == 1)
        waiting = threads.submit(run, pool, "true")
        eventually(lambda: pool.snapshot().waiting == 1)
        pool.close(grace_s=0.1)
        assert running.result() is Outcome.CANCELLED
        with pytest.raises(PoolClosed):
            waiting.result()


def test_a_container_that_will_not_go_is_removed_by_force() -> None:
    engine = FakeEngine(linger_after_close=True)
    with pool_of(engine) as pool:
        run(pool, "true")
        eventually(lambda: bool(engine.removed))


def test_containers_of_dead_servers_are_swept_and_those_of_living_ones_stay() -> None:
    engine = FakeEngine(others={"lost": "dead", "busy": "other"})
    with pool_of(engine):
        eventually(lambda: "lost" in engine.removed)
        assert engine.others == {"busy": "other"}


def test_nothing_leaks_over_many_runs_with_every_kind_of_ending() -> None:
    engine = FakeEngine()
    words = [("true",), ("false",), ("die",), ("sleep", "0.001"), ("cat",)]

    def one(pool: Pool, number: int) -> Outcome:
        return run(pool, *words[number % 5], profile=REUSED, tenant=f"tenant-{number % 3}")

    with pool_of(engine, slots=4, queue=100, wait_ms=20_000) as pool, ThreadPoolExecutor(8) as threads:
        pool.keep_warm({REUSED: WarmTarget(1, 4)})
        threads_before = threading.active_count()
        list(threads.map(lambda number: one(pool, number), range(500)))
        assert pool.snapshot().in_use == 0
        assert len(engine.streams) <= 4 + 4 + 2
        assert threading.active_count() <= threads_before + 8


def test_what_a_dead_server_left_goes_at_the_first_look_and_what_came_after_that_at_the_end() -> None:
    engine = FakeEngine(others={"left": "dead", "theirs": "other"})
    with pool_of(engine):
        eventually(lambda: "left" in engine.removed)
        engine.others["late"] = "dead"
    assert engine.others == {"theirs": "other"}


def test_a_pool_closes_also_when_nobody_can_say_who_lives() -> None:
    def unknown(owner: str) -> bool:
        raise OSError(f"no word of {owner}")

    engine = FakeEngine(others={"left": "dead"})
    pool = Pool(engine, PoolConfig(slots=1, queue=1, wait_ms=100), owner="me", is_alive=unknown)
    pool.start()
    pool.keep_warm({PROFILE: WarmTarget(1, 1)})
    eventually(lambda: idle(pool) == 1)
    pool.close(grace_s=1.0)
    assert engine.streams == {}
    assert engine.others == {"left": "dead"}


AHEAD = Profile("python", 128 << 20, 50_000, 64, 64 << 20, runs_per_container=3, ahead=Ahead("x", ("cat", "x")))


def started_ahead(engine: FakeEngine) -> list[bool]:
    return [stream.started_ahead for stream in engine.streams.values()]


def test_a_container_that_waits_has_its_interpreter_started() -> None:
    engine = FakeEngine()
    with pool_of(engine) as pool:
        pool.keep_warm({AHEAD: WarmTarget(2, 2), PROFILE: WarmTarget(1, 1)})
        eventually(lambda: idle(pool, AHEAD) == 2 and idle(pool) == 1)
        assert sorted(started_ahead(engine)) == [False, True, True]


def test_a_container_that_is_waited_for_gets_its_job_first() -> None:
    engine = FakeEngine(start_s=0.05)
    with pool_of(engine) as pool:
        pool.keep_warm({AHEAD: WarmTarget(0, 1)})
        with pool.lease(AHEAD, tenant="key") as lease:
            assert started_ahead(engine) == [False]
            lease.run(job("true"))
        eventually(lambda: started_ahead(engine) == [True])
        assert run(pool, "true", profile=AHEAD, tenant="key") is Outcome.OK
        assert engine.started == 1


def test_a_command_that_is_too_long_to_be_started_ahead_is_run_all_the_same() -> None:
    engine = FakeEngine()
    long = dataclasses.replace(AHEAD, ahead=Ahead("x", ("cat", "x" * 20_000)))
    with pool_of(engine) as pool:
        pool.keep_warm({long: WarmTarget(1, 1)})
        eventually(lambda: idle(pool, long) == 1)
        assert started_ahead(engine) == [False]
        assert run(pool, "true", profile=long) is Outcome.OK


def test_a_lease_is_withdrawn_while_its_container_is_made() -> None:
    engine = FakeEngine(start_s=2.0)
    with pool_of(engine, wait_ms=20_000) as pool:
        withdrawal = Withdrawal()
        with ThreadPoolExecutor() as threads:
            waiting = threads.submit(pool.lease, PROFILE, tenant=None, withdrawal=withdrawal)
            eventually(lambda: engine.starting)
            began = time.monotonic()
            withdrawal.withdraw()
            with pytest.raises(Cancelled):
                waiting.result(10)
        assert time.monotonic() - began < 1.5
        assert pool.snapshot().in_use == 0


def test_a_cancel_reaches_the_container_that_takes_a_lost_ones_place() -> None:
    engine = FakeEngine()
    with pool_of(engine) as pool, pool.lease(PROFILE, tenant=None) as lease:
        engine.streams[lease.container.id].end()
        lease.cancel()
        first = lease.container
        began = time.monotonic()
        assert lease.run(job("sleep", "20", wall_ms=30_000)).steps[0].outcome is Outcome.CANCELLED
        assert lease.container is not first
    assert time.monotonic() - began < 15
