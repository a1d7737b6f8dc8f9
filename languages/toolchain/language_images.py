"""The images of languages on the Docker host: built from a folder or pulled, found, and dropped when none needs them.

A language's image carries two names: `gexec/python`, and `gexec/python:<hash>` after what it was made of, which tells
without asking whether the folder has changed since.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from functools import lru_cache

from django.conf import settings
from django.db.models import Q, QuerySet

from languages import folders
from languages.documents import BadDescription
from languages.folders import Folder
from languages.models import Language
from languages.options import MIB
from languages.toolchain import base_image, docker_host, pulling, registries
from languages.toolchain.base_image import Recipe, Report
from languages.toolchain.errors import InstallError
from sandbox.errors import SandboxError
from sandbox.types import ImageInfo

logger = logging.getLogger(__name__)

BUILDS_AT_ONCE = 2
"""While one waits for its downloads the other compiles; more would only share the processors."""


def ensure_base(report: Report, *, refresh: bool = False) -> str:
    """See that the base image is there and return its name. Raises InstallError, EngineUnavailable."""
    return base_image.ensure_base(docker_host.images(), report, mirror=settings.GEXEC_DEBIAN_MIRROR, refresh=refresh)


def build(
    language: Language, report: Report, *, refresh: bool = False, on_line: Report = lambda _line: None
) -> ImageInfo:
    """Build the image from the language's folder; at once where it is there already, unless refreshed.

    refresh: make every layer anew, with the packages of today. Raises InstallError with the end of the build's log.
    """
    folder = folder_of(language.slug)
    images = docker_host.images()
    base = ensure_base(report)
    tag = _tag(folder, base)
    found = None if refresh else images.find(tag)
    if found is None:
        with _turns(settings.GEXEC_BUILD_MEMORY_MB):
            report(f"{language.slug}: building {folder.image}")
            recipe = _recipe(tag, folder, base, report)
            found = base_image.build_image(images, recipe, no_cache=refresh, on_line=on_line)
    images.tag(tag, folder.image)
    return found


def pull(language: Language, report: Report) -> ImageInfo:
    """Fetch the language's image from its registry. Raises InstallError, EngineUnavailable where Docker is away."""
    report(f"{language.slug}: pulling {language.image}")
    images = docker_host.images()
    images.ping()
    try:
        return images.pull(language.image, report)
    except SandboxError as error:
        raise InstallError(pulling.explained(language.image, str(error))) from error


def image_of(language: Language, *, timeout_s: float = docker_host.INSTALLING_S) -> ImageInfo | None:
    """What the Docker host has under the language's image name. Raises EngineUnavailable."""
    return docker_host.images(timeout_s=timeout_s).find(language.image)


def is_absent(slug: str) -> bool:
    """Whether the folder's image would have to be built. Raises InstallError, EngineUnavailable."""
    return docker_host.images().find(folder_of(slug).image) is None


def tag_of(slug: str, base: str) -> str:
    """What its image is called when it is built on this base from the folder as it is. Raises InstallError."""
    return _tag(folder_of(slug), base)


def drop(digest: str) -> None:
    """Let an image go that nothing runs in any more; one that a container still uses stays."""
    images = docker_host.images()
    try:
        image = images.find(digest)
        if image is None or any(not name.startswith("gexec/") for name in image.tags):
            return
        for name in image.tags or (digest,):
            images.remove(name)
    except SandboxError as error:
        logger.info("the old image %s stays for now: %s", digest, error)


def drop_named(language: Language) -> bool:
    """Let the image of a language that was removed go. False where there is none, or another language needs it.

    An image that was built here loses all names that it got here; of any other only the language's own name is taken
    away. Raises SandboxError where a container uses it, or Docker does not answer.
    """
    found = image_of(language)
    if found is None or needed_by_others(language, found).exists():
        return False
    images = docker_host.images()
    own = [name for name in found.tags if name.startswith(f"{language.image}:")]
    for name in own if language.image.startswith(pulling.OWN) else [language.image]:
        images.remove(name)
    tested = language.image_digest
    if tested not in {"", found.id} and not Language.objects.filter(image_digest=tested).exists():
        drop(tested)
    return True


def needed_by_others(language: Language, image: ImageInfo | None) -> QuerySet[Language]:
    """The other languages that name its image, or run in what is there under that name."""
    is_needed = Q(image=language.image) | (Q(image_digest=image.id) if image else Q())
    return Language.objects.exclude(pk=language.pk).filter(is_needed)


def folder_of(slug: str) -> Folder:
    """The folder of that name. Raises InstallError where there is none, or it describes no language."""
    try:
        return folders.read(slug)
    except BadDescription as error:
        raise InstallError(str(error)) from error


def builds_at_once(memory_mb: int) -> int:
    """How many builds that may have so much memory each find room on this machine; one in any case."""
    host_mb = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // MIB
    return max(1, min(BUILDS_AT_ONCE, host_mb // memory_mb))


@lru_cache(maxsize=1)
def _turns(memory_mb: int) -> threading.BoundedSemaphore:
    """The turns of this process's builds."""
    return threading.BoundedSemaphore(builds_at_once(memory_mb))


def _recipe(tag: str, folder: Folder, base: str, report: Report) -> Recipe:
    """With what this host needs to reach the registries; the tag tells only of what the image is made of."""
    context, ca = folder.context(), settings.GEXEC_BUILD_CA
    if ca:
        context = registries.with_certificates(context, registries.certificates(ca))
    arguments = {**registries.proxies(report), "BASE": base}
    return Recipe(tag, context, arguments, "language", memory_bytes=settings.GEXEC_BUILD_MEMORY_MB * MIB)


def _tag(folder: Folder, base: str) -> str:
    made_of = hashlib.sha256(base.encode() + folder.context()).hexdigest()[:12]
    return f"{folder.image}:{made_of}"
