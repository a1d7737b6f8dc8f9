"""Ends as they are stored, and what hosts could not do, as this process knows them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from nats.aio.msg import Msg

from dispatch.base import Leftover
from dispatch.hosted.silence import says_lost
from dispatch.link import Link
from sandbox.contents import is_one
from sandbox.errors import (
    Cancelled,
    ContainerLost,
    EngineUnavailable,
    HostLost,
    ImageMissing,
    NotCarried,
    PoolBusy,
    PoolClosed,
    SandboxError,
)
from sandbox.messages import MAX_BYTES, Ended, Failure, MessageError, decode
from sandbox.types import JobResult

logger = logging.getLogger(__name__)

_LATER_S = 1.0
_KINDS: Mapping[str, type[SandboxError]] = {
    kind.__name__: kind
    for kind in (Cancelled, ContainerLost, EngineUnavailable, HostLost, ImageMissing, NotCarried, PoolClosed)
}


def leftovers(link: Link, *, most: int, timeout_s: float) -> list[Leftover]:
    """As Backend has it."""
    found = []
    for message in link.fetch_ends(most=most, timeout_s=timeout_s):
        done, later = partial(link.done, message), partial(link.later, message, delay_s=_LATER_S)
        try:
            ended = decode(message.data, Ended)
        except MessageError as error:
            logger.error("an end that is not understood is dropped: %s", error)
            done()
            continue
        found.append(_leftover(link, message, ended, done, later))
    return found


def whole(link: Link, ended: Ended) -> Ended:
    """The end with its result, where that was cut and is there. Raises HostsUnavailable."""
    result = _whole_result(link, ended) if ended.cut else None
    return ended if result is None else replace(ended, result=result, cut=False)


def error_of(failure: Failure) -> SandboxError:
    """What a host could not do, as it would be raised here."""
    if failure.kind == PoolBusy.__name__:
        return PoolBusy(failure.message, retry_after_s=max(1, min(60, failure.retry_after_s)))
    return _KINDS.get(failure.kind, EngineUnavailable)(failure.message)


def _leftover(link: Link, message: Msg, ended: Ended, done: Callable[[], None], later: Callable[[], None]) -> Leftover:
    result, goes_on = None if ended.cut else ended.result, False
    lost = ended.cut or ended.begun or says_lost(ended)
    if ended.whole is not None:
        done = partial(_done_whole, link, message, ended)
        more = partial(_whole_result, link, ended)
        return Leftover(ended.id, ended.attempt, None, lost, goes_on, done, later, more)
    goes_on = result is None and link.place_of_job(ended.id, ended.attempt) is not None
    return Leftover(ended.id, ended.attempt, result, lost, goes_on, done, later)


def _done_whole(link: Link, message: Msg, ended: Ended) -> None:
    link.done(message)
    link.forget_end(ended.id, ended.attempt)


def _whole_result(link: Link, ended: Ended) -> JobResult | None:
    """The result of an end that was cut. Raises HostsUnavailable."""
    if ended.whole is None or not is_one(ended.whole) or ended.whole.size > MAX_BYTES:
        return None
    data = link.whole_end(ended.id, ended.attempt, ended.whole)
    try:
        found = None if data is None else decode(data, Ended)
    except MessageError as error:
        logger.warning("the end of %s is not understood: %s", ended.id, error)
        return None
    fits = found is not None and (found.id, found.attempt) == (ended.id, ended.attempt)
    return found.result if found is not None and fits else None
