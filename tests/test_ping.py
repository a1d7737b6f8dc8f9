"""GET /ping says that the process answers, and asks nothing of the database."""

from __future__ import annotations

import pytest
from django.test import Client


def test_ping() -> None:
    response = Client().get("/ping")
    assert (response.status_code, response.content) == (200, b'{"status":"ok"}')


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_ping_is_only_read(method: str) -> None:
    response = Client().generic(method, "/ping")
    assert (response.status_code, response.json()) == (405, {"error": f'Method "{method}" not allowed.'})
