"""How long programs took and waited, of all languages and outcomes together: what charts ask for, in few rows."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models

KNOWN = """
INSERT INTO executions_executiontimes (period, at, measure, bucket, executions)
SELECT period, at, measure, bucket, sum(executions) FROM executions_executionhistogram
WHERE measure <> 'total' GROUP BY 1, 2, 3, 4
"""

_ROLL_UP = """
CREATE OR REPLACE FUNCTION executions_roll_up(most bigint) RETURNS bigint LANGUAGE sql AS $$
WITH gone AS (
    DELETE FROM executions_tally
    WHERE ctid = ANY (ARRAY(SELECT ctid FROM executions_tally LIMIT most FOR UPDATE SKIP LOCKED)) RETURNING *
), counted AS (
    SELECT *, CASE WHEN outcome = 'rejected' THEN '' ELSE language_slug END AS language FROM gone
), totals AS (
    INSERT INTO executions_executiontotal AS total (language_slug, outcome, received, finished, errors)
    SELECT language, outcome, sum(received), sum(finished), sum(errors) FROM counted GROUP BY 1, 2
    ON CONFLICT (language_slug, outcome) DO UPDATE SET received = total.received + EXCLUDED.received,
        finished = total.finished + EXCLUDED.finished, errors = total.errors + EXCLUDED.errors
), ended AS (
    SELECT * FROM counted, LATERAL (VALUES
        ('minute', date_trunc('minute', at, 'UTC')), ('hour', date_trunc('hour', at, 'UTC')),
        ('day', date_trunc('day', at, 'UTC')), ('ever', 'epoch'::timestamptz)) AS part (period, since)
    WHERE finished > 0
), periods AS (
    INSERT INTO executions_executionperiod AS part
        (period, at, language_slug, outcome, executions, errors, cpu_ms, wall_ms, queue_ms, run_ms, total_ms)
    SELECT period, since, language, outcome, count(*), sum(errors), sum(cpu_ms), sum(wall_ms), sum(coalesce(queue_ms, 0)),
        sum(coalesce(run_ms, 0)), sum(coalesce(total_ms, 0))
    FROM ended GROUP BY 1, 2, 3, 4
    ON CONFLICT (period, at, language_slug, outcome) DO UPDATE SET executions = part.executions + EXCLUDED.executions,
        errors = part.errors + EXCLUDED.errors, cpu_ms = part.cpu_ms + EXCLUDED.cpu_ms,
        wall_ms = part.wall_ms + EXCLUDED.wall_ms, queue_ms = part.queue_ms + EXCLUDED.queue_ms,
        run_ms = part.run_ms + EXCLUDED.run_ms, total_ms = part.total_ms + EXCLUDED.total_ms
), histograms AS (
    INSERT INTO executions_executionhistogram AS part (period, at, language_slug, outcome, measure, bucket, executions)
    SELECT period, since, language, outcome, measure, executions_bucket(ms), count(*)
    FROM ended, LATERAL (VALUES ('wall', run_ms), ('queue', queue_ms),
        ('total', CASE WHEN period = 'ever' THEN total_ms END)) AS measured (measure, ms)
    WHERE ms IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6
    ON CONFLICT (period, at, language_slug, outcome, measure, bucket) DO UPDATE
        SET executions = part.executions + EXCLUDED.executions
), {times}used AS (
    INSERT INTO clients_usage AS usage
        (client_id, day, key, language, door, outcome, shard, executions, cpu_ms, wall_ms, stored_bytes)
    SELECT client_id, (at AT TIME ZONE 'UTC')::date, coalesce(key, ''), language_slug, door, outcome, 0, count(*),
        sum(cpu_ms), sum(wall_ms), sum(stored_bytes)
    FROM gone WHERE client_id IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6
    ON CONFLICT (client_id, day, key, language, door, outcome, shard) DO UPDATE SET
        executions = usage.executions + EXCLUDED.executions, cpu_ms = usage.cpu_ms + EXCLUDED.cpu_ms,
        wall_ms = usage.wall_ms + EXCLUDED.wall_ms, stored_bytes = usage.stored_bytes + EXCLUDED.stored_bytes
)
SELECT count(*) FROM gone
$$;

CREATE OR REPLACE FUNCTION executions_count_anew() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- What clients have used, they have. Before, so that a usage that is emptied in the same statement is.
    PERFORM executions_roll_up(NULL);
    DELETE FROM executions_executiontotal;
    DELETE FROM executions_executionperiod;
    DELETE FROM executions_executionhistogram;{forget}
    RETURN NULL;
END $$;
"""
_TIMES = """times AS (
    INSERT INTO executions_executiontimes AS part (period, at, measure, bucket, executions)
    SELECT period, since, measure, executions_bucket(ms), count(*)
    FROM ended, LATERAL (VALUES ('wall', run_ms), ('queue', queue_ms)) AS measured (measure, ms)
    WHERE ms IS NOT NULL GROUP BY 1, 2, 3, 4
    ON CONFLICT (period, at, measure, bucket) DO UPDATE SET executions = part.executions + EXCLUDED.executions
), """
WITH_TIMES = _ROLL_UP.format(times=_TIMES, forget="\n    DELETE FROM executions_executiontimes;")
WITHOUT_TIMES = _ROLL_UP.format(times="", forget="")
# Nothing is rolled up while what is known is summed up.
LOCK = "LOCK TABLE executions_executionhistogram IN SHARE ROW EXCLUSIVE MODE"


class Migration(migrations.Migration):
    dependencies: ClassVar = [("executions", "0023_times_in_all")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="ExecutionTimes",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "period",
                    models.CharField(
                        choices=[("minute", "Minute"), ("hour", "Hour"), ("day", "Day"), ("ever", "Ever")], max_length=6
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "measure",
                    models.CharField(choices=[("wall", "Wall"), ("queue", "Queue"), ("total", "Total")], max_length=5),
                ),
                ("bucket", models.SmallIntegerField()),
                ("executions", models.BigIntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("period", "at", "measure", "bucket"), name="execution_times_once")
                ],
            },
        ),
        migrations.RunSQL(LOCK, migrations.RunSQL.noop),
        migrations.RunSQL(KNOWN, migrations.RunSQL.noop),
        migrations.RunSQL(WITH_TIMES, WITHOUT_TIMES),
    ]
