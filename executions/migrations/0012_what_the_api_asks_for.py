"""What /api/v1 asks for of an execution. Its indexes are partial: no row of before is in them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("executions", "0011_storage_by_caller"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="execution",
            name="execution_open_has_worker",
        ),
        migrations.AddField(
            model_name="execution",
            name="artifacts",
            field=models.JSONField(blank=True, help_text="Files that it left: see executions.results.", null=True),
        ),
        migrations.AddField(
            model_name="execution",
            name="attempt",
            field=models.PositiveSmallIntegerField(db_default=1, default=1),
        ),
        migrations.AddField(
            model_name="execution",
            name="background",
            field=models.BooleanField(
                db_default=False, default=False, help_text="Run by whichever process takes it up, not by a request."
            ),
        ),
        migrations.AddField(
            model_name="execution",
            name="batch_id",
            field=models.UUIDField(blank=True, null=True, verbose_name="batch"),
        ),
        migrations.AddField(
            model_name="execution",
            name="client_id",
            field=models.UUIDField(
                blank=True, help_text="Whose it is; empty: nobody's with a key.", null=True, verbose_name="client"
            ),
        ),
        migrations.AddField(
            model_name="execution",
            name="door",
            field=models.CharField(
                db_default="execute", default="execute", help_text="Through which door it came.", max_length=16
            ),
        ),
        migrations.AddField(
            model_name="execution",
            name="lane",
            field=models.CharField(
                choices=[("interactive", "Interactive"), ("batch", "Batch")],
                db_default="interactive",
                default="interactive",
                max_length=12,
            ),
        ),
        migrations.AddField(
            model_name="execution",
            name="queue_limit_ms",
            field=models.PositiveIntegerField(blank=True, help_text="How long it may wait for its turn.", null=True),
        ),
        migrations.AddField(
            model_name="execution",
            name="score",
            field=models.JSONField(blank=True, help_text="Tests and points: see executions.grading.", null=True),
        ),
        migrations.AddField(
            model_name="execution",
            name="store",
            field=models.CharField(
                choices=[("all", "All"), ("no_code", "No Code"), ("nothing", "Nothing")],
                db_default="all",
                default="all",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="execution",
            name="tags",
            field=models.JSONField(blank=True, help_text="Names and values, for the client to find it by.", null=True),
        ),
        migrations.AddField(
            model_name="execution",
            name="tests",
            field=models.JSONField(blank=True, help_text="How each test went: see executions.grading.", null=True),
        ),
        migrations.AddField(
            model_name="execution",
            name="verdict",
            field=models.CharField(
                blank=True, db_default="", default="", help_text="Of all its tests together.", max_length=20
            ),
        ),
        migrations.AddField(
            model_name="execution",
            name="webhook_url",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("client_id__isnull", False)), fields=["client_id", "id"], name="execution_by_client"
            ),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("batch_id__isnull", False)), fields=["batch_id", "id"], name="execution_by_batch"
            ),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("background", True), ("status", "queued")),
                fields=["lane", "id"],
                name="execution_to_take_up",
            ),
        ),
        migrations.AddConstraint(
            model_name="execution",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status__in", ("queued", "running")), _negated=True),
                    ("worker__isnull", False),
                    models.Q(("background", True), ("status", "queued")),
                    _connector="OR",
                ),
                name="execution_open_has_worker",
            ),
        ),
    ]
