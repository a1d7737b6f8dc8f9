"""The routes of Piston."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from executions.compat.views import DoorView, NothingHere, said
from executions.doors import Door

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


class NoSuchRoute(NothingHere, PistonView):
    """All else."""
