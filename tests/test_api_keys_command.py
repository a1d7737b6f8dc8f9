"""Keys are listed and revoked on the command line, and a second one of the same name is not made by mistake."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from clients.authentication import create, has_valid
from clients.secrets import prefix_in

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
