"""What state a language is in on this host: its image there, what was tested, what is being done to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from languages import tasks
from languages.models import Language, LanguageTask, TaskKind, TaskStatus
from languages.toolchain import docker_host
from sandbox.engine import Images
from sandbox.errors import EngineUnavailable
from sandbox.types import ImageInfo

_DOING = {
    TaskKind.BUILD: "building",
    TaskKind.PULL: "pulling",
    TaskKind.TEST: "testing",
    TaskKind.INSTALL: "installing",
}


@dataclass(frozen=True, slots=True)
class OnHost:
    """What the Docker host has of a language."""

    image: ImageInfo | None = None
    """Under the language's image name."""
    tested_is_there: bool = False
    error: str = ""
    """Why nothing is known."""

    @property
    def image_id(self) -> str | None:
        """The digest of what stands under the language's image name."""
        return self.image.id if self.image else None


@dataclass(frozen=True, slots=True)
class State:
    """How a language stands, for the admin's list and page."""

    text: str
    kind: str
    """good, warn, bad or busy, for the colour."""
    advice: str = ""


def on_host(languages: Iterable[Language]) -> dict[int, OnHost]:
    """What the Docker host has of each, by the language's key. One that does not answer is not asked again."""
    found: dict[int, OnHost] = {}
    error = ""
    images: Images | None = None
    for language in languages:
        if not error:
            try:
                images = images or docker_host.images(timeout_s=docker_host.PAGE_S)
                found[language.pk] = _look(images, language)
            except EngineUnavailable as unavailable:
                error = str(unavailable)
        if error:
            found[language.pk] = OnHost(error=error)
    return found


def state_of(language: Language, host: OnHost, task: LanguageTask | None) -> State:
    """What is seen at a glance, and what to do about it. `task` is the newest one."""
    if task and task.status == TaskStatus.RUNNING:
        return State(_DOING[TaskKind(task.kind)], "busy", task.headline)
    if host.error:
        return State("enabled" if language.enabled else "disabled", "warn", f"Docker does not answer: {host.error}")
    if language.enabled:
        return _enabled(language, host)
    if task and task.status in {TaskStatus.FAILED, TaskStatus.LOST}:
        return State(f"{task.kind} {task.status}", "bad", "See below what went wrong, and what to do.")
    return _disabled(language, host)


def _enabled(language: Language, host: OnHost) -> State:
    if not host.tested_is_there:
        return State(
            "image is gone",
            "bad",
            "Requests are answered with 503: the image that was tested is no longer on the Docker host. "
            "Build or pull it, then test it.",
        )
    if host.image_id != language.image_digest:
        return State(
            "enabled, image changed",
            "warn",
            f"{language.image} is not the image that was tested, in which programs run on. Test it to let it go live.",
        )
    if language.untested:
        return State(
            "enabled, change not tested",
            "warn",
            f"Programs run with what was tested, until {', '.join(language.untested)} has passed a self-test. "
            "Test it to let it go live.",
        )
    return State("enabled", "good", "Requests may use it.")


def _disabled(language: Language, host: OnHost) -> State:
    missing = language.why_not_enabled(host.image_id)
    if host.image is None:
        return State("no image", "bad", missing)
    return State("not tested", "warn", missing) if missing else State("disabled", "warn", "Tested: it can be enabled.")


def _look(images: Images, language: Language) -> OnHost:
    image = images.find(language.image)
    digest = language.image_digest
    tested_is_there = bool(digest) and ((image is not None and image.id == digest) or images.find(digest) is not None)
    return OnHost(image, tested_is_there)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a list shows of a language."""

    state: State
    host: OnHost
    task: LanguageTask | None


def standings(languages: Iterable[Language]) -> dict[int, Standing]:
    """Of each, by the language's key."""
    rows = list(languages)
    hosts, newest = on_host(rows), tasks.latest(rows)
    return {row.pk: _standing(row, hosts[row.pk], newest.get(row.pk)) for row in rows}


def _standing(language: Language, host: OnHost, task: LanguageTask | None) -> Standing:
    return Standing(state_of(language, host, task), host, task)
