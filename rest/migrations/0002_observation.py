"""What server processes count in memory, for all of them and over restarts."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("rest", "0001_counter")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Observation",
            fields=[
                (
                    "series",
                    models.CharField(
                        help_text="A JSON list: a name, and values of labels.",
                        max_length=250,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("value", models.FloatField()),
            ],
        ),
    ]
