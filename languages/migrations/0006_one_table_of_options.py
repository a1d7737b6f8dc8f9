"""The bounds of every option are held by the database, and `pids` is called `processes` as in the API."""

import django.core.validators
from django.db import migrations, models

# The database had no upper bounds for these before; a row beyond them stays and gets the highest value.
INTO_BOUNDS = """
UPDATE languages_language SET
    cpu_quota_us = LEAST(cpu_quota_us, 6400000),
    processes = LEAST(processes, 4096),
    output_bytes = LEAST(output_bytes, 67108864),
    tmpfs_mb = LEAST(tmpfs_mb, 4096),
    runs_per_container = LEAST(runs_per_container, 1000000),
    warm_min = LEAST(warm_min, 64),
    warm_max = LEAST(warm_max, 64)
WHERE cpu_quota_us > 6400000 OR processes > 4096 OR output_bytes > 67108864 OR tmpfs_mb > 4096
    OR runs_per_container > 1000000 OR warm_min > 64 OR warm_max > 64
"""


class Migration(migrations.Migration):
    dependencies = [
        ("languages", "0005_language_task"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="language",
            name="language_timeout_in_range",
        ),
        migrations.RemoveConstraint(
            model_name="language",
            name="language_compile_timeout_in_range",
        ),
        migrations.RemoveConstraint(
            model_name="language",
            name="language_memory_in_range",
        ),
        migrations.RemoveConstraint(
            model_name="language",
            name="language_limits_in_range",
        ),
        migrations.RemoveConstraint(
            model_name="language",
            name="language_warm_in_range",
        ),
        migrations.RenameField(model_name="language", old_name="pids", new_name="processes"),
        migrations.AlterField(
            model_name="language",
            name="processes",
            field=models.PositiveIntegerField(
                default=64,
                help_text="Processes and threads at one time.",
                validators=[
                    django.core.validators.MinValueValidator(2),
                    django.core.validators.MaxValueValidator(4096),
                ],
            ),
        ),
        migrations.RunSQL(INTO_BOUNDS, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="language",
            constraint=models.CheckConstraint(
                condition=models.Q(("timeout_ms__gte", 1), ("timeout_ms__lte", 3600000)),
                name="language_timeout_ms_in_range",
                violation_error_message="timeout_ms is out of range: 1 to 3600000.",
            ),
        ),
        migrations.AddConstraint(
            model_name="language",
            constraint=models.CheckConstraint(
                condition=models.Q(("max_timeout_ms__gte", 1), ("max_timeout_ms__lte", 3600000)),
                name="language_max_timeout_ms_in_range",
                violation_error_message="max_timeout_ms is out of range: 1 to 3600000.",
            ),
        ),
        migrations.AddConstraint(
            model_name="language",
            constraint=models.CheckConstraint(
                condition=models.Q(("compile_timeout_ms__gte", 1), ("compile_timeout_ms__lte", 3600000)),
                name="language_compile_timeout_ms_in_range",
                violation_error_message="compile_timeout_ms is out of range: 1 to 3600000.",
            ),
        ),
        migrations.AddConstraint(
            model_name="language",
            constraint=models.CheckConstraint(
                condition=models.Q(("memory_mb__gte", 16)),
                name="language_memory_mb_in_range",
                violation_error_message="memory_mb is out of range: at least 16.",
            ),
        ),
        migrations.AddConstraint(
            model_name="language",
            constraint=models.CheckConstraint(
                condition=models.Q(("compile_memory_mb__gte", 16)),
                name="language_compile_memory_mb_in_range",
                violation_error_message="compile_memory_mb is out of range: at least 16.",
            ),
        ),
        migrations.AddConstraint(
            model_name="language",
            constraint=models.CheckConstraint(
                condition=models.Q(("cpu_quota_us__gte", 1000), ("cpu_quota_us__lte", 6400000)),
                name="language_cpu_quota_us_in_range",
                violation_error_message="cpu_quota_us is out of range: 1000 to 6400000.",
            ),
        ),
        migrations.AddConstraint(
            model_name="language",
            constraint=models.CheckConstraint(
                condition=models.Q(("processes__gte", 2), ("processes__lte", 4096)),
                name="language_processes_in_range",
                violation_error_message="processes is out of range: 2 to 4096.",
            ),
        ),
        migrations.AddConstraint(
            model_name="language",
            constraint=models.CheckConstraint(
                condition=models.Q(("output_bytes__gte", 1), ("output_bytes__lte", 67108864)),
                name="language_output_bytes_in_range",
                violation_error_message="output_bytes is out of range: 1 to 67108864.",
            ),
        ),
        migrations.AddConstraint(
            model_name="language",
            constraint=models.CheckConstraint(
                condition=models.Q(("tmpfs_mb__gte", 1), ("tmpfs_mb__lte", 4096)),
                name="language_tmpfs_mb_in_range",
                violation_error_message="tmpfs_mb is out of range: 1 to 4096.",
            ),
        ),
        migrations.AddConstraint(
            model_name="language",
            constraint=models.CheckConstraint(
                condition=models.Q(("runs_per_container__gte", 1), ("runs_per_container__lte", 1000000)),
                name="language_runs_per_container_in_range",
                violation_error_message="runs_per_container is out of range: 1 to 1000000.",
            ),
        ),
        migrations.AddConstraint(
            model_name="language",
            constraint=models.CheckConstraint(
                condition=models.Q(("warm_min__gte", 0), ("warm_min__lte", 64)),
                name="language_warm_min_in_range",
                violation_error_message="warm_min is out of range: 0 to 64.",
            ),
        ),
        migrations.AddConstraint(
            model_name="language",
            constraint=models.CheckConstraint(
                condition=models.Q(("warm_max__gte", 0), ("warm_max__lte", 64)),
                name="language_warm_max_in_range",
                violation_error_message="warm_max is out of range: 0 to 64.",
            ),
        ),
        migrations.AddConstraint(
            model_name="language",
            constraint=models.CheckConstraint(
                condition=models.Q(("timeout_ms__lte", models.F("max_timeout_ms"))),
                name="language_timeout_within_longest",
                violation_error_message="The time limit must be at most the longest time limit.",
            ),
        ),
        migrations.AddConstraint(
            model_name="language",
            constraint=models.CheckConstraint(
                condition=models.Q(("warm_min__lte", models.F("warm_max"))),
                name="language_warm_min_within_max",
                violation_error_message="The least number of warm containers must not be above the most.",
            ),
        ),
    ]
