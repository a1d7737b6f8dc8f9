"""Keys are listed and revoked on the command line, and a second one of the same name is not made by mistake."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from clients.authentication import create, has_valid
from clients.models import Client
from clients.secrets import prefix_in
from serve.commands import main

pytestmark = pytest.mark.django_db


def printed(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_keys_are_listed_by_their_public_part_alone() -> None:
    key = create("an editor")
    (line,) = printed("api_keys", "list").splitlines()
    prefix, secret = prefix_in(key), key.rpartition("_")[2]
    assert line.split()[:2] == [prefix, "valid"]
    assert line.endswith("an editor")
    assert secret not in line


def test_a_revoked_key_is_refused_and_stays_in_the_list() -> None:
    prefix = create("an editor").partition(".")[0]
    assert "Revoked" in printed("api_keys", "revoke", prefix)
    assert not has_valid("an editor")
    assert printed("api_keys", "list").split()[1] == "revoked"
    with pytest.raises(CommandError, match="No valid key has the prefix"):
        call_command("api_keys", "revoke", prefix)


def test_a_second_key_of_one_name_is_made_only_when_that_is_said() -> None:
    printed("create_api_key", "an editor")
    with pytest.raises(CommandError, match="already"):
        call_command("create_api_key", "an editor")
    printed("create_api_key", "an editor", "--again")
    assert len(printed("api_keys", "list").splitlines()) == 2


def test_after_a_revocation_the_name_is_free_again() -> None:
    prefix = printed("create_api_key", "an editor").splitlines()[-1].partition(".")[0]
    printed("api_keys", "revoke", prefix)
    assert printed("create_api_key", "an editor")


@pytest.mark.parametrize("arguments", [["a\u202eb"], ["a\nb"], ["ok", "--client", "a\x1b[2Jb"]], ids=ascii)
def test_a_name_with_characters_that_hide_is_refused(arguments: list[str]) -> None:
    with pytest.raises(CommandError, match="characters that nobody sees"):
        call_command("create_api_key", *arguments)
    with pytest.raises(CommandError, match="characters that nobody sees"):
        call_command("clients", "add", arguments[-1])
    assert not Client.objects.exists()


def test_one_from_before_is_listed_in_one_line_with_all_of_them() -> None:
    create("a\x1b[31m\nb", client="c\u202e")
    for lines in (printed("api_keys", "list"), printed("clients", "list"), printed("clients", "show", "c\u202e")):
        assert not set("\x1b\u202e") & set(lines)
    assert r"a\x1b[31m\nb" in printed("api_keys", "list")


@pytest.mark.parametrize("arguments", [["clients", "show", "\udcff"], ["languages", "set", "x", "example=\udcff"]])
def test_what_is_no_text_is_refused_with_a_sentence(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert str(ended.value).startswith("gexec: no UTF-8: b'")
    assert r"\xff" in str(ended.value)
