"""All that the admin's page shows of a language while it is built, tested or served: a JSON object, asked for often."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from languages import tasks
from languages.host_state import OnHost, on_host, state_of
from languages.in_force import InForce, in_force, told
from languages.models import Language, LanguageTask, TaskKind, TaskStatus
from languages.programs import profile_of
from rest.display import duration, moment, size

_ISOLATIONS: Mapping[InForce | None, str] = {
    InForce.CELL: "cells, in containers of one key each",
    InForce.SHARED_CELL: "cells, in containers that everybody shares",
    InForce.CONTAINER: "containers: the host refuses cells (docs/operations.md)",
    None: "cells; not known yet whether the host lets them be made",
}
_DIGEST_CHARACTERS = 12
"""As `docker images` shows them."""


def status_of(language: Language) -> dict[str, Any]:
    """State, facts about the image, the newest task, the newest self-test, and what can be done now."""
    host = on_host([language])[language.pk]
    task = tasks.latest([language]).get(language.pk)
    test = tasks.latest([language], TaskKind.TEST).get(language.pk)
    running = task is not None and task.status == TaskStatus.RUNNING
    return {
        "state": asdict(state_of(language, host, task)),
        "facts": _facts(language, host),
        "running": running,
        "task": _task(task) if task else None,
        "test": _task(test) if test and test != task else None,
        "buttons": _buttons(language, host, running=running),
    }


def _facts(language: Language, host: OnHost) -> list[tuple[str, str]]:
    image = host.image
    return [
        ("image", language.image),
        ("on the Docker host", "not known" if host.error else _digest(image.id) if image else "not there"),
        ("size", size(image.size_bytes) if image else "-"),
        ("built", moment(parse_datetime(image.created)) if image else "-"),
        ("tested image", _digest(language.image_digest)),
        ("tested", moment(language.tested_at)),
        ("version", language.version or "-"),
        ("packages of the tested image", _packages(language)),
        *_isolation(language),
        *((f"{case}, excused", reason) for case, reason in language.excused.items()),
        *((f"{name}, until tested", json.dumps(language.tested[name])) for name in language.untested),
    ]


def _isolation(language: Language) -> list[tuple[str, str]]:
    """Nothing where each execution has a container, as ever."""
    profile = profile_of(language)
    if not profile.cells:
        return []
    return [("isolation", _ISOLATIONS[in_force(profile, told())])]


def _buttons(language: Language, host: OnHost, *, running: bool) -> dict[str, str]:
    """Why each button cannot be pressed now; empty where it can."""
    busy = "Something is being done to it already." if running else ""
    missing = host.error or language.why_not_enabled(host.image_id)
    absent = "" if host.image or host.error else language.image_is_missing
    return {
        "install": busy or ("It is enabled." if language.enabled and not missing and not language.untested else ""),
        "make": busy,
        "test": busy or absent,
        "enable": "It is enabled." if language.enabled else busy or missing,
        "disable": "" if language.enabled else "It is disabled.",
    }


def _task(task: LanguageTask) -> dict[str, Any]:
    took = (task.finished_at or timezone.now()) - task.started_at
    by = f" by {task.started_by}" if task.started_by else ""
    return {
        "kind": task.kind,
        "title": f"{task.get_kind_display()}{by}, {moment(task.started_at)}, {took.total_seconds():.0f} s",
        "status": task.status,
        "headline": task.headline,
        "done": task.done,
        "total": task.total,
        "error": task.error,
        "log": task.log,
        "verdicts": [_verdict(verdict) for verdict in task.verdicts],
    }


def _verdict(verdict: dict[str, Any]) -> dict[str, Any]:
    return {
        "case": verdict["case"],
        "passed": verdict["passed"],
        "problem": verdict["problem"],
        # Those of before have neither.
        "hint": verdict.get("hint", ""),
        "excused": verdict.get("excused", ""),
        "compile": duration(verdict["compile_ms"]),
        "run": duration(verdict["run_ms"]),
        "memory": size(verdict["peak_memory_bytes"]),
    }


def _packages(language: Language) -> str:
    if language.packages is None:
        return "not known: test it"
    return ", ".join(f"{each['name']} {each['version']}" for each in language.packages) or "none besides the language"


def _digest(digest: str) -> str:
    return digest.removeprefix("sha256:")[:_DIGEST_CHARACTERS] or "none"
