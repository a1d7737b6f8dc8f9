"""/submissions: made, one or several at a time, read by their tokens, listed and deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from clients.policy import capped, check_right, reads_by_token
from clients.rights import Right
from clients.throttling import charge
from executions import erasure
from executions.compat import running
from executions.compat.judge0.asked import Asked, Invalid, Room, asked_in
from executions.compat.judge0.base import ONE_IS_NO_TEXT, SOME_ARE_NO_TEXT, Judge0View, ReadingView, bad
from executions.compat.judge0.fields import NotText, written
from executions.compat.judge0.finding import MOST_BYTES, TooLarge, all_found, attributes, found, page_of
from executions.compat.judge0.options import MAX_BATCH, MAX_PER_PAGE, PER_PAGE
from executions.compat.judge0.results import Attributes
from executions.compat.judge0.ruby import whole_of
from executions.compat.judge0.statuses import OPEN
from executions.compat.judge0.words import silent
from executions.compat.running import Handle, Program
from executions.compat.views import said
from executions.models import OPEN as OPEN_ROWS
from executions.models import CompatToken, Execution
from executions.origins import origin_of

_LONGEST_WAIT_S = 600.0
"""How long the answer to `wait` comes at the latest, as there."""
_TOO_MANY = f"number of submissions in a batch should be less than or equal to {MAX_BATCH}"
_TOO_LARGE = f"submissions are larger than {MOST_BYTES >> 20} MB together: ask for fewer of them, or of their fields"
_NONE = "there should be at least one submission in a batch"


class SubmissionsView(Judge0View):
    """POST: make one. GET: the caller's own, in pages."""

    http_method_names = ["get", "head", "post"]
    rights = {"GET": Right.READ, "HEAD": Right.READ, "POST": Right.EXECUTE}
    executes = ("POST",)
    for_pages = ("POST",)
    authorizes = ("GET", "HEAD")

    def post(self, request: Request) -> HttpResponse:
        """Its token, or with `wait=true` all that came of it."""
        names = self.names()
        try:
            asked = asked_in(self.sent, self.caller, in_base64=self.in_base64)
        except Invalid as invalid:
            return said(422, invalid.errors)
        handle = Handle(asked.told)
        if not self.is_asked("wait"):
            self.enqueue(asked.program.known_by(handle))
            return said(201, {"token": str(handle.token)})
        execution = self._waited(self.run(asked.program.known_by(handle)))
        try:
            return said(201, self.told(_attributes(handle, execution), names))
        except NotText:
            return said(201, {"error": ONE_IS_NO_TEXT, "token": str(handle.token)})

    def get(self, request: Request) -> HttpResponse:
        """A page, with what stands before and after it."""
        caller = self.caller
        if caller is None or reads_by_token(caller):
            raise PermissionDenied
        names = self.names()
        page, size = _number(self.parameter("page"), 1), _number(self.parameter("per_page"), PER_PAGE)
        if page <= 0:
            return bad(f"invalid page: {page}")
        if size < 0:
            return bad(f"invalid per_page: {size}")
        size = min(size, MAX_PER_PAGE)
        try:
            rows, total = page_of(caller.client_id, page, size, names)
            submissions = [self.told(attributes(row), names) for row in rows]
        except NotText:
            return bad(SOME_ARE_NO_TEXT)
        except TooLarge:
            return bad(_TOO_LARGE)
        return said(200, {"submissions": submissions, "meta": _meta(page, size, total)})

    def _waited(self, execution: Execution) -> Execution:
        """One that was lost begins again."""
        if execution.status not in OPEN_ROWS:
            return execution
        return running.wait(self.request, execution, _LONGEST_WAIT_S)


