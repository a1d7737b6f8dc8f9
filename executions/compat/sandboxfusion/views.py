"""The routes of the SandboxFusion door."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.http import HttpResponse
from rest_framework.request import Request

from clients.rights import Right
from executions.compat.sandboxfusion import result
from executions.compat.sandboxfusion.asked import Asked, asked_in
from executions.compat.sandboxfusion.program import BadFile, program_of
from executions.compat.views import DoorView, said
from executions.doors import Door
from rest.exceptions import Refusal

_NOT_HERE = "{name} is not installed on this server"


class RunCodeView(DoorView):
    """POST /run_code."""

    door = Door.SANDBOXFUSION
    http_method_names = ["post"]
    takes_password = True
    executes = ("POST",)
    rights: ClassVar = {"POST": Right.EXECUTE}
    for_pages = ("POST",)

    def post(self, request: Request) -> HttpResponse:
        """Run a program: 200, whatever came of it."""
        asked = asked_in(cast("dict[str, Any]", request.data))
        language = asked.entry.language
        if language is None:
            return said(200, result.error(_NOT_HERE.format(name=asked.entry["name"])))
        try:
            execution = self.run_to_end(program_of(asked, language, self.caller))
        except BadFile as error:
            return said(200, result.error(_exception(asked, str(error))))
        except Refusal as refusal:
            # What a program brings is nothing of which the other service has a status.
            return said(200, result.error(_exception(asked, refusal.message)))
        return said(200, result.told(execution, asked))


class RunJupyterView(DoorView):
    """POST /run_jupyter: there is no notebook."""

    door = Door.SANDBOXFUSION
    http_method_names = ["post"]
    takes_password = True
    rights: ClassVar = {"POST": Right.EXECUTE}
    for_pages = ("POST",)

    def post(self, request: Request) -> HttpResponse:
        """Told as the other service tells what it cannot do."""
        message = _NOT_HERE.format(name="Jupyter")
        told: dict[str, Any] = {"status": result.SANDBOX_ERROR, "message": message, "driver": None, "cells": []}
        return said(200, told | {"executor_pod_name": None, "files": {}})


class PingView(DoorView):
    """GET /v1/ping."""

    door = Door.SANDBOXFUSION
    http_method_names = ["get", "head"]
    authentication_classes = []
    permission_classes = []
    throttle_classes = []

    def get(self, request: Request) -> HttpResponse:
        """This process answers."""
        return said(200, "pong")


def _exception(asked: Asked, why: str) -> str:
    """The other service's sentence, which ends with what its traceback printed: None."""
    return f"exception on running code {asked.code}: {why} None"
