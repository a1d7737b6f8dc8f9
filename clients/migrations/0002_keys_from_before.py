"""Keys that were made before there were clients: each belongs to a client of its name, and goes on being valid."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations


def bring_along(apps: Any, _editor: Any) -> None:
    clients = apps.get_model("clients", "Client").objects
    keys = apps.get_model("clients", "Key").objects
    for old in apps.get_model("rest_framework_api_key", "APIKey").objects.all():
        client, _ = clients.get_or_create(name=old.name)
        keys.create(
            prefix=old.prefix,
            client=client,
            name=old.name,
            created_at=old.created,
            expires_at=old.expiry_date,
            revoked_at=old.created if old.revoked else None,
        )


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("clients", "0001_clients_and_keys"),
        ("rest_framework_api_key", "0005_auto_20220110_1102"),
    ]

    operations: ClassVar = [migrations.RunPython(bring_along, migrations.RunPython.noop)]
