"""Roles of the admin, as groups: operator, reviewer, auditor, each with what its work needs and nothing more.

A group of such a name that is there already is its owner's, and stays as it is. On the way back they stay as well: users
may be in them.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations

READ = (
    "executions.view_execution",
    "executions.view_callerstorage",
    "languages.view_language",
    "clients.view_client",
    "clients.view_key",
    "files.view_file",
    "files.view_clientfiles",
    "webhooks.view_endpoint",
    "webhooks.view_delivery",
    "periodic.view_periodictask",
    "snippets.view_snippet",
    "axes.view_accessattempt",
    "axes.view_accesslog",
    "axes.view_accessfailurelog",
)
ROLES = {
    "operator": (
        *READ,
        "executions.change_execution",
        "executions.run_again_execution",
        "languages.add_language",
        "languages.change_language",
        "languages.delete_language",
        "clients.add_client",
        "clients.change_client",
        "clients.add_key",
        "clients.change_key",
        "files.delete_file",
        "webhooks.delete_endpoint",
        "webhooks.change_delivery",
        "periodic.change_periodictask",
        "snippets.change_snippet",
        "snippets.delete_snippet",
        "axes.delete_accessattempt",
    ),
    "reviewer": ("executions.view_execution", "executions.run_again_execution"),
    "auditor": (*READ, "auth.view_user", "auth.view_group"),
}


def make_roles(apps: Any, schema_editor: Any) -> None:
    """Permissions are made when all migrations are done: those that are not there yet are made here, as they would be."""
    groups = apps.get_model("auth", "Group").objects.using(schema_editor.connection.alias)
    for name, permissions in ROLES.items():
        group, is_made = groups.get_or_create(name=name)
        if is_made:
            group.permissions.set([_permission(apps, each) for each in permissions])


def _permission(apps: Any, name: str) -> Any:
    label, codename = name.split(".")
    action, model_name = codename.rsplit("_", 1)
    model = apps.get_model(label, model_name)
    options = model._meta
    content_type, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label=label, model=model_name
    )
    named = dict(options.permissions).get(codename, f"Can {action} {options.verbose_name_raw}")
    made, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=content_type, codename=codename, defaults={"name": named}
    )
    return made


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("axes", "0009_add_session_hash"),
        ("clients", "0004_how_long_what_is_kept"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("executions", "0025_run_again_permission"),
        ("files", "0002_deleted_files"),
        ("languages", "0018_stack_of_ruby"),
        ("periodic", "0001_periodic_task"),
        ("snippets", "0001_stored_programs"),
        ("webhooks", "0001_webhooks"),
    ]
    operations: ClassVar = [migrations.RunPython(make_roles, migrations.RunPython.noop)]
