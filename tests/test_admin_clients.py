"""The admin's pages of clients and keys: use beside quotas, a key that is shown once, and revoked."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client as Http
from django.urls import reverse

from clients.authentication import create
from clients.models import Client, Key
from clients.options import ClientOptions, options_of
from clients.rights import Right
from clients.secrets import prefix_in
from dispatch.testing import FakeBackend
from tests.fake_backend import ran, result

pytestmark = pytest.mark.usefixtures("rate_limit_off", "python", "fake_backend")


def execute(key: str) -> Any:
    body = json.dumps({"language": "python", "source_code": "1"})
    return Http(headers={"authorization": f"Bearer {key}"}).post("/execute", body, "application/json")


def page(admin_client: Http, name: str, *args: object) -> str:
    response = admin_client.get(reverse(f"admin:clients_{name}", args=args))
    assert response.status_code == 200
    return response.content.decode()


def fields_of(client: Client) -> dict[str, Any]:
    """The form as the page has it."""
    values = {option.name: getattr(client, option.name) for option in options_of(ClientOptions)}
    texts = {
        name: value if name == "rights" else ",".join(value) if isinstance(value, list) else value
        for name, value in values.items()
    }
    return {"name": client.name, **{name: value for name, value in texts.items() if value not in (None, False)}}


def test_use_stands_beside_the_quota(admin_client: Http, fake_backend: FakeBackend) -> None:
    fake_backend.behave = lambda _job: result(ran(cpu_ms=2_500.0))
    key = create("interviews", client="platform")
    Client.objects.update(executions_day=10, cpu_s_month=100, storage_bytes=2048)
    for _ in range(2):
        execute(key)
    client = Client.objects.get()
    shown = page(admin_client, "client_change", client.pk)
    for text in ("2 of 10", "5000 ms of 100 s", "2 bytes of 2.0 KiB", prefix_in(key), "interviews", "Make a key"):
        assert str(text) in shown, text
    listed = page(admin_client, "client_changelist")
    assert "platform" in listed
    assert "2 of 10" in listed


def test_every_option_is_in_the_form_with_its_help(admin_client: Http) -> None:
    shown = page(admin_client, "client_add")
    for option in options_of(ClientOptions):
        assert f'name="{option.name}"' in shown, option.name
    assert "No key" not in shown


def test_a_client_is_changed_at_once(admin_client: Http) -> None:
    key = create("a")
    assert execute(key).status_code == 200
    client = Client.objects.get()
    fields = fields_of(client) | {"languages": "go, python@3.11", "networks": "192.0.2.0/24", "rate": "60/m"}
    response = admin_client.post(reverse("admin:clients_client_change", args=[client.pk]), fields)
    assert response.status_code == 302, response.content
    client.refresh_from_db()
    assert (client.languages, client.networks, client.rate) == (["go", "python@3.11"], ["192.0.2.0/24"], "60/m")
    assert execute(key).status_code == 403


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("networks", "192.0.2.0/33"),
        ("networks", "192.0.2.1/24"),
        ("origins", "play.example.org"),
        ("webhook_hosts", "https://x"),
        ("rate", "10 a minute"),
        ("rate", "0/m"),
        ("share", "101"),
        ("burst", "0"),
        ("cap_memory_mb", "15"),
        ("executions_day", "-1"),
    ],
)
def test_what_makes_no_sense_is_not_saved(admin_client: Http, name: str, value: str) -> None:
    client = Client.objects.create(name="a")
    response = admin_client.post(
        reverse("admin:clients_client_change", args=[client.pk]), fields_of(client) | {name: value}
    )
    assert response.status_code == 200
    assert name in response.context["adminform"].form.errors


def test_a_key_is_shown_once(admin_client: Http) -> None:
    client = Client.objects.create(name="platform")
    fields = {"client": client.pk, "name": "page", "rights": ["execute", "read"]}
    response = admin_client.post(reverse("admin:clients_key_add"), fields)
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    (text,) = re.findall(r"gx_live_\w+", response.content.decode())
    key = Key.objects.get()
    assert (key.prefix, key.name, key.rights, key.client) == (prefix_in(text), "page", ["execute", "read"], client)
    assert execute(text).status_code == 200
    for name, args in (("key_changelist", ()), ("key_change", (key.pk,)), ("client_change", (client.pk,))):
        shown = page(admin_client, name, *args)
        assert key.prefix in shown
        assert text.rpartition("_")[2] not in shown
        assert key.digest not in shown


def test_a_publishable_key_with_too_many_rights(admin_client: Http) -> None:
    client = Client.objects.create(name="platform")
    fields = {"client": client.pk, "name": "page", "rights": ["execute", "manage_keys"], "publishable": "on"}
    response = admin_client.post(reverse("admin:clients_key_add"), fields)
    assert "cannot have manage_keys" in response.content.decode()
    fields["rights"] = ["execute"]
    assert "gx_pub_" in admin_client.post(reverse("admin:clients_key_add"), fields).content.decode()


def test_a_key_is_revoked_and_stays(admin_client: Http) -> None:
    text = create("a")
    assert execute(text).status_code == 200
    chosen = {"action": "revoke", "_selected_action": [Key.objects.get().pk]}
    response = admin_client.post(reverse("admin:clients_key_changelist"), chosen, follow=True)
    assert "1 revoked" in response.content.decode()
    assert execute(text).status_code == 401
    assert "revoked" in page(admin_client, "key_change", Key.objects.get().pk)


def test_nothing_is_deleted_and_a_key_keeps_its_client(admin_client: Http) -> None:
    create("a", rights=Right)
    other, key = Client.objects.create(name="b"), Key.objects.get()
    for name, pk in (("client", key.client_id), ("key", key.pk)):
        assert admin_client.post(reverse(f"admin:clients_{name}_delete", args=[pk]), {"post": "yes"}).status_code == 403
    fields = {"name": "renamed", "rights": ["read"], "client": other.pk, "publishable": "on", "digest": "0" * 64}
    assert admin_client.post(reverse("admin:clients_key_change", args=[key.pk]), fields).status_code == 302
    changed = Key.objects.get()
    assert (changed.name, changed.rights) == ("renamed", ["read"])
    assert (changed.client_id, changed.publishable, changed.digest) == (key.client_id, False, key.digest)
