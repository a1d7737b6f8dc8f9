"""What charts show of a period in one row, and languages and clients in one each, in place of the times of all."""

from __future__ import annotations

from importlib import import_module
from typing import ClassVar

import django.contrib.postgres.fields
from django.db import migrations, models

_before = import_module("executions.migrations.0024_times_of_all_together")

_PERIODS = [("minute", "Minute"), ("hour", "Hour"), ("day", "Day"), ("ever", "Ever")]
_BUCKETS = 24
# Of buckets that are counted in rows (measure, bucket, counted), the array of all.
_ARRAY = "ARRAY[{}]::bigint[]".format(
    ", ".join(
        f"coalesce(sum(counted) FILTER (WHERE measure = '{{measure}}' AND bucket = {n}), 0)" for n in range(_BUCKETS)
    )
)
_WALL, _QUEUE = _ARRAY.format(measure="wall"), _ARRAY.format(measure="queue")
_NOTHING = "array_fill(0::bigint, ARRAY[24])"

ADD = """
CREATE FUNCTION executions_add(a bigint[], b bigint[]) RETURNS bigint[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT array_agg(coalesce(one, 0) + coalesce(other, 0) ORDER BY place)
FROM unnest(a, b) WITH ORDINALITY AS pair (one, other, place)
$$;
CREATE FUNCTION executions_add(a jsonb, b jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT jsonb_object_agg(name, counted) FROM (
    SELECT name, sum(value::bigint) AS counted
    FROM (SELECT * FROM jsonb_each_text(a) UNION ALL SELECT * FROM jsonb_each_text(b)) AS both_of_them (name, value)
    GROUP BY name
) summed
$$;
"""
ADD_BACK = "DROP FUNCTION executions_add(bigint[], bigint[]); DROP FUNCTION executions_add(jsonb, jsonb);"

# Nothing is rolled up meanwhile. A roll-up that waits for this lock has its statement of before, and fails as that names
# a table that is gone by then: it has added nothing, and the next one adds the same lines.
LOCK = "LOCK TABLE executions_executionperiod IN SHARE ROW EXCLUSIVE MODE"
_KNOWN = """
INSERT INTO executions_executionchart (period, at, outcomes, wall_ms, wall, queue)
SELECT ended.period, ended.at, ended.outcomes, ended.wall_ms, coalesce(timed.wall, {nothing}),
    coalesce(timed.queue, {nothing})
FROM (
    SELECT period, at, jsonb_object_agg(outcome, counted) AS outcomes, sum(wall_ms) AS wall_ms FROM (
        SELECT period, at, outcome, sum(executions)::bigint AS counted, sum(wall_ms) AS wall_ms
        FROM executions_executionperiod WHERE period <> 'ever' GROUP BY 1, 2, 3
    ) of_outcomes GROUP BY 1, 2
) ended LEFT JOIN (
    SELECT period, at, {wall} AS wall, {queue} AS queue
    FROM (SELECT period, at, measure, bucket, executions AS counted FROM executions_executiontimes) binned GROUP BY 1, 2
) timed USING (period, at);
INSERT INTO executions_executionlanguage (period, at, language_slug, executions, failed, ours)
SELECT period, at, language_slug, sum(executions), coalesce(sum(executions) FILTER (WHERE outcome <> 'ok'), 0),
    coalesce(sum(executions) FILTER (WHERE outcome = 'sandbox_error'), 0)
FROM executions_executionperiod WHERE period <> 'ever' AND outcome <> 'rejected' GROUP BY 1, 2, 3;
INSERT INTO executions_executionclient (day, client_id, executions, cpu_ms)
SELECT day, client_id, sum(executions), sum(cpu_ms)
FROM clients_usage WHERE outcome <> 'rejected' GROUP BY 1, 2;
"""
KNOWN = _KNOWN.format(wall=_WALL, queue=_QUEUE, nothing=_NOTHING)

