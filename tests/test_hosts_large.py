"""What is larger than a message of NATS gets to hosts and back: by digest, and checked."""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import nats
import pytest

from dispatch.backends.nats import Nats
from dispatch.base import Leftover, Started, Task, result_of
from sandbox import bus
from sandbox.contents import Reference, reference_to
from sandbox.errors import NotCarried
from sandbox.messages import Assignment, MessageError, decode, packed, references
from sandbox.parcels import PART_BYTES, Cache, ContentsMissing, fetch
from sandbox.types import ArtifactRequest, File, Job, Limits, Step
from testkit.hosts import Fleet, fleet
from testkit.waiting import eventually
from tests.test_dispatch_contract import MIB, PATH, PROFILE
from tests.test_host_messages import ASSIGNMENT

LIMITS = Limits(wall_ms=30_000, output_bytes=8 * MIB)


@pytest.fixture(scope="module")
def hosts(prepared_data_dir: Path) -> Iterator[Fleet]:
    """NATS as it is without configuration: a message has a megabyte at most."""
    with fleet("large", configuration="") as made:
        yield made


@pytest.fixture
def web(hosts: Fleet) -> Iterator[Callable[[], Nats]]:
    """Makes the part of a web process that speaks to hosts."""
    made: list[Nats] = []

    def make() -> Nats:
        made.append(Nats(hosts.url, slots=4, queue=4, wait_ms=20_000))
        eventually(made[-1].link.hosts)
        return made[-1]

    yield make
    for each in made:
        each.close(grace_s=0)


def asked(script: str, *files: File, stdin: bytes = b"", artifacts: ArtifactRequest | None = None) -> Task:
    step = Step("run", ("sh", "-c", script), LIMITS, PATH, stdin=stdin)
    return Task(id=secrets.token_hex(8), profile=PROFILE, job=Job(files, (step,), artifacts=artifacts))


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def stored(hosts: Fleet, bucket: str, *, purge: bool = False) -> int:
    """How many values a bucket has; with `purge` none of them from now on."""

    async def ask() -> int:
        nc = await nats.connect(hosts.url)
        js = nc.jetstream()
        if purge:
            await js.purge_stream(f"KV_{bucket}")
        found = (await js.stream_info(f"KV_{bucket}")).state.messages
        await nc.close()
        return int(found)

    return asyncio.run(ask())


def test_large_files_and_input_reach_the_program_and_are_left_once(hosts: Fleet, web: Callable[[], Nats]) -> None:
    data, typed = os.urandom(5 * MIB), os.urandom(3 * MIB)
    backend = web()
    for _ in range(2):
        # Once from NATS, and once from what the host has kept.
        result = result_of(backend.submit(asked("sha256sum <data; sha256sum", File("data", data), stdin=typed)))
        printed = result.steps[0].stdout.decode().split()
        assert printed == [digest(data), "-", digest(typed), "-"]
    assert stored(hosts, bus.INPUTS) == -(-len(data) // PART_BYTES) + -(-len(typed) // PART_BYTES)


def test_many_small_files_go_as_one(web: Callable[[], Nats]) -> None:
    files = [File(f"{number:03}", os.urandom(30_000)) for number in range(60)]
    result = result_of(web().submit(asked("cat 0* | sha256sum", *files)))
    assert result.steps[0].stdout.decode().split()[0] == digest(b"".join(each.content for each in files))


def test_what_nats_has_lost_is_left_once_more(hosts: Fleet, web: Callable[[], Nats]) -> None:
    data, backend = os.urandom(2 * MIB), web()
    backend.link.leave({digest(data): data})
    stored(hosts, bus.INPUTS, purge=True)
    result = result_of(backend.submit(asked("sha256sum <data", File("data", data))))
    assert result.steps[0].stdout.decode().split()[0] == digest(data)


def test_a_large_result_outlives_the_process_that_asked_for_it(hosts: Fleet, web: Callable[[], Nats]) -> None:
    script = "sleep 1; head -c 3000000 /dev/zero | tr '\\0' x; head -c 2000000 /dev/urandom >file"
    what = asked(script, artifacts=ArtifactRequest(("file",), 1, 4 * MIB))
    dies, lives = web(), web()
    events = dies.submit(what).events()
    assert isinstance(next(events), Started)
    dies.link.close()

    def ends() -> list[Leftover]:
        return [each for each in lives.leftovers(most=10, timeout_s=1) if each.task_id == what.id]

    (end,) = eventually(ends)
    result = end.whole().result
    assert result is not None
    assert result.steps[0].stdout == b"x" * 3_000_000
    assert result.artifacts[0].size_bytes == len(result.artifacts[0].content or b"") == 2_000_000
    assert stored(hosts, bus.OUTPUTS)
    end.done()
    assert not stored(hosts, bus.OUTPUTS)
    events.close()


def test_what_is_larger_than_any_job_is_refused_with_its_size(
    web: Callable[[], Nats], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.contents.MOST_BYTES", MIB)
    with pytest.raises(NotCarried, match="1048577 bytes"):
        result_of(web().submit(asked("true", File("data", bytes(MIB + 1)))))


def test_contents_that_are_something_else_are_not_taken(hosts: Fleet) -> None:
    """Whoever may write to the bucket may change what lies there, and no more."""
    reference = reference_to(b"what was meant")

    async def swap() -> None:
        nc = await nats.connect(hosts.url)
        inputs = (await bus.set_up(nc.jetstream())).inputs
        await inputs.put(f"{reference.sha256}.0", b"what was given")
        try:
            await fetch(inputs, reference)
        finally:
            await nc.close()

    with pytest.raises(ContentsMissing, match="something else"):
        asyncio.run(swap())


def test_what_looks_like_a_reference_and_is_none_stays_what_it_is() -> None:
    looks = {"sha256": "0" * 64, "size": "1"}
    step = Step("run", ("true",), LIMITS, looks, stdin=bytes(2 * MIB))
    assignment = Assignment("01", 1, "gexec.run.w.01.1.a", PROFILE, Job((), (step,)), "batch")
    data, apart = packed(assignment, most_bytes=8 * MIB)
    assert references(data) == {reference_to(bytes(2 * MIB))}
    assert decode(data, Assignment, apart) == assignment
    with pytest.raises(MessageError, match="stdin is apart"):
        decode(data, Assignment)


def test_small_jobs_go_whole() -> None:
    data, apart = packed(ASSIGNMENT, most_bytes=MIB)
    assert not apart
    assert decode(data, Assignment) == ASSIGNMENT


def test_a_host_keeps_what_was_used_last_within_a_bound() -> None:
    cache = Cache(100)
    first, second, third = (Reference(str(number), 40) for number in range(3))
    for each in (first, second):
        cache.keep(each, bytes(40))
    assert cache.get(first)
    cache.keep(third, bytes(40))
    assert [cache.get(each) is not None for each in (first, second, third)] == [True, False, True]
    cache.keep(Reference("large", 101), bytes(101))
    assert cache.get(Reference("large", 101)) is None
