"""Clients on the command line: listed, shown, made and set; and keys with rights of their own."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from clients import authentication
from clients.models import Client, Key
from clients.options import ClientOptions, options_of
from clients.secrets import prefix_in

pytestmark = pytest.mark.django_db


def printed(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_a_key_for_a_client_with_rights() -> None:
    lines = printed("create_api_key", "ci", "--client", "platform", "--rights", "execute, read").splitlines()
    key = Key.objects.get()
    assert (key.prefix, key.client.name, key.rights) == (prefix_in(lines[-1]), "platform", ["execute", "read"])
    pub = printed("create_api_key", "page", "--client", "platform", "--publishable").splitlines()[-1]
    assert pub.startswith("gx_pub_")
    assert Key.objects.get(name="page").rights == ["execute", "read", "stream"]
    assert Client.objects.count() == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["--rights", "fly"],
        ["--rights", ""],
        ["--publishable", "--rights", "manage_keys"],
        ["--client", "x" * 101],
    ],
)
def test_a_key_that_is_not_made(arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("create_api_key", "x", *arguments)
    assert not Key.objects.exists()


def test_a_client_is_made_set_and_shown() -> None:
    printed("clients", "add", "platform")
    key = authentication.create("ci", client="platform")
    printed(
        "clients", "set", "platform", "languages=python, go", "executions_day=1000", "rate=60/m", "enabled=false",
        "networks=192.0.2.0/24,2001:db8::/32", "cap_wall_ms=5000",
    )  # fmt: skip
    client = Client.objects.get()
    assert (client.languages, client.executions_day, client.rate) == (["python", "go"], 1000, "60/m")
    assert (client.enabled, client.cap_wall_ms) == (False, 5000)
    shown = printed("clients", "show", "platform")
    for text in ("python,go", "1000", "60/m", "0 executions", str(prefix_in(key))):
        assert text in shown
    assert {line.split()[0] for line in shown.splitlines()} >= {option.name for option in options_of(ClientOptions)}
    printed("clients", "set", "platform", "languages=", "executions_day=", "rate=", "enabled=true")
    client.refresh_from_db()
    assert (client.languages, client.executions_day, client.rate, client.enabled) == ([], None, "", True)
    assert printed("clients", "list").split()[:4] == ["platform", "enabled", "1", "keys"]


@pytest.mark.parametrize(
    "setting",
    [
        "colour=red",
        "rate=fast",
        "burst=0",
        "burst",
        "networks=10.0.0.1/8",
        "rights=fly",
        "share=101",
        "id=1",
        "cap_tests=x",
    ],
)
def test_a_setting_that_is_none(setting: str) -> None:
    Client.objects.create(name="platform")
    before = Client.objects.values().get()
    with pytest.raises(CommandError):
        call_command("clients", "set", "platform", setting)
    assert Client.objects.values().get() == before


def test_a_client_that_there_is_not_or_is_already() -> None:
    with pytest.raises(CommandError, match="no client"):
        call_command("clients", "show", "platform")
    printed("clients", "add", "platform")
    with pytest.raises(CommandError, match="already exists"):
        call_command("clients", "add", "platform")
