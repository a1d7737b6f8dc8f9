"""The routes of jobe."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from clients.caller import Caller
from clients.permissions import MayCall, NeedsKey
from clients.rights import Right
from executions.compat.jobe import answers, files
from executions.compat.jobe.requests import languages, run_in, versions
from executions.compat.views import DoorView, NothingHere, said
from executions.doors import Door
from executions.origins import require
from rest.exceptions import Refusal
from rest.views import body_of


class JobeView(DoorView):
    """The key is in X-API-KEY."""

    door = Door.JOBE
    key_headers = ("X-API-KEY",)


class LanguagesView(JobeView):
    """GET /languages: pairs of names and versions."""

    http_method_names = ["get", "head"]
    for_pages = ("GET", "HEAD")

    def get(self, request: Request) -> HttpResponse:
        return said(200, versions(languages()))


class RunsView(JobeView):
    """POST /runs: run a program to its end."""

    http_method_names = ["post"]
    executes = ("POST",)
    rights = {"POST": Right.EXECUTE}
    for_pages = ("POST",)

    def post(self, request: Request) -> HttpResponse:
        run = run_in(body_of(request), self.caller)
        return said(200, answers.answer(self.run(run.program), run.entry))


class FilesView(JobeView):
    """PUT and HEAD /files/ID: files that runs refer to. They belong to a client, so each needs a key."""

    http_method_names = ["head", "put"]
    permission_classes = [NeedsKey, MayCall]
    rights = {"HEAD": Right.READ, "PUT": Right.MANAGE_FILES}

    def put(self, request: Request, file_id: str) -> HttpResponse:
        """204; what was there under this id is so no more."""
        if not files.is_id(file_id):
            raise Refusal("The file id is illegal")
        files.put(self._client(), file_id, body_of(request).get("file_contents"))
        return said(204)

    def head(self, request: Request, file_id: str) -> HttpResponse:
        """204 where it is there, else 404."""
        return said(204 if files.digests(self._client(), [file_id]) else 404)

    def _client(self) -> Caller:
        return require(self.request, Right.READ)


class NoSuchRoute(NothingHere, JobeView):
    """All else."""
