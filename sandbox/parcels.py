"""Contents that are left with NATS until somebody has fetched them: parts of a bucket's values, gone after a time.

What is left is named by its digest, so that whoever leaves the same does no harm to who fetches it meanwhile; and it is
checked by that when it is fetched, whoever has left it.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from nats.js.errors import KeyNotFoundError
from nats.js.kv import KeyValue

from sandbox.contents import Reference

T = TypeVar("T")

PART_BYTES = 256 * 1024
_AT_ONCE = 8
_LATE_S = 3.0
"""A server of a cluster may not have yet what another one has just taken."""
_AGAIN_S = 0.2


class ContentsMissing(Exception):
    """They are not there, or not what they should be."""


async def leave(bucket: KeyValue, reference: Reference, data: bytes, *, below: str = "") -> None:
    """Have the contents stored. Raises what NATS does."""
    at_once = asyncio.Semaphore(_AT_ONCE)

    async def put(number: int) -> None:
        async with at_once:
            await bucket.put(_key(below, reference, number), data[number * PART_BYTES : (number + 1) * PART_BYTES])

    await _all(put(number) for number in range(_parts(reference)))


async def fetch(bucket: KeyValue, reference: Reference, *, below: str = "") -> bytes:
    """The contents. Raises ContentsMissing, and what NATS does."""
    at_once = asyncio.Semaphore(_AT_ONCE)
    give_up_at = time.monotonic() + _LATE_S

    async def get(number: int) -> bytes:
        async with at_once:
            while True:
                try:
                    return (await bucket.get(_key(below, reference, number))).value or b""
                except KeyNotFoundError:
                    if time.monotonic() > give_up_at:
                        raise ContentsMissing(f"part {number} of {reference.sha256} is not there") from None
                await asyncio.sleep(_AGAIN_S)

    data = b"".join(await _all(get(number) for number in range(_parts(reference))))
    if not reference.fits(data):
        raise ContentsMissing(f"what lies there as {reference.sha256} is something else")
    return data


async def _all(calls: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """What they come to; where one fails, the others end."""
    tasks = [asyncio.ensure_future(each) for each in calls]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for each in tasks:
            each.cancel()


def _parts(reference: Reference) -> int:
    return -(-reference.size // PART_BYTES)


def _key(below: str, reference: Reference, number: int) -> str:
    return ".".join([*filter(None, [below]), reference.sha256, str(number)])


class Cache:
    """Contents that were used lately, in so many bytes. For one thread."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    def get(self, reference: Reference) -> bytes | None:
        """They, where they are kept."""
        if (data := self._kept.get(reference.sha256)) is not None:
            self._kept.move_to_end(reference.sha256)
        return data

    def keep(self, reference: Reference, data: bytes) -> None:
        """Keep them, and forget what was used longest ago where there is no room."""
        if reference.size > self._most_bytes or reference.sha256 in self._kept:
            return
        self._kept[reference.sha256] = data
        self._bytes += len(data)
        while self._bytes > self._most_bytes:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= len(dropped)
