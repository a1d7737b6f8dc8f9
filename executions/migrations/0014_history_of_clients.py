"""Tags, idempotency keys and erasures; lists of a client's executions. The database deletes a tag with its row."""

import django.db.models.deletion
from django.db import migrations, models

import rest.ids

# Rows are deleted by statements of our own, which Django's cascades know nothing of.
DELETE_WITH_THE_ROW = """
ALTER TABLE executions_executiontag ADD CONSTRAINT execution_tag_of_an_execution
    FOREIGN KEY (execution_id) REFERENCES executions_execution (id) ON DELETE CASCADE
"""


class Migration(migrations.Migration):
    dependencies = [
        ("executions", "0013_counted_by_client"),
    ]

    operations = [
        migrations.CreateModel(
            name="Erasure",
            fields=[
                ("id", models.UUIDField(default=rest.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("client_id", models.UUIDField(null=True)),
                ("api_key_id", models.CharField(blank=True, default="", max_length=64, verbose_name="API key")),
                ("what", models.JSONField(help_text="The id, or the tag, that was asked for.")),
                ("erased", models.BigIntegerField(default=0)),
                ("created_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="ExecutionTag",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("client_id", models.UUIDField()),
                ("name", models.CharField(max_length=64)),
                ("value", models.CharField(max_length=256)),
            ],
        ),
        migrations.CreateModel(
            name="IdempotencyKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("scope", models.CharField(max_length=100)),
                ("key", models.CharField(max_length=255)),
                ("fingerprint", models.CharField(max_length=64)),
                ("execution_id", models.UUIDField()),
                ("expires_at", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("client_id__isnull", False)),
                fields=["client_id", "language_slug", "status", "outcome", "id"],
                name="execution_by_client_both",
            ),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("client_id__isnull", False)),
                fields=["client_id", "language_slug", "id"],
                name="execution_by_client_language",
            ),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("client_id__isnull", False)),
                fields=["client_id", "status", "outcome", "id"],
                name="execution_by_client_ending",
            ),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("verdict", ""), _negated=True),
                fields=["client_id", "verdict", "id"],
                name="execution_by_client_verdict",
            ),
        ),
        migrations.AddIndex(
            model_name="erasure",
            index=models.Index(condition=models.Q(("finished_at__isnull", True)), fields=["id"], name="erasure_open"),
        ),
        migrations.AddField(
            model_name="executiontag",
            name="execution",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="executions.execution",
            ),
        ),
        migrations.AddConstraint(
            model_name="idempotencykey",
            constraint=models.UniqueConstraint(fields=("scope", "key"), name="idempotency_key_once"),
        ),
        migrations.AddConstraint(
            model_name="executiontag",
            constraint=models.UniqueConstraint(
                fields=("client_id", "name", "value", "execution"), name="execution_tag_once"
            ),
        ),
        migrations.RunSQL(
            DELETE_WITH_THE_ROW, "ALTER TABLE executions_executiontag DROP CONSTRAINT execution_tag_of_an_execution"
        ),
    ]
