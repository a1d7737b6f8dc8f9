"""Whatever stands in an address of the admin, it is no fault of the server and leads nowhere else."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

PAGES = ["admin:executions_execution_changelist", "admin:languages_language_changelist", "admin:auth_user_changelist"]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("query", ["status__in=%00", "slug__in=a%00", "username__in=%00", "q=%00", "%00=1", "o=%00"])
def test_a_nul_is_a_bad_request(admin_client: Client, page: str, query: str) -> None:
    assert admin_client.get(f"{reverse(page)}?{query}").status_code == 400


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("query", ["username__range=", "username__range=x", "username__regex=(", "username__range=xyz"])
def test_what_cannot_be_looked_for_is_a_bad_request(admin_client: Client, query: str) -> None:
    assert admin_client.get(f"{reverse('admin:auth_user_changelist')}?{query}").status_code == 400


@pytest.mark.parametrize(
    "path", ["/admin/%00", "/admin/auth/user/%00/change/", "/admin/executions/execution/%00/change/"]
)
def test_a_nul_in_the_path_is_one_too(admin_client: Client, path: str) -> None:
    assert admin_client.get(path).status_code == 400


@pytest.mark.parametrize("path", ["/%00", "/api/v1/%00"])
@pytest.mark.django_db
def test_elsewhere_it_is_a_path_that_there_is_not(path: str) -> None:
    assert Client().get(path).status_code == 404


@pytest.mark.parametrize("following", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_a_log_in_leads_to_no_other_site(db: None, following: str) -> None:
    User.objects.create_superuser("root", password="a long one for a test")
    form = {"username": "root", "password": "a long one for a test", "next": following}
    response = Client().post(reverse("admin:login"), form)
    assert (response.status_code, response.headers["Location"]) == (302, reverse("admin:index"))
