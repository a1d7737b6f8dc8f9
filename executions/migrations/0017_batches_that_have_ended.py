"""A batch knows that it has ended, so that this is told once."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("executions", "0016_indexes_of_the_backlog"),
    ]

    operations = [
        migrations.AddField(
            model_name="batch",
            name="finished_at",
            field=models.DateTimeField(blank=True, help_text="When it was seen that all of it has ended.", null=True),
        ),
        migrations.AddIndex(
            model_name="batch",
            index=models.Index(condition=models.Q(("finished_at__isnull", True)), fields=["id"], name="batch_open"),
        ),
    ]
