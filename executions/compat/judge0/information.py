"""What the server tells of itself: languages, statuses, its configuration, who may do what."""

from __future__ import annotations

import platform
from pathlib import Path

from django.conf import settings
from django.http import HttpResponse
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from clients.rights import Right
from executions import services
from executions.compat.judge0 import catalogue
from executions.compat.judge0.base import Judge0View, ReadingView
from executions.compat.judge0.options import VERSION, config_info
from executions.compat.judge0.ruby import whole_of
from executions.compat.judge0.statistics import statistics
from executions.compat.judge0.statuses import Status
from executions.compat.judge0.words import silent
from executions.compat.views import said

_LICENSE = Path(__file__).parents[3] / "LICENSE"
_ISOLATE = "gexec: programs run in containers, each behind a runner of its own; there is no isolate here.\n"
"""What stands in the place of the sandbox's version."""


class LanguagesView(ReadingView):
    """Those that can be used."""

    def get(self, request: Request) -> HttpResponse:
        """By name."""
        return said(200, [known.told() for known in catalogue.active(self.caller)])


class AllLanguagesView(ReadingView):
    """And those that could be used once."""

    def get(self, request: Request) -> HttpResponse:
        """By name."""
        known = sorted((*catalogue.active(self.caller), *catalogue.archived()), key=lambda each: (each.name, each.id))
        return said(200, [each.told() | {"is_archived": each.is_archived} for each in known])


class LanguageView(ReadingView):
    """One of them."""

    def get(self, request: Request, language_id: str) -> HttpResponse:
        """With the commands by which its programs are compiled and run."""
        known = catalogue.known(whole_of(language_id) or 0, self.caller)
        return silent(404) if known is None else said(200, known.described())


class StatusesView(ReadingView):
    """All that a submission can have."""

    def get(self, request: Request) -> HttpResponse:
        """By id."""
        return said(200, [status.told() for status in Status])


class AboutView(ReadingView):
    """Which server this is."""

    def get(self, request: Request) -> HttpResponse:
        """The release that it behaves as: clients look up by it what it can do."""
        return said(
            200,
            {
                "version": VERSION,
                "homepage": "https://judge0.com",
                "source_code": "https://github.com/judge0/judge0",
                "maintainer": "gexec",
                "x_gexec": {"server": "gexec"},
            },
        )


class VersionView(ReadingView):
    """The release alone."""

    def get(self, request: Request) -> HttpResponse:
        """As text."""
        return _plain(VERSION)


class LicenseView(ReadingView):
    """Under which licence this server is."""

    def get(self, request: Request) -> HttpResponse:
        """As text."""
        return _plain(_LICENSE.read_text(encoding="utf-8"))


class IsolateView(ReadingView):
    """In what programs run."""

    def get(self, request: Request) -> HttpResponse:
        """As text."""
        return _plain(_ISOLATE)


class ConfigInfoView(ReadingView):
    """What may be asked for."""

    def get(self, request: Request) -> HttpResponse:
        """All defaults and bounds."""
        told = config_info(queue=settings.GEXEC_CALLER_BACKLOG, deletes=settings.GEXEC_JUDGE0_DELETE)
        return said(200, told)


class SystemInfoView(ReadingView):
    """On what it runs."""

    def get(self, request: Request) -> HttpResponse:
        """No more than everybody may know of the machine."""
        standing = services.standing()
        return said(200, {"Architecture": platform.machine(), "CPU(s)": str(standing.slots)})


class WorkersView(ReadingView):
    """How busy it is."""

    def get(self, request: Request) -> HttpResponse:
        """Programs that run and may run at once, and how many submissions wait."""
        standing = services.standing()
        queue = {
            "queue": VERSION,
            "size": standing.waiting,
            "available": standing.slots,
            "idle": max(0, standing.slots - standing.in_use),
            "working": standing.in_use,
            "paused": 0,
            "failed": 0,
        }
        return said(200, [queue])


class StatisticsView(ReadingView):
    """How much it is used, by the client that asks."""

    def get(self, request: Request) -> HttpResponse:
        """Counted once in ten minutes."""
        client_id = self.caller.client_id if self.caller and not self.caller.publishable else None
        return said(200, statistics(client_id, afresh=self.is_asked("invalidate_cache")))


class AuthenticateView(Judge0View):
    """Whether the key is one."""

    http_method_names = ["post"]

    def post(self, request: Request) -> HttpResponse:
        """200, or what every request gets without."""
        return silent(200)


class AuthorizeView(Judge0View):
    """Whether the key may list what its client has submitted."""

    http_method_names = ["post"]
    authorizes = ("POST",)
    rights = {"POST": Right.READ}

    def post(self, request: Request) -> HttpResponse:
        """200 or 403."""
        if self.caller is None:
            raise PermissionDenied
        return silent(200)


def _plain(text: str) -> HttpResponse:
    return HttpResponse(text, content_type="text/plain; charset=utf-8")
