"""Tokens by which clients of other services find their executions. The database deletes one with its row."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

# Rows are deleted by statements of our own, which Django's cascades know nothing of.
DELETE_WITH_THE_ROW = """
ALTER TABLE executions_compattoken ADD CONSTRAINT compat_token_of_an_execution
    FOREIGN KEY (execution_id) REFERENCES executions_execution (id) ON DELETE CASCADE
"""


class Migration(migrations.Migration):
    dependencies = [
        ("executions", "0018_index_of_doors"),
    ]

    operations = [
        migrations.CreateModel(
            name="CompatToken",
            fields=[
                ("token", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "execution",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="executions.execution",
                    ),
                ),
                ("door", models.CharField(max_length=16)),
                ("client_id", models.UUIDField(blank=True, null=True)),
                ("asked", models.JSONField(default=dict, help_text="In the other service's words: see the door.")),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("client_id__isnull", False)),
                        fields=["client_id", "door", "execution"],
                        name="compat_token_by_client",
                    )
                ],
            },
        ),
        migrations.RunSQL(
            DELETE_WITH_THE_ROW,
            "ALTER TABLE executions_compattoken DROP CONSTRAINT compat_token_of_an_execution",
        ),
    ]