_CHARTS = """charts AS (
    INSERT INTO executions_executionchart AS part (period, at, outcomes, wall_ms, wall, queue)
    SELECT period, since, of_all.outcomes, of_all.wall_ms, coalesce(timed.wall, {nothing}),
        coalesce(timed.queue, {nothing})
    FROM (
        SELECT period, since, jsonb_object_agg(outcome, counted) AS outcomes, sum(wall_ms) AS wall_ms FROM (
            SELECT period, since, outcome, count(*) AS counted, sum(wall_ms) AS wall_ms
            FROM ended WHERE period <> 'ever' GROUP BY 1, 2, 3
        ) of_outcomes GROUP BY 1, 2
    ) of_all LEFT JOIN (
        SELECT period, since, {wall} AS wall, {queue} AS queue FROM (
            SELECT period, since, measure, executions_bucket(ms) AS bucket, count(*) AS counted
            FROM ended, LATERAL (VALUES ('wall', run_ms), ('queue', queue_ms)) AS measured (measure, ms)
            WHERE ms IS NOT NULL AND period <> 'ever' GROUP BY 1, 2, 3, 4
        ) binned GROUP BY 1, 2
    ) timed USING (period, since)
    ORDER BY 1, 2
    ON CONFLICT (period, at) DO UPDATE SET outcomes = executions_add(part.outcomes, EXCLUDED.outcomes),
        wall_ms = part.wall_ms + EXCLUDED.wall_ms, wall = executions_add(part.wall, EXCLUDED.wall),
        queue = executions_add(part.queue, EXCLUDED.queue)
), languages AS (
    INSERT INTO executions_executionlanguage AS part (period, at, language_slug, executions, failed, ours)
    SELECT period, since, language, count(*), count(*) FILTER (WHERE outcome <> 'ok'),
        count(*) FILTER (WHERE outcome = 'sandbox_error')
    FROM ended WHERE period <> 'ever' AND outcome <> 'rejected' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (period, at, language_slug) DO UPDATE SET executions = part.executions + EXCLUDED.executions,
        failed = part.failed + EXCLUDED.failed, ours = part.ours + EXCLUDED.ours
), of_clients AS (
    INSERT INTO executions_executionclient AS part (day, client_id, executions, cpu_ms)
    SELECT (at AT TIME ZONE 'UTC')::date, client_id, count(*), sum(cpu_ms)
    FROM gone WHERE client_id IS NOT NULL AND outcome <> 'rejected' GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (day, client_id) DO UPDATE SET executions = part.executions + EXCLUDED.executions,
        cpu_ms = part.cpu_ms + EXCLUDED.cpu_ms
), """
ROLL_UP = _before._ROLL_UP.format(
    times=_CHARTS.format(wall=_WALL, queue=_QUEUE, nothing=_NOTHING),
    forget="\n    DELETE FROM executions_executionchart;\n    DELETE FROM executions_executionlanguage;",
)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("executions", "0028_one_step_at_once")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="ExecutionChart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("period", models.CharField(choices=_PERIODS, max_length=6)),
                ("at", models.DateTimeField()),
                ("outcomes", models.JSONField(help_text="How many had each, or were `rejected`.")),
                ("wall_ms", models.FloatField(help_text="Of all steps.")),
                ("wall", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ("queue", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("period", "at"), name="execution_chart_once")],
            },
        ),
        migrations.CreateModel(
            name="ExecutionLanguage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("period", models.CharField(choices=_PERIODS, max_length=6)),
                ("at", models.DateTimeField()),
                ("language_slug", models.CharField(max_length=64)),
                ("executions", models.BigIntegerField()),
                ("failed", models.BigIntegerField(help_text="With any outcome but `ok`.")),
                ("ours", models.BigIntegerField(help_text="By our fault.")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("period", "at", "language_slug"), name="execution_language_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="ExecutionClient",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("client_id", models.UUIDField()),
                ("executions", models.BigIntegerField()),
                ("cpu_ms", models.FloatField(help_text="Of all steps.")),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("day", "client_id"), name="execution_client_once")],
            },
        ),
        migrations.RunSQL(LOCK, migrations.RunSQL.noop),
        migrations.RunSQL(KNOWN, _before.KNOWN),
        migrations.RunSQL(ADD, ADD_BACK),
        migrations.RunSQL(ROLL_UP, _before.WITH_TIMES),
        migrations.DeleteModel(name="ExecutionTimes"),
        migrations.RunSQL(migrations.RunSQL.noop, LOCK),
    ]