class BatchView(Judge0View):
    """POST: make several. GET: read several."""

    http_method_names = ["get", "head", "post"]
    rights = {"GET": Right.READ, "HEAD": Right.READ, "POST": Right.EXECUTE}
    executes = ("POST",)
    for_pages = ("GET", "HEAD")

    def post(self, request: Request) -> HttpResponse:
        """For each its token, or what is wrong with it."""
        sent = self.sent.get("submissions")
        items = sent if isinstance(sent, list) else []
        if len(items) > MAX_BATCH:
            return bad(_TOO_MANY)
        if not items:
            return bad(_NONE)
        if capped(self.caller, "batch_items", len(items)) < len(items):
            return bad("batched submissions are not allowed")
        room = Room()
        read = [self._read(item, room) for item in items]
        handles = [Handle(each.told) if isinstance(each, Asked) else None for each in read]
        programs: list[Program] = [
            each.program.known_by(handle) for each, handle in zip(read, handles, strict=True)
            if isinstance(each, Asked) and handle is not None
        ]  # fmt: skip
        if programs:
            if len(programs) > 1:
                charge(request, len(programs) - 1)
            running.enqueue_all(request, self.door, programs)
        told = [
            {"token": str(handle.token)} if handle is not None else each
            for each, handle in zip(read, handles, strict=True)
        ]
        return said(201 if programs else 422, told)

    def get(self, request: Request) -> HttpResponse:
        """In the order of the tokens; null where there is none of it."""
        names = self.names()
        asked = request.headers.get("Tokens") or self.parameter("tokens") or ""
        tokens = [token for token in asked.strip().split(",") if token]
        if len(tokens) > MAX_BATCH:
            return bad(_TOO_MANY)
        if not tokens:
            return bad(_NONE)
        try:
            there = all_found(tokens, names)
            told = [self.told(there[token], names) if token in there else None for token in tokens]
        except NotText:
            return bad(SOME_ARE_NO_TEXT)
        except TooLarge:
            return bad(_TOO_LARGE)
        return said(200, {"submissions": told})

    def _read(self, item: Any, room: Room) -> Asked | Mapping[str, list[str]]:
        try:
            sent = item if isinstance(item, dict) else {}
            return asked_in(sent, self.caller, in_base64=self.in_base64, room=room)
        except Invalid as invalid:
            return invalid.errors


class SubmissionView(ReadingView):
    """GET: one. DELETE: it is gone."""

    http_method_names = ["get", "head", "delete"]
    authorizes = ("DELETE",)

    def get(self, request: Request, token: str) -> HttpResponse:
        """As it is now. Whoever has its token may read it."""
        names = self.names()
        submission = found(token, names)
        if submission is None:
            return silent(404)
        try:
            return said(200, self.told(attributes(submission), names))
        except NotText:
            return bad(ONE_IS_NO_TEXT)

    def delete(self, request: Request, token: str) -> HttpResponse:
        """As it was, in base64. Only a client's own is there for it."""
        caller = self.caller
        if caller is None:
            raise PermissionDenied
        check_right(caller, Right.ADMIN)
        names = self.names()
        if not settings.GEXEC_JUDGE0_DELETE:
            return bad("delete not allowed")
        submission = found(token, names)
        if submission is None or submission.client_id != caller.client_id:
            return silent(404)
        told = attributes(submission)
        status = told.ending.status
        if status not in OPEN:
            gone = written(told, names, in_base64=True)
            if erasure.erase_one(submission.execution, origin_of(request)) is not None:
                return said(200, gone)
        return bad(f"submission cannot be deleted because its status is {int(status)} ({status.description})")


def _attributes(handle: Handle, execution: Execution) -> Attributes:
    return Attributes(CompatToken(token=handle.token, asked=handle.asked), execution)


def _number(text: str | None, default: int) -> int:
    return default if text is None else min(whole_of(text) or 0, 2**31)


def _meta(page: int, size: int, total: int) -> dict[str, int | None]:
    pages = max(1, -(-total // size)) if size else 1
    return {
        "current_page": page,
        "next_page": page + 1 if page < pages else None,
        "prev_page": page - 1 if page > 1 else None,
        "total_pages": pages,
        "total_count": total,
    }
