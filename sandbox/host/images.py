"""The images of languages on this host: which of those that are wanted are there, and how the others get there.

Theory of operation. Web processes say what is kept warm, and with it which images programs may need. Where a registry
is named, this host fetches those that it has not before it asks for its first job, and what is wanted later while its
slots go on; a job that needs one meanwhile waits for it. An image is named by its own digest in the registry, too, and
is used only where that is what came: a registry can withhold an image, and never change one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterable

from sandbox.engine import Images
from sandbox.errors import Cancelled, ImageMissing, SandboxError
from sandbox.hosts import ImageState, is_digest, registry_name

logger = logging.getLogger(__name__)

_LOOK_S = 15.0
_AGAIN_S = 30.0
"""After a registry that had not what was wanted, or did not answer."""
_KEPT_S = 3600.0
"""An image that came from the registry is kept so long after nobody wanted it any more."""
_MOST_PROBLEM = 200


class HostImages:
    """Used by the event loop; what asks Docker runs in threads."""

    def __init__(self, images: Images, registry: str = "") -> None:
        """`registry` is its address, such as registry.example.org:5000; empty: nothing is fetched."""
        self.ready = asyncio.Event()
        """Set once all that was wanted first is there, or was looked for."""
        self._images = images
        self._registry = registry
        self._wanted: frozenset[str] = frozenset()
        self._is_told = asyncio.Event()
        self._there: set[str] = set()
        self._unwanted_since: dict[str, float] = {}
        self._fetching: dict[str, asyncio.Task[None]] = {}
        self._problems: dict[str, tuple[str, float]] = {}
        """Why an image could not be had, and when that was."""
        self._ended: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()
        self._stopped = False
        if not registry:
            self.ready.set()

    def want(self, images: Iterable[str]) -> None:
        """These are what programs may need from now on; names that are no digests are nobody's to fetch."""
        wanted = frozenset(each for each in images if is_digest(each))
        since = dict.fromkeys(self._wanted - wanted, time.monotonic())
        self._unwanted_since = {
            each: at for each, at in {**since, **self._unwanted_since}.items() if each not in wanted
        }
        self._wanted = wanted
        self._is_told.set()

    def ran(self, image: str, *, has_result: bool) -> None:
        """A program has ended in it; without a result where the host failed."""
        (self._ended if has_result else self._failed)[image] += 1

    def states(self) -> tuple[ImageState, ...]:
        """Of all that are wanted."""
        return tuple(
            ImageState(
                each,
                there=each in self._there,
                programs=self._ended[each],
                failures=self._failed[each],
                problem="" if each in self._there else self._problems.get(each, ("", 0.0))[0],
            )
            for each in sorted(self._wanted)
        )

    async def keep(self) -> None:
        """Have what is wanted, for as long as the host lives."""
        while not self._stopped:
            await self._is_told.wait()
            self._is_told.clear()
            try:
                for image in sorted(self._wanted):
                    await self._look(image)
                await self._drop_unwanted()
            except SandboxError as error:
                logger.warning("the images are looked for later: %s", error)
            except Exception:
                logger.exception("looking for the images failed and goes on")
            self.ready.set()
            asyncio.get_running_loop().call_later(_LOOK_S, self._is_told.set)

    async def need(self, images: Iterable[str]) -> None:
        """Fetch what of these is not there: a job waits for them. What cannot be had is found missing by its start."""
        for image in images:
            if self._registry and is_digest(image) and image not in self._there:
                await self._fetch(image)

    def stop(self) -> None:
        """Leave off fetching."""
        self._stopped = True

    async def _look(self, image: str) -> None:
        if await asyncio.to_thread(self._images.find, image) is not None:
            self._there.add(image)
            return
        self._there.discard(image)
        _, failed_at = self._problems.get(image, ("", 0.0))
        if self._registry and (not failed_at or time.monotonic() - failed_at > _AGAIN_S):
            await self._fetch(image)

    async def _fetch(self, image: str) -> None:
        """Once, however many wait for it. Raises nothing: states tell what went wrong."""
        if image not in self._fetching:
            fetching = asyncio.create_task(self._fetched(image))
            fetching.add_done_callback(lambda _: self._fetching.pop(image, None))
            self._fetching[image] = fetching
        await asyncio.shield(self._fetching[image])

    async def _fetched(self, image: str) -> None:
        try:
            await asyncio.to_thread(self._pull, image)
        except Exception as error:  # noqa: BLE001 (a job waits, and is told by its start)
            logger.warning("%s cannot be had from %s: %s", image, self._registry, error)
            shown = "".join(sign if sign.isprintable() else " " for sign in str(error))
            self._problems[image] = (shown[:_MOST_PROBLEM], time.monotonic())
        else:
            self._there.add(image)

    def _pull(self, image: str) -> None:
        if self._images.find(image) is not None:
            return
        name = registry_name(self._registry, image)
        logger.info("fetching %s", name)
        found = self._images.pull(name, self._go_on)
        if found.id != image:
            self._images.remove(name)
            raise ImageMissing(f"what {name} names is another image, {found.id}")

    def _go_on(self, _line: str) -> None:
        if self._stopped:
            raise Cancelled("the host ends")

    async def _drop_unwanted(self) -> None:
        """Take away the names that keep what came from the registry, of what nobody has wanted for long."""
        late = time.monotonic() - _KEPT_S
        for image in [each for each, since in self._unwanted_since.items() if since < late]:
            del self._unwanted_since[image]
            self._there.discard(image)
            if self._registry:
                await asyncio.to_thread(self._images.remove, registry_name(self._registry, image))
