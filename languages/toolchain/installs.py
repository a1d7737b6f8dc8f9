"""Installing languages: their base image, their own images, their self-tests. For serve, the command and the admin.

Theory of operation. A language's image carries two names: `gexec/python`, and `gexec/python:<hash>` after what it was
made of, which tells without asking whether the folder has changed since. The row's `image_digest` is the image on which
the self-test last passed, and programs run in that one: a rebuilt image goes live when it has passed, and a build or a
test that fails leaves what was there working.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone

from languages import folders
from languages.documents import BadDescription
from languages.folders import Folder
from languages.models import Language
from languages.selftest.cases import cases_for
from languages.selftest.run import Verdict, reported_version, run_cases
from languages.toolchain import base_image, docker_host
from languages.toolchain.base_image import Recipe, Report
from languages.toolchain.errors import InstallError
from sandbox.engine import Images
from sandbox.errors import SandboxError
from sandbox.types import ImageInfo

OnVerdict = Callable[[Verdict], None]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TestResult:
    """A self-test's verdicts on one image."""

    __test__ = False

    image: ImageInfo
    version: str
    verdicts: tuple[Verdict, ...]

    @property
    def passed(self) -> bool:
        return all(verdict.passed for verdict in self.verdicts)


def ensure_base(report: Report, *, refresh: bool = False) -> str:
    """See that the base image is there and return its name. Raises InstallError, EngineUnavailable."""
    return base_image.ensure_base(docker_host.images(), report, mirror=settings.GEXEC_DEBIAN_MIRROR, refresh=refresh)


def ensure(slugs: Iterable[str], report: Report) -> list[Language]:
    """See that these languages are loaded, built and tested; one that is new is enabled. Quick when all is there.

    Raises InstallError where a language does not work; one that worked before is reported and goes on as it was.
    """
    return [_ensure_one(slug, report) for slug in slugs]


def load_folder(slug: str, *, force: bool = False) -> Language:
    """The row of the folder's language, made where it is missing. What an admin changed stays, unless forced.

    Raises InstallError for a folder that is no language, or whose names are taken.
    """
    folder = _folder(slug)
    language = Language.objects.filter(slug=slug).first()
    if language is not None and not force:
        return language
    language = language or Language(slug=slug)
    for name, value in folder.fields.items():
        setattr(language, name, value)
    try:
        language.full_clean()
    except ValidationError as error:
        raise InstallError(f"{slug}: {'; '.join(error.messages)}") from error
    language.save()
    return language


def build(
    language: Language, report: Report, *, refresh: bool = False, on_line: Report = lambda _line: None
) -> ImageInfo:
    """Build the image from the language's folder; at once where it is there already, unless refreshed.

    refresh: make every layer anew, with the packages of today. Raises InstallError with the end of the build's log.
    """
    folder = _folder(language.slug)
    images = docker_host.images()
    base = ensure_base(report)
    tag = _tag(folder, base)
    found = None if refresh else images.find(tag)
    if found is None:
        report(f"{language.slug}: building {folder.image}")
        recipe = Recipe(tag, folder.context(), {"BASE": base}, "language")
        found = base_image.build_image(images, recipe, no_cache=refresh, on_line=on_line)
    images.tag(tag, folder.image)
    return found


def pull(language: Language, report: Report) -> ImageInfo:
    """Fetch the language's image from its registry. Raises ImageMissing, EngineUnavailable."""
    report(f"{language.slug}: pulling {language.image}")
    return docker_host.images().pull(language.image, report)


def image_of(language: Language, *, timeout_s: float = docker_host.INSTALLING_S) -> ImageInfo | None:
    """What the Docker host has under the language's image name. Raises EngineUnavailable."""
    return docker_host.images(timeout_s=timeout_s).find(language.image)


