"""Taking away what builds have left on the Docker host: images of before, and what only the builder's cache names.

Only what was built here carries the label that is looked for. Whatever a container uses, a language names or has been
tested with, or has a name without a version, stays; so does what is young, since other installations may share the host
and be about to use it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.conf import settings

from languages.models import Language
from languages.toolchain import base_image, docker_host
from periodic.tasks import Stop, Task
from sandbox.engine import LEFT_AFTER_S, Images
from sandbox.errors import EngineUnavailable, SandboxError
from sandbox.types import ImageInfo

logger = logging.getLogger(__name__)

TASK = "images"
_A_VERSION = re.compile(r"gexec/[a-z0-9.+-]+:[0-9a-f]{12}")
_RUNNER = "gexec/runner:"


def prune(older_than: timedelta, *, dry_run: bool = False) -> Iterator[ImageInfo]:
    """Each image that goes, as it goes. Raises EngineUnavailable."""
    images = docker_host.images()
    if not dry_run:
        # A container that was never started keeps its image, and all that stand below it.
        images.remove_left(older_than_s=LEFT_AFTER_S)
    for image in _superseded(images, datetime.now(UTC) - older_than):
        if dry_run or _removed(images, image):
            yield image


def carry_out(stop: Stop) -> int:
    """What GEXEC_PRUNE_DAYS has become old enough for; how many images went."""
    if not settings.GEXEC_PRUNE_DAYS:
        return 0
    count = 0
    try:
        for _ in prune(timedelta(days=settings.GEXEC_PRUNE_DAYS)):
            count += 1
            if stop.is_set():
                break
    except EngineUnavailable as error:
        logger.info("images are pruned another time: %s", error)
    return count


TASKS = (
    Task(TASK, "removes images that builds have left, where GEXEC_PRUNE_DAYS is set", 86_400.0, carry_out, by_age=True),
)


def _superseded(images: Images, before: datetime) -> list[ImageInfo]:
    made = sorted(images.made_here(), key=lambda image: image.created)
    kept = images.used() | set(Language.objects.values_list("image_digest", flat=True))
    named = {*Language.objects.values_list("image", flat=True), base_image.base_tag(settings.GEXEC_DEBIAN_MIRROR)}
    # The last one compiled is the one that the next start looks for.
    runners = [image for image in made if any(name.startswith(_RUNNER) for name in image.tags)]
    kept |= {image.id for image in runners[-1:]}
    return [
        image
        for image in made
        if image.id not in kept
        and not named & set(image.tags)
        and all(_A_VERSION.fullmatch(name) for name in image.tags)
        and _created(image) < before
    ]


def _removed(images: Images, image: ImageInfo) -> bool:
    try:
        for name in image.tags or (image.id,):
            images.remove(name)
    except SandboxError as error:
        # A container was started from it meanwhile, or another image stands on it: another time, then.
        logger.info("the image %s stays: %s", image.id, error)
        return False
    return True


def _created(image: ImageInfo) -> datetime:
    """To the second: the engine writes nanoseconds."""
    return datetime.fromisoformat(image.created[:19]).replace(tzinfo=UTC)
