"""docs/clients.md names every option and every right, and says of a publishable key what holds."""

from __future__ import annotations

import pytest

from clients.options import ClientOptions, options_of
from clients.rights import Right
from testkit.servers import PROJECT

TEXT = (PROJECT / "docs" / "clients.md").read_text()


@pytest.mark.parametrize("name", [*(option.name for option in options_of(ClientOptions)), *Right])
def test_it_is_named(name: str) -> None:
    assert f"`{name}`" in TEXT
