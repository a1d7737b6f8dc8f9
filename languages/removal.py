"""Removing a language: what follows from it, told before, and the row and its image taken away.

Theory of operation. The row goes at once, and with it the language's name for requests. Executions have their own copy
of the name and stay as they are. The image can go only when no container uses it any more; the warm ones end within
seconds of the row, so taking it away is tried again for a while.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from contextvars import copy_context
from dataclasses import dataclass

from django.db import Error

from languages import folders
from languages.models import Language, note
from languages.toolchain import docker_host, language_images
from languages.usage import executions_of
from rest.connections import release_connection
from sandbox.errors import SandboxError
from sandbox.types import ImageInfo

logger = logging.getLogger(__name__)

IMAGE_FREE_S = 60.0
"""A program that was running in it when the language went ends within its time limit, most within this."""
TRY_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Consequences:
    """What follows where a language is removed."""

    language: Language
    executions: str
    """How many there are, or `more than` so many."""
    image: ImageInfo | None
    """None where it is not on the host, or the host does not answer."""
    image_needed_by: tuple[str, ...]
    """Languages that name the image, or run in it: it stays for them."""
    is_from_folder: bool

    @property
    def names(self) -> str:
        """All that a request may call it."""
        return ", ".join([self.language.slug, *self.language.aliases])

    @property
    def refused(self) -> str:
        """What requests meet."""
        already = "" if self.language.enabled else ", as they are already while it is disabled"
        return f"requests for {self.names} are refused{already}"

    @property
    def kept(self) -> str:
        """What stays of what it did."""
        return f"{self.executions} executions keep its name"

    @property
    def image_stays(self) -> str:
        """What becomes of its image where nothing is done about it."""
        name = self.language.image
        if self.image_needed_by:
            return f"its image {name} stays: {', '.join(self.image_needed_by)} needs it"
        if self.image is None:
            return f"its image {name} is not seen on the Docker host"
        return f"its image {name} stays; `docker rmi {name}` removes it"


def consequences_of(language: Language) -> Consequences:
    """What removing it brings. Quick: rows are counted up to a bound, and Docker is not waited for long."""
    try:
        image = language_images.image_of(language, timeout_s=docker_host.PAGE_S)
    except SandboxError:
        image = None
    needing = language_images.needed_by_others(language, image)
    return Consequences(
        language=language,
        executions=executions_of(language.slug),
        image=image,
        image_needed_by=tuple(needing.values_list("slug", flat=True)),
        is_from_folder=language.slug in folders.slugs(),
    )


def remove(languages: Iterable[Language], *, images: bool = False) -> None:
    """Take them away now, and their images, where nothing needs them, when no container uses them any more."""
    for language in list(languages):
        key = language.pk
        language.delete()
        language.pk = key
        if images:
            work = copy_context().run
            threading.Thread(target=work, args=[_drop_later, language], name="image-removal", daemon=True).start()


def drop_image(language: Language, *, within_s: float = IMAGE_FREE_S) -> bool:
    """Take the image of a language that is gone off the host; False where others need it.

    Raises SandboxError where a container still uses it after `within_s`, or Docker does not answer.
    """
    until = time.monotonic() + within_s
    while True:
        try:
            dropped = language_images.drop_named(language)
        except SandboxError:
            if time.monotonic() > until:
                raise
            time.sleep(TRY_EVERY_S)
        else:
            if dropped:
                note(language, f"Image {language.image} removed.")
            return dropped


def _drop_later(language: Language) -> None:
    try:
        drop_image(language)
    except (SandboxError, Error) as error:
        logger.warning("the image %s of a language that was removed stays: %s", language.image, error)
    finally:
        release_connection()
