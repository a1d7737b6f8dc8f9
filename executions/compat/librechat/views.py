"""The routes of the LibreChat door."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any, ClassVar, cast
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request

from clients.caller import Caller
from clients.rights import Right
from executions.compat import views
from executions.compat.librechat import owners, result, sessions, tokens
from executions.compat.librechat.asked import asked_in
from executions.compat.librechat.listing import described, listed
from executions.compat.librechat.models import SessionFile
from executions.compat.librechat.program import program_of
from executions.compat.librechat.sessions import Owner
from executions.compat.librechat.storing import stored
from executions.compat.librechat.uploads import MAX_FILES, OVERHEAD_BYTES, BadForm, Form, form_in
from executions.compat.librechat.words import NEEDED, error
from executions.compat.problems import Reply
from executions.compat.views import said
from executions.doors import Door
from executions.origins import caller_of, require
from executions.outcomes import Outcome
from files.store import FileMissing, store
from rest.parsers import Body
from rest.views import ReceivedRequest

PROFILE = "default"
"""Each run begins anew: what a conversation keeps is its files."""
_PROFILE_HEADER, _EXPECTED_HEADER = "X-CodeAPI-Execution-Profile", "X-CodeAPI-Expected-Profile"
_NOT_FOUND = "File not found"


class LibreChatView(views.DoorView):
    """A view with the key, or the token, where LibreChat sends it."""

    door = Door.LIBRECHAT
    key_headers: ClassVar = ("X-API-Key",)
    takes_password = True
    person = ""
    """Which of LibreChat's users asks, where a token tells."""

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """DoorView's, with the key by which a token's holder acts in its place."""
        scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        person = tokens.person_in(token.strip()) if scheme.lower() == "bearer" else None
        if person is not None:
            self.person = person
            request.META["HTTP_AUTHORIZATION"] = f"Api-Key {settings.GEXEC_LIBRECHAT_API_KEY}"
        return super().initialize_request(request, *args, **kwargs)

    def check_permissions(self, request: Request) -> None:
        """DRF's, with a key asked for first, whatever the server's settings say: files are somebody's."""
        if self.permission_classes and caller_of(request) is None:
            raise NotAuthenticated(NEEDED)
        super().check_permissions(request)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """DoorView's; then what was meant for another kind of server is turned away before anything runs."""
        super().initial(request, *args, **kwargs)
        if request.headers.get(_EXPECTED_HEADER, PROFILE) != PROFILE:
            message = f"This server runs the {PROFILE} execution profile"
            raise Reply(error(409, "execution_profile_mismatch", message=message))

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """The same, with what kind of server this is."""
        response = super().finalize_response(request, response, *args, **kwargs)
        response[_PROFILE_HEADER] = PROFILE
        return response

    def owner_in(self, request: Request, right: Right) -> tuple[Caller, Owner]:
        """Who calls, and whose session the query means. Raises Reply."""
        caller = require(request, right)
        return caller, self.owner(caller, request.query_params.dict())

    def owner(self, caller: Caller, fields: Any) -> Owner:
        """Whose session a form or query means. Raises Reply."""
        try:
            return Owner(caller.client_id, owners.scope_in(fields, person=self.person))
        except owners.BadOwner as bad:
            raise Reply(error(400, str(bad))) from None


class NothingHere(views.NothingHere):
    """404."""

    door = Door.LIBRECHAT


class HealthView(LibreChatView):
    """GET /v1/health: this process answers."""

    http_method_names = ["get", "head"]
    authentication_classes = []
    permission_classes = []
    throttle_classes = []

    def get(self, request: Request) -> HttpResponse:
        """Its status in a word."""
        return HttpResponse("OK", content_type="text/plain; charset=utf-8")


class ExecView(LibreChatView):
    """POST /v1/exec."""

    http_method_names = ["post"]
    executes = ("POST",)
    rights: ClassVar = {"POST": Right.EXECUTE}

    def post(self, request: Request) -> HttpResponse:
        """Run a program beside files of sessions, and keep what it leaves."""
        caller = require(request, Right.MANAGE_FILES)
        owner = self.owner(caller, {})
        asked = asked_in(cast("dict[str, Any]", request.data), owner, self.person)
        execution = self.run_to_end(program_of(asked, caller))
        if execution.outcome == Outcome.SANDBOX_ERROR:
            return error(502, "sandbox_execution_failed", message=execution.error)
        return said(200, result.told(execution, asked, owner))


class ProgrammaticView(LibreChatView):
    """POST /v1/exec/programmatic: no program of a sandbox calls tools from within."""

    http_method_names = ["post"]
    rights: ClassVar = {"POST": Right.EXECUTE}

    def post(self, request: Request) -> HttpResponse:
        """A word that LibreChat's tools know: they do not ask again."""
        return error(501, "unsupported_capability", message="Programmatic tool calling is not supported")


