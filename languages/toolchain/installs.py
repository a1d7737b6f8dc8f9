"""Installing languages: their rows, their images, their self-tests. For serve, the command and the admin.

Theory of operation. The row's `image_digest` is the image on which the self-test last passed, `tested` the commands,
environment and limits with which it did, and programs run in that one and with those: a rebuilt image, or another
command, goes live when it has passed, and a build or a test that fails leaves what was there working.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.utils import timezone

from languages.models import Language, note, was_removed
from languages.packages import Package
from languages.selftest.cases import cases_for
from languages.selftest.run import Verdict, listed_packages, reported_version, run_cases
from languages.toolchain import docker_host, language_images
from languages.toolchain.base_image import Report
from languages.toolchain.errors import InstallError
from languages.toolchain.language_images import folder_of, image_of
from sandbox.errors import SandboxError
from sandbox.types import ImageInfo

OnVerdict = Callable[[Verdict], None]


@dataclass(frozen=True, slots=True)
class SelfTest:
    """A self-test's verdicts on one image."""

    image: ImageInfo
    version: str
    verdicts: tuple[Verdict, ...]
    packages: tuple[Package, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.failed

    @property
    def failed(self) -> tuple[Verdict, ...]:
        """Those that keep it from passing; what is excused does not."""
        return tuple(verdict for verdict in self.verdicts if verdict.failed)


def ensure(slugs: Iterable[str], report: Report) -> list[Language]:
    """See that these languages are loaded, built and tested; one that is new is enabled. Quick when all is there.

    One that somebody has removed stays away.

    Raises InstallError where a language does not work; one that worked before is reported and goes on as it was.
    """
    return [_ensure_one(slug, report) for slug in slugs if not was_removed(slug)]


def load_folder(slug: str, *, force: bool = False) -> Language:
    """The row of the folder's language, made where it is missing. What an admin changed stays, unless forced.

    Raises InstallError for a folder that is no language, or whose names are taken.
    """
    folder = folder_of(slug)
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
    """As language_images.build; an image that is new stands in the history."""
    before = image_of(language)
    found = language_images.build(language, report, refresh=refresh, on_line=on_line)
    return _noted(language, before, found, "built")


def pull(language: Language, report: Report) -> ImageInfo:
    """As language_images.pull; an image that is new stands in the history."""
    before = image_of(language)
    return _noted(language, before, language_images.pull(language, report), "pulled")


def self_test(language: Language, report: Report, *, on_verdict: OnVerdict | None = None) -> SelfTest:
    """Run the self-test on the image that is there; where it passes, the row takes the image, its version and the time.

    Raises InstallError where there is no image, SandboxError where the sandbox fails.
    """
    image = image_of(language)
    if image is None:
        raise InstallError(f"{language.slug}: {language.image_is_missing}")
    if not cases_for(language):
        raise InstallError(f"{language.slug}: there is nothing to test; give it an example, a program that ends well")
    report(f"{language.slug}: testing {language.image}")
    result = SelfTest(
        image,
        reported_version(language, image.id),
        tuple(run_cases(language, image.id, on_verdict or _ignore)),
        tuple(listed_packages(language, image.id)),
    )
    if language.start_ahead and not any(verdict.started_ahead for verdict in result.verdicts):
        report(f"{language.slug}: cannot be started ahead: it did not wait where it opens {language.source_file}")
    if result.passed:
        _accept(language, result)
    else:
        failed = ", ".join(verdict.case for verdict in result.failed)
        note(language, f"Self-test failed on {_short(image.id)}: {failed}.")
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
        if language.packages is None:
            # It was tested by a version of gexec that did not ask.
            _write(language, packages=listed_packages(language, image.id))
        return
    if failed := self_test(language, report).failed:
        raise InstallError(f"{language.slug}: the self-test {failed[0].case} failed: {failed[0].problem}")
    if is_new:
        enable(language)
        report(f"{language.slug}: {language.version} is ready")


def _image(language: Language, report: Report) -> ImageInfo:
    """The image of the row: built from the folder, unless an admin has named another one."""
    if language.image == folder_of(language.slug).image:
        return build(language, report)
    return image_of(language) or pull(language, report)


def _noted(language: Language, before: ImageInfo | None, found: ImageInfo, done: str) -> ImageInfo:
    if before is None or before.id != found.id:
        note(language, f"Image {language.image} {done}: {_short(found.id)}.")
    return found


def _short(digest: str) -> str:
    """As `docker images` shows it."""
    return digest.removeprefix("sha256:")[:12]


def _accept(language: Language, result: SelfTest) -> None:
    old = language.image_digest
    _write(
        language,
        image_digest=result.image.id,
        version=result.version,
        packages=list(result.packages),
        tested_at=timezone.now(),
        tested=language.what_is_tested(),
    )
    if old and old != result.image.id and not Language.objects.filter(image_digest=old).exists():
        language_images.drop(old)


def _write(language: Language, **values: object) -> None:
    """Only these columns: an admin may have changed others meanwhile."""
    for name, value in values.items():
        setattr(language, name, value)
    language.save(update_fields=[*values, "updated_at"])


def _ignore(_verdict: Verdict) -> None:
    """For callers that only want the result."""
