"""How many containers are kept warm: between the operator's bounds, by what is asked for. On the bookkeeping alone."""

from __future__ import annotations

from sandbox.pool.inventory import ProfileInventory
from sandbox.types import Profile, WarmTarget

PROFILE = Profile("python", 128 << 20, 50_000, 64, 64 << 20)


def inventory(minimum: int = 1, maximum: int = 4) -> ProfileInventory:
    return ProfileInventory(PROFILE, WarmTarget(minimum, maximum))


def pass_time(of: ProfileInventory, seconds: int, *, arrivals_per_s: int = 0) -> None:
    for _ in range(seconds):
        of.arrivals += arrivals_per_s
        of.note_demand(1.0)


def test_at_rest_the_minimum_is_kept() -> None:
    assert inventory().target == 1
    assert inventory(minimum=0).target == 0


def test_a_steady_stream_raises_the_target_to_what_arrives_while_two_are_made() -> None:
    busy = inventory(maximum=10)
    busy.build_s = 0.5
    pass_time(busy, 120, arrivals_per_s=4)
    assert busy.target == 4


def test_the_maximum_holds_whatever_arrives() -> None:
    busy = inventory()
    pass_time(busy, 60, arrivals_per_s=100)
    for _ in range(100):
        busy.note_shortage()
    assert busy.target == 4


def test_each_wait_for_a_container_keeps_one_more() -> None:
    burst = inventory()
    burst.note_shortage()
    assert burst.target == 2
    burst.note_shortage()
    assert burst.target == 3


def test_what_was_short_is_forgotten_and_the_target_returns_to_the_minimum() -> None:
    burst = inventory()
    for _ in range(4):
        burst.note_shortage()
    pass_time(burst, 150)
    assert burst.target == 1


def test_after_a_stream_has_ended_the_target_returns_to_the_minimum() -> None:
    busy = inventory(maximum=10)
    pass_time(busy, 60, arrivals_per_s=8)
    assert busy.target > 1
    pass_time(busy, 120)
    assert busy.target == 1


def test_a_language_that_may_keep_none_keeps_none() -> None:
    cold = inventory(minimum=0, maximum=0)
    cold.note_shortage()
    pass_time(cold, 5, arrivals_per_s=50)
    assert cold.target == 0