def test(
    language: Language,
    report: Report,
    *,
    on_verdict: OnVerdict | None = None,  # noqa: PT028 (this is no test function)
) -> TestResult:
    """Run the self-test on the image that is there; where it passes, the row takes the image, its version and the time.

    Raises InstallError where there is no image, SandboxError where the sandbox fails.
    """
    images = docker_host.images()
    image = images.find(language.image)
    if image is None:
        raise InstallError(f"{language.slug}: {language.image_is_missing}")
    if not cases_for(language):
        raise InstallError(f"{language.slug}: there is nothing to test; give it an example, a program that ends well")
    report(f"{language.slug}: testing {language.image}")
    result = TestResult(
        image, reported_version(language, image.id), tuple(run_cases(language, image.id, on_verdict or _ignore))
    )
    if language.start_ahead and not any(verdict.started_ahead for verdict in result.verdicts):
        report(f"{language.slug}: cannot be started ahead: it did not wait where it opens {language.source_file}")
    if result.passed:
        _accept(images, language, result)
    return result


def enable(language: Language, *, timeout_s: float = docker_host.INSTALLING_S) -> None:
    """Let requests use it. Raises InstallError unless its self-test passed on the image that is there."""
    image = image_of(language, timeout_s=timeout_s)
    if reason := language.why_not_enabled(image.id if image else None):
        raise InstallError(f"{language.slug}: not enabled: {reason}")
    _write(language, enabled=True)


def disable(language: Language) -> None:
    """Refuse new requests for it."""
    _write(language, enabled=False)


def _ensure_one(slug: str, report: Report) -> Language:
    language = load_folder(slug)
    try:
        _bring_up(language, report)
    except (InstallError, SandboxError) as error:
        if not language.image_digest or docker_host.images().find(language.image_digest) is None:
            raise
        report(f"{slug}: stays as it was: {error}")
    return language


def _bring_up(language: Language, report: Report) -> None:
    image = _image(language, report)
    is_new = language.tested_at is None
    if not is_new and image.id == language.image_digest:
        return
    failed = [verdict for verdict in test(language, report).verdicts if not verdict.passed]
    if failed:
        raise InstallError(f"{language.slug}: the self-test {failed[0].case} failed: {failed[0].problem}")
    if is_new:
        enable(language)
        report(f"{language.slug}: {language.version} is ready")


def _image(language: Language, report: Report) -> ImageInfo:
    """The image of the row: built from the folder, unless an admin has named another one."""
    if language.image == _folder(language.slug).image:
        return build(language, report)
    return image_of(language) or pull(language, report)


def _accept(images: Images, language: Language, result: TestResult) -> None:
    old = language.image_digest
    _write(language, image_digest=result.image.id, version=result.version, tested_at=timezone.now())
    if old and old != result.image.id and not Language.objects.filter(image_digest=old).exists():
        _drop_names(images, old)


def _write(language: Language, **values: object) -> None:
    """Only these columns: an admin may have changed others meanwhile."""
    for name, value in values.items():
        setattr(language, name, value)
    language.save(update_fields=[*values, "updated_at"])


def _ignore(_verdict: Verdict) -> None:
    """For callers that only want the result."""


def _drop_names(images: Images, digest: str) -> None:
    """Let an image go that nothing runs in any more; one that a container still uses stays."""
    try:
        image = images.find(digest)
        if image is None or any(not name.startswith("gexec/") for name in image.tags):
            return
        for name in image.tags or (digest,):
            images.remove(name)
    except SandboxError as error:
        logger.info("the old image %s stays for now: %s", digest, error)


def _tag(folder: Folder, base: str) -> str:
    made_of = hashlib.sha256(base.encode() + folder.context()).hexdigest()[:12]
    return f"{folder.image}:{made_of}"


def _folder(slug: str) -> Folder:
    """The folder of that name; what is wrong with it keeps a language from being installed."""
    try:
        return folders.read(slug)
    except BadDescription as error:
        raise InstallError(str(error)) from error
