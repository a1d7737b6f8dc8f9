"""Count how long executions took in all, from when they were accepted; and sum up what histograms count.

A line that an older server process adds meanwhile says nothing of it, and counts for everything else.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models

TALLY = "ALTER TABLE executions_tally ADD COLUMN total_ms float8"
TALLY_BACK = "ALTER TABLE executions_tally DROP COLUMN total_ms"

_NOTE = """
CREATE OR REPLACE FUNCTION executions_note_ended() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    cpu_used float8;
    wall_used float8;
    is_refused bool := NEW.status = 'rejected';
BEGIN
    -- All steps: who only compiles has used the processor as well.
    SELECT sum((step ->> 'cpu_ms')::float8), sum((step ->> 'wall_ms')::float8) INTO cpu_used, wall_used
        FROM jsonb_array_elements(CASE jsonb_typeof(NEW.steps) WHEN 'array' THEN NEW.steps ELSE '[]' END) step;
    INSERT INTO executions_tally VALUES (NEW.finished_at, NEW.language_slug,
        CASE WHEN is_refused THEN 'rejected' ELSE NEW.outcome END, (TG_OP = 'INSERT')::int, 1, (NEW.error <> '')::int,
        coalesce(cpu_used, NEW.cpu_ms, 0), coalesce(wall_used, NEW.wall_ms, 0),
        octet_length(NEW.source) + octet_length(NEW.stdin) + octet_length(NEW.output), NEW.wall_ms, NEW.queue_ms,
        NEW.client_id, NEW.api_key_id, NEW.door{total});
    RETURN NULL;
END $$;
"""
NOTE = _NOTE.format(
    total=",\n        CASE WHEN NOT is_refused THEN 1000 * extract(epoch FROM NEW.finished_at - NEW.created_at) END"
)
NOTE_BACK = _NOTE.format(total="")

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
        (period, at, language_slug, outcome, executions, errors, cpu_ms, wall_ms, queue_ms{sums})
    SELECT period, since, language, outcome, count(*), sum(errors), sum(cpu_ms), sum(wall_ms), sum(coalesce(queue_ms, 0))
        {summed}
    FROM ended GROUP BY 1, 2, 3, 4
    ON CONFLICT (period, at, language_slug, outcome) DO UPDATE SET executions = part.executions + EXCLUDED.executions,
        errors = part.errors + EXCLUDED.errors, cpu_ms = part.cpu_ms + EXCLUDED.cpu_ms,
        wall_ms = part.wall_ms + EXCLUDED.wall_ms, queue_ms = part.queue_ms + EXCLUDED.queue_ms
        {added}
), histograms AS (
    INSERT INTO executions_executionhistogram AS part (period, at, language_slug, outcome, measure, bucket, executions)
    SELECT period, since, language, outcome, measure, executions_bucket(ms), count(*)
    FROM ended, LATERAL (VALUES ('wall', run_ms), ('queue', queue_ms){measured}) AS measured (measure, ms)
    WHERE ms IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6
    ON CONFLICT (period, at, language_slug, outcome, measure, bucket) DO UPDATE
        SET executions = part.executions + EXCLUDED.executions
), used AS (
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
"""
ROLL_UP = _ROLL_UP.format(
    sums=", run_ms, total_ms",
    summed=", sum(coalesce(run_ms, 0)), sum(coalesce(total_ms, 0))",
    added=", run_ms = part.run_ms + EXCLUDED.run_ms, total_ms = part.total_ms + EXCLUDED.total_ms",
    # No chart of a period has it: one row more for each of its buckets would be for nobody.
    measured=", ('total', CASE WHEN period = 'ever' THEN total_ms END)",
)
ROLL_UP_BACK = _ROLL_UP.format(sums="", summed="", added="", measured="")
FORGET = "DELETE FROM executions_executionhistogram WHERE measure = 'total'"


class Migration(migrations.Migration):
    dependencies: ClassVar = [("executions", "0022_artifact_files")]
    operations: ClassVar = [
        migrations.AddField(
            model_name="executionperiod",
            name="run_ms",
            field=models.FloatField(db_default=0, default=0, help_text="Of programs alone."),
        ),
        migrations.AddField(
            model_name="executionperiod",
            name="total_ms",
            field=models.FloatField(db_default=0, default=0, help_text="From when they were accepted."),
        ),
        migrations.AlterField(
            model_name="executionhistogram",
            name="measure",
            field=models.CharField(choices=[("wall", "Wall"), ("queue", "Queue"), ("total", "Total")], max_length=5),
        ),
        migrations.RunSQL(TALLY, TALLY_BACK),
        migrations.RunSQL(NOTE, NOTE_BACK),
        migrations.RunSQL(ROLL_UP, ROLL_UP_BACK),
        migrations.RunSQL(migrations.RunSQL.noop, FORGET),
    ]
