"""The routes of the Dify door."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.http import HttpResponse
from rest_framework.request import Request

from clients.rights import Right
from executions.compat import views
from executions.compat.dify import packages
from executions.compat.dify.asked import LANGUAGE_FIELD, RUN_FIELDS, asked_in, unsupported
from executions.compat.dify.result import result_of
from executions.compat.dify.words import envelope, success
from executions.compat.languages import table_of
from executions.compat.problems import Reply
from executions.compat.running import AskedLimits, Content, Program, SourceFile, ran
from executions.compat.views import said
from executions.doors import Door
from executions.models import Execution
from executions.outcomes import Outcome
from languages.models import Language
from rest.views import body_of

WALL_MS = 15_000
"""What Dify sets for its own sandbox (WORKER_TIMEOUT); it waits four times as long for the answer."""
_PYTHON = "python3"


class DifyView(views.DoorView):
    """A view with the key where Dify sends it."""

    door = Door.DIFY
    key_headers: ClassVar = ("X-Api-Key",)

    def ended(self, program: Program) -> Execution:
        """Run it. Raises Reply where that failed for a reason of ours."""
        execution = self.run_to_end(program)
        if execution.outcome == Outcome.SANDBOX_ERROR or not ran(execution).runs:
            raise Reply(said(200, envelope(-500, execution.error)))
        return execution

    def asked(self, request: Request, fields: dict[str, type], required: tuple[str, ...]) -> Any:
        """The body's fields."""
        return asked_in(cast("dict[str, Any]", body_of(request)), fields, required=required, strict=True)


class NothingHere(views.NothingHere):
    """404."""

    door = Door.DIFY


class HealthView(DifyView):
    """GET /health: this process answers."""

    http_method_names = ["get", "head"]
    authentication_classes = []
    permission_classes = []
    throttle_classes = []

    def get(self, request: Request) -> HttpResponse:
        """The word alone."""
        return said(200, "ok")


class RunView(DifyView):
    """POST /v1/sandbox/run."""

    http_method_names = ["post"]
    executes = ("POST",)
    rights: ClassVar = {"POST": Right.EXECUTE}
    for_pages = ("POST",)

    def post(self, request: Request) -> HttpResponse:
        """Run a program.

        `preload` is left aside, as by a sandbox that is set up as Dify comes. `enable_network` is true in all that Dify
        sends: refused, no program would run. Programs have no network whatever it says.
        """
        asked = self.asked(request, dict(RUN_FIELDS), ("language", "code"))
        language = _language(asked["language"])
        file = SourceFile(language.source_file, Content(asked["code"].encode(errors="replace")))
        program = Program(language, (file,), file.name, limits=AskedLimits(wall_ms=WALL_MS))
        return success(result_of(self.ended(program)))


class DependenciesView(DifyView):
    """GET /v1/sandbox/dependencies, and …/refresh, which is the same: an image's packages never change."""

    http_method_names = ["get"]
    rights: ClassVar = {"GET": Right.EXECUTE}

    def get(self, request: Request) -> HttpResponse:
        """The packages of Python, the one language of which Dify asks."""
        asked = asked_in(request.query_params.dict(), LANGUAGE_FIELD, required=("language",), strict=False)
        if asked["language"] != _PYTHON:
            raise unsupported()
        return success({"dependencies": self._packages(_language(_PYTHON))})

    def _packages(self, language: Language) -> list[packages.Package]:
        found = packages.known.get(language)
        if found is None:
            step = ran(self.ended(packages.looking(language))).runs[-1]
            found = packages.packages_in(step.stdout)
            if found:
                packages.known.put(language, found)
        return found


class UpdateView(DifyView):
    """POST /v1/sandbox/dependencies/update: images are made by the operator."""

    http_method_names = ["post"]
    rights: ClassVar = {"POST": Right.EXECUTE}

    def post(self, request: Request) -> HttpResponse:
        """Nothing is to be done."""
        if self.asked(request, dict(LANGUAGE_FIELD), ("language",))["language"] != _PYTHON:
            raise unsupported()
        return success({})


def _language(name: str) -> Language:
    entry = table_of(Door.DIFY).find("name", name)
    language = entry.language if entry is not None else None
    if language is None:
        raise unsupported()
    return language
