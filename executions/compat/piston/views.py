"""The routes of Piston, but for its WebSocket."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from clients.rights import Right
from executions.compat.piston import answers, packages
from executions.compat.piston.requests import asked_in
from executions.compat.piston.runtimes import runtimes
from executions.compat.views import DoorView, NothingHere, said
from executions.doors import Door
from executions.models import OPEN
from executions.outcomes import Outcome
from executions.run import SHUTDOWN_RETRY_AFTER_S
from rest.exceptions import Unavailable
from rest.views import body_of

VERSION = "3.1.1"
"""Of Piston's, whose answers these are."""


class PistonView(DoorView):
    """The key is the whole of Authorization, or has one of our schemes before it."""

    door = Door.PISTON
    takes_bare_key = True


class VersionView(PistonView):
    """GET /: which Piston this is."""

    http_method_names = ["get", "head"]
    for_pages = ("GET", "HEAD")

    def get(self, request: Request) -> HttpResponse:
        return said(200, {"message": f"Piston v{VERSION}"})


class RuntimesView(PistonView):
    """GET /runtimes: what programs can be written in."""

    http_method_names = ["get", "head"]
    for_pages = ("GET", "HEAD")

    def get(self, request: Request) -> HttpResponse:
        return said(200, [runtime.to_json() for runtime in runtimes()])


class ExecuteView(PistonView):
    """POST /execute: run a program, and tell of it once it has ended."""

    http_method_names = ["post"]
    executes = ("POST",)
    rights = {"POST": Right.EXECUTE}
    for_pages = ("POST",)

    def post(self, request: Request) -> HttpResponse:
        runtime, program = asked_in(body_of(request))
        execution = self.run(program)
        if execution.status in OPEN or execution.outcome == Outcome.CANCELLED:
            why = "the execution was broken off"
            raise Unavailable(why, retry_after_s=SHUTDOWN_RETRY_AFTER_S, code="shutting_down")
        if execution.outcome == Outcome.SANDBOX_ERROR:
            return said(500)
        return said(200, answers.answer(execution, runtime))


class PackagesView(PistonView):
    """/packages: which languages there are, and letting them be used or not, for keys with the right to."""

    http_method_names = ["get", "head", "post", "delete"]
    methods_with_a_body = ("POST", "DELETE")
    rights = {"POST": Right.ADMIN, "DELETE": Right.ADMIN}

    def get(self, request: Request) -> HttpResponse:
        return said(200, [package.to_json() for package in packages.packages()])

    def post(self, request: Request) -> HttpResponse:
        body = body_of(request)
        return said(200, packages.install(body.get("language"), body.get("version"), by=self._who()))

    def delete(self, request: Request) -> HttpResponse:
        body = body_of(request)
        return said(200, packages.uninstall(body.get("language"), body.get("version"), by=self._who()))

    def _who(self) -> str:
        caller = self.caller
        return f"{caller.client_name} (Piston)" if caller else "nobody"


class NoSuchRoute(NothingHere, PistonView):
    """All else."""
