"""What strangers have sent is shown in the admin with every character seen, whoever made the page."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clients.models import Client as Tenant
from webhooks.models import Attempt, Delivery

HIDDEN = "a\u202eb\u200bc\u3164d\x85e"
SEEN = r"a\u202eb\u200bc\u3164d\x85e"


def page(admin_client: Client, name: str, *args: Any) -> str:
    response = admin_client.get(reverse(f"admin:{name}", args=args))
    assert response.status_code == 200
    shown = response.content.decode()
    assert not set(HIDDEN) - set("abcde") & set(shown)
    return shown


@pytest.mark.parametrize("model", [AccessAttempt, AccessFailureLog, AccessLog])
def test_names_and_programs_of_log_ins_are(admin_client: Client, model: Any) -> None:
    texts = dict.fromkeys(("username", "user_agent", "http_accept", "path_info"), HIDDEN)
    more = {"get_data": HIDDEN, "post_data": f"username={HIDDEN}", "failures_since_start": 1}
    row = model.objects.create(ip_address="192.0.2.1", **texts, **(more if model is AccessAttempt else {}))
    name = f"axes_{model._meta.model_name}"
    assert page(admin_client, f"{name}_changelist").count(SEEN) >= 3
    shown = page(admin_client, f"{name}_change", row.pk)
    assert shown.count(SEEN) >= (6 if model is AccessAttempt else 4)
    assert 'name="_save"' not in shown
    # What is counted is what was sent.
    assert model.objects.get(pk=row.pk).username == HIDDEN


def test_a_log_in_that_failed_is_seen_and_can_be_forgotten(admin_client: Client) -> None:
    for _ in range(2):
        Client().post(reverse("admin:login"), {"username": "root\u202etoor", "password": "wrong"})
    assert r"root\u202etoor" in page(admin_client, "axes_accessattempt_changelist")
    row = AccessAttempt.objects.get()
    admin_client.post(reverse("admin:axes_accessattempt_delete", args=[row.pk]), {"post": "yes"})
    assert not AccessAttempt.objects.exists()
    assert User.objects.filter(username="admin").exists()


def test_what_a_receiver_of_webhooks_answered_is(admin_client: Client) -> None:
    client = Tenant.objects.create(name="a client")
    delivery = Delivery.objects.create(
        message=uuid.uuid4(), client=client, url="https://a.example/", host="a.example",
        event="batch.finished", body=HIDDEN.encode(),
    )  # fmt: skip
    Attempt.objects.create(delivery=delivery, at=timezone.now(), status=500, ms=3, error=HIDDEN, answer=HIDDEN)
    assert page(admin_client, "webhooks_delivery_change", delivery.pk).count(SEEN) == 3
