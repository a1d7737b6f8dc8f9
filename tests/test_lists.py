"""Lists come a page at a time, newest first, and a cursor goes on where the page ended whatever came in between."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from django.test import RequestFactory
from rest_framework.request import Request
from rest_framework.response import Response

from clients.models import Client
from rest.lists import page_of
from rest.views import Endpoint

pytestmark = pytest.mark.django_db


class ClientsView(Endpoint):
    authentication_classes = []
    permission_classes = []

    def get(self, request: Request) -> Response:
        return Response(page_of(Client.objects.all(), request, represent=lambda client: client.name))


def get(path: str = "/clients", **query: str | int) -> Any:
    return ClientsView.as_view()(RequestFactory().get(path, query)).data


def test_pages_follow_each_other_without_gap_or_repetition() -> None:
    Client.objects.all().delete()
    for number in range(5):
        Client.objects.create(name=f"client {number}")
    first = get(limit=2, colour="red & blue")
    assert (first["object"], first["data"], first["has_more"]) == ("list", ["client 4", "client 3"], True)
    Client.objects.create(name="newer")
    second = get(first["next"])
    assert (second["data"], second["has_more"]) == (["client 2", "client 1"], True)
    assert "colour=red+%26+blue" in second["next"]
    last = get(second["next"])
    assert (last["data"], last["has_more"], last["next"]) == (["client 0"], False, None)


def test_without_a_limit_fifty() -> None:
    Client.objects.all().delete()
    Client.objects.bulk_create(Client(name=f"client {number}") for number in range(201))
    assert len(get()["data"]) == 50
    assert [len(get(limit=limit)["data"]) for limit in (1, 200)] == [1, 200]


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", "", "1.5", "٣", "9" * 5000])
def test_a_limit_that_is_none(limit: str) -> None:
    problem = get(limit=limit)
    assert (problem["status"], problem["code"], problem["errors"][0]["pointer"]) == (400, "invalid_field", "#/limit")


@pytest.mark.parametrize(
    "cursor", ["", "x", "é", "!!!!", "AAAA", base64.urlsafe_b64encode(b"\x00" * 36).decode(), "A" * 10_000]
)
def test_a_cursor_that_is_none(cursor: str) -> None:
    problem = get(cursor=cursor)
    assert (problem["status"], problem["code"], problem["errors"][0]["pointer"]) == (400, "invalid_field", "#/cursor")