class UploadView(LibreChatView):
    """POST /v1/upload: a form with files, all of which are kept, or none is."""

    http_method_names = ["post"]
    rights: ClassVar = {"POST": Right.MANAGE_FILES}

    def receive(self, request: HttpRequest) -> IO[bytes]:
        """The body, read as it comes: the server has put it on its disk where it is large."""
        return cast("IO[bytes]", Body(request, max_bytes=settings.GEXEC_MAX_FILE_BYTES + OVERHEAD_BYTES))

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """The same, with the body gone, of whatever has been refused."""
        body = getattr(request, "received", None)
        if isinstance(body, Body):
            body.drain()
        return super().finalize_response(request, response, *args, **kwargs)

    def post(self, request: Request) -> HttpResponse:
        """Keep them."""
        caller = require(request, Right.MANAGE_FILES)
        assert isinstance(request, ReceivedRequest)  # noqa: S101 (it has a body)
        if "multipart/form-data" not in request.META.get("CONTENT_TYPE", ""):
            return error(400, "Invalid content type. Must be multipart/form-data.")
        try:
            with form_in(request._request, request.received, max_bytes=settings.GEXEC_MAX_FILE_BYTES) as form:
                return self.answer(form, self.owner(caller, form.fields))
        except BadForm:
            return error(400, "Error processing upload")

    def answer(self, form: Form, owner: Owner) -> HttpResponse:
        """What became of it."""
        session, results = stored(form, owner, all_or_none=True)
        if not results:
            return error(400, "No files provided")
        if (wrong := next((each for each in results if each.error), None)) is not None:
            return error(wrong.status, wrong.error)
        files = [{"fileId": each.file, "filename": each.name} for each in results]
        return said(200, {"message": "success", "storage_session_id": session, "session_id": session, "files": files})


class UploadBatchView(UploadView):
    """POST /v1/upload/batch: likewise, and each file for itself."""

    def answer(self, form: Form, owner: Owner) -> HttpResponse:
        """What became of each."""
        session, results = stored(form, owner, all_or_none=False)
        if not results:
            return error(400, "No files provided")
        failed = sum(bool(each.error) for each in results)
        message = "success" if not failed else "error" if failed == len(results) else "partial_success"
        told = {
            "message": message,
            "storage_session_id": session,
            "session_id": session,
            "files": [each.told() for each in results],
            "succeeded": len(results) - failed,
            "failed": failed,
        }
        if form.cut:
            told |= {"filesLimitReached": True, "maxFiles": MAX_FILES}
        return said(400 if message == "error" else 200, told)


class OfASession(LibreChatView):
    """A view of what a session has."""

    def rows(self, request: Request, session: str) -> tuple[Owner, list[SessionFile]]:
        """All that the caller's session has. Raises Reply: another's is refused as one that there never was."""
        _, owner = self.owner_in(request, Right.MANAGE_FILES)
        if not sessions.is_id(session):
            raise Reply(error(400, "Bad request"))
        rows = sessions.files_of(owner, session)
        if not rows:
            raise Reply(error(403, "Unauthorized"))
        return owner, rows

    def row(self, request: Request, session: str, file: str) -> SessionFile:
        """One of its files. Raises Reply."""
        if not sessions.is_id(file):
            raise Reply(error(400, "Bad request"))
        _, rows = self.rows(request, session)
        row = next((each for each in rows if each.file == file), None)
        if row is None:
            raise Reply(error(404, _NOT_FOUND, details="The file may have expired or does not exist"))
        return row


class DownloadView(OfASession):
    """GET /v1/download/…: the bytes."""

    http_method_names = ["get", "head"]
    rights: ClassVar = {"GET": Right.MANAGE_FILES, "HEAD": Right.MANAGE_FILES}

    def get(self, request: Request, session: str, file: str) -> HttpResponseBase:
        """A file, as a download that no browser takes for a page."""
        row = self.row(request, session, file)
        try:
            _, pieces = store.open(row.client_id, row.digest)
        except FileMissing:
            return error(404, _NOT_FOUND, details="The file may have expired or does not exist")
        return _download(row, pieces if request.method == "GET" else iter(()))


class FilesView(OfASession):
    """GET /v1/files/…: what a session has."""

    http_method_names = ["get", "head"]
    rights: ClassVar = {"GET": Right.MANAGE_FILES, "HEAD": Right.MANAGE_FILES}

    def get(self, request: Request, session: str) -> HttpResponse:
        """In the detail that was asked for."""
        _, rows = self.rows(request, session)
        return said(200, listed(rows, request.query_params.get("detail", "simple")))


class FileView(OfASession):
    """DELETE /v1/files/…/…"""

    http_method_names = ["delete"]
    rights: ClassVar = {"DELETE": Right.MANAGE_FILES}

    def delete(self, request: Request, session: str, file: str) -> HttpResponse:
        """The session has it no more."""
        sessions.delete(self.row(request, session, file))
        return said(200, {"message": "File deleted successfully", "session_id": session, "fileId": file})


class ObjectView(FileView):
    """GET and DELETE /v1/sessions/…/objects/…: the same file by another path, and what is known of it."""

    http_method_names = ["get", "head", "delete"]
    rights: ClassVar = dict.fromkeys(("GET", "HEAD", "DELETE"), Right.MANAGE_FILES)

    def get(self, request: Request, session: str, file: str) -> HttpResponse:
        """How old it is decides whether LibreChat uploads it again."""
        return said(200, described(self.row(request, session, file)))


def _download(row: SessionFile, pieces: Iterator[bytes]) -> HttpResponseBase:
    response = StreamingHttpResponse(pieces, content_type=row.media_type)
    name = quote(row.name)
    headers = {
        "Content-Length": str(row.bytes),
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(row.name, safe='')}",
        "X-Original-Filename": name,
        "Cache-Control": "private, no-cache",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
    }
    for key, value in headers.items():
        response[key] = value
    return response
