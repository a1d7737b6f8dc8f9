"""What forms and addresses of the admin bring that nothing can be made of is refused with words."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from clients.models import Client as Tenant
from clients.models import Key
from languages.models import Language

HIDDEN = "a\u202eb"
DEEP = "[" * 50_000


@pytest.fixture
def language(db: None) -> Language:
    return Language.objects.create(
        slug="x", name="X", image="gexec/x", source_file="main.x", run_command=["x", "{source}"]
    )


def form_of(page: Any) -> dict[str, Any]:
    """What a browser would send back."""
    form = page.context["adminform"].form
    shown = {each.html_name: each.value() for each in form}
    shown |= {each.html_initial_name: shown[each.html_name] for each in form if each.field.show_hidden_initial}
    return {name: value for name, value in shown.items() if value not in (None, False)}


@pytest.mark.parametrize(
    "text",
    [r'["\ud800"]', r'[{"A": "\ud800"}]', DEEP, "[" + "9" * 5000 + "]"],
    ids=["list", "object", "deep", "long number"],
)
@pytest.mark.parametrize("field", ["environment", "excused", "run_command", "compile_args", "packages_command"])
def test_json_that_cannot_be_stored_is_refused(admin_client: Client, language: Language, field: str, text: str) -> None:
    url = reverse("admin:languages_language_change", args=[language.pk])
    response = admin_client.post(url, {**form_of(admin_client.get(url)), field: text})
    assert response.status_code == 200
    assert field in response.context["adminform"].form.errors


def test_what_a_form_was_first_shown_with_may_be_anything(admin_client: Client, language: Language) -> None:
    url = reverse("admin:languages_language_change", args=[language.pk])
    form = form_of(admin_client.get(url)) | {"initial-environment": DEEP, "initial-run_command": DEEP}
    assert admin_client.post(url, form).status_code == 302


@pytest.mark.parametrize("name", [HIDDEN, "a\nb", "a\u3164"], ids=ascii)
def test_names_have_no_characters_that_hide(admin_client: Client, language: Language, name: str) -> None:
    client = Tenant.objects.create(name="a client")
    key = Key.objects.create(prefix="12345678", client=client, name="a key")
    pages = [("clients_client", client.pk), ("clients_key", key.pk), ("languages_language", language.pk)]
    for page, pk in pages:
        url = reverse(f"admin:{page}_change", args=[pk])
        response = admin_client.post(url, {**form_of(admin_client.get(url)), "name": name})
        assert "characters that nobody sees" in str(response.context["adminform"].form.errors["name"]), page
    admin_client.post(reverse("admin:auth_group_add"), {"name": name})
    assert not Group.objects.filter(name=name).exists()
    url = reverse("admin:auth_user_change", args=[User.objects.get().pk])
    response = admin_client.post(url, {**form_of(admin_client.get(url)), "first_name": name})
    assert "first_name" in response.context["adminform"].form.errors


@pytest.mark.parametrize("text", ['name = "a\\u202eb"', 'example = "a\\u0000b"', 'name = "a\\u0000b"'])
def test_a_file_of_a_language_has_none_either(admin_client: Client, text: str) -> None:
    whole = f'{text}\nsource_file = "main.y"\nrun = ["y"]\n'
    if "name" not in text:
        whole = f'name = "Y"\n{whole}'
    file = SimpleUploadedFile("y.toml", whole.encode())
    response = admin_client.post(reverse("admin:languages_language_import"), {"file": file, "slug": "y"})
    assert response.status_code == 200
    assert not Language.objects.filter(slug="y").exists()


@pytest.mark.parametrize(
    "rows", ["clients_key", "languages_language", "auth_user", "files_file", "snippets_snippet", "webhooks_endpoint"]
)
def test_what_is_chosen_in_a_list_may_be_anything(admin_client: Client, rows: str) -> None:
    for chosen in ("abc", "\x00", "01a21dee-f4b6-7aca-b3d5-fc2a0a85bc3g", "9" * 30):
        for action in ("delete_selected", "revoke", "install"):
            form = {"action": action, "_selected_action": [chosen], "index": "0"}
            assert admin_client.post(reverse(f"admin:{rows}_changelist"), form).status_code < 500


@pytest.mark.parametrize("query", ["client=abc", "client=", "expires_at=x", "name=ok&client=1", "rights=x", "nope=1"])
def test_what_an_address_proposes_for_a_new_row_may_be_anything(admin_client: Client, query: str) -> None:
    response = admin_client.get(f"{reverse('admin:clients_key_add')}?{query}")
    assert response.status_code == 200
    assert (b'value="ok"' in response.content) == ("name=ok" in query)


@pytest.mark.parametrize("sent", ["abc", "1", "01a21ded-f836-7640-ace4-1c21fb815288"])
def test_a_form_is_shown_again_whatever_was_sent(admin_client: Client, sent: str) -> None:
    response = admin_client.post(reverse("admin:clients_key_add"), {"client": sent, "name": "a key"})
    assert response.status_code == 200
    assert "client" in response.context["adminform"].form.errors


def test_a_client_that_an_address_names_is_chosen(admin_client: Client) -> None:
    client = Tenant.objects.create(name="a client")
    page = admin_client.get(f"{reverse('admin:clients_key_add')}?client={client.pk}").content.decode()
    assert f'<option value="{client.pk}" selected' in page
