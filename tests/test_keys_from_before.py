"""Keys that were made before there were clients go on being valid, with a client of their own."""

from __future__ import annotations

import json
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client as Http
from django.utils import timezone
from rest_framework_api_key.models import APIKey

from clients.models import Client, Key
from clients.rights import USUAL
from executions.models import Execution

pytestmark = pytest.mark.usefixtures("rate_limit_off", "python", "fake_backend")
bring_along = import_module("clients.migrations.0002_keys_from_before").bring_along


def old_key(name: str = "an editor", **fields: Any) -> str:
    """As create_api_key made it before."""
    _, text = APIKey.objects.create_key(name=name, **fields)
    return str(text)


def execute(key: str, scheme: str = "Api-Key") -> Any:
    body = json.dumps({"language": "python", "source_code": "1"})
    return Http(headers={"authorization": f"{scheme} {key}"}).post("/execute", body, "application/json")


def test_it_goes_on_working_with_a_client_of_its_name() -> None:
    first, second = old_key(), old_key()
    bring_along(apps, None)
    assert [execute(key, scheme).status_code for key, scheme in ((first, "Api-Key"), (second, "Bearer"))] == [200, 200]
    client = Client.objects.get()
    assert client.name == "an editor"
    assert set(Execution.objects.values_list("client_id", "api_key_id")) == {
        (client.pk, key.partition(".")[0]) for key in (first, second)
    }
    me = Http(headers={"authorization": f"Api-Key {first}"}).get("/api/v1/me").json()
    assert (me["client"], me["key"]["rights"]) == ("an editor", sorted(USUAL))


def test_what_was_refused_stays_refused() -> None:
    revoked, expired = old_key(revoked=True), old_key(expiry_date=timezone.now() - timedelta(days=1))
    bring_along(apps, None)
    assert [execute(key).status_code for key in (revoked, expired)] == [401, 401]
    assert Key.objects.exclude(revoked_at=None).count() == 1


def test_a_wrong_secret_is_no_key() -> None:
    key = old_key()
    bring_along(apps, None)
    prefix = key.partition(".")[0]
    for wrong in (f"{prefix}.", f"{prefix}.{'x' * 32}", prefix, f".{key}"):
        assert execute(wrong).status_code == 401


def test_it_is_revoked_and_disabled_as_every_other_key() -> None:
    first, second = old_key("one"), old_key("two")
    bring_along(apps, None)
    Key.objects.filter(prefix=first.partition(".")[0]).update(revoked_at=timezone.now())
    Client.objects.filter(name="two").update(enabled=False)
    assert [execute(key).status_code for key in (first, second)] == [401, 401]


def test_only_its_row_among_the_keys_is_in_the_admin() -> None:
    assert not admin.site.is_registered(APIKey)
    assert admin.site.is_registered(Key)
    assert admin.site.is_registered(Client)
