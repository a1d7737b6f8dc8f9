"""Count by notes: each execution adds a line when it comes and one when it ends, and these are rolled up later.

Adding to a counter in the statement that ends a row, as before, has two that end at once wait for each other's commit
where they have one in common. A line that is added waits for nobody; it has no index. Whoever asks adds what is not
rolled up yet, in one statement, and so sees each execution once: the lines go in the transaction that adds them.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models

# From the lock on, no row changes until this migration is committed: none is counted twice, or not at all.
TOTALS = """
LOCK TABLE executions_execution IN SHARE ROW EXCLUSIVE MODE;
DROP TRIGGER execution_received ON executions_execution;
DROP TRIGGER execution_ended ON executions_execution;
DROP TRIGGER execution_used ON executions_execution;
DROP TRIGGER execution_refused ON executions_execution;
DROP TRIGGER executions_truncated ON executions_execution;
DROP FUNCTION executions_count();
DROP FUNCTION executions_count_usage();
DROP FUNCTION executions_count_anew();
CREATE TEMPORARY TABLE folded ON COMMIT DROP AS
    SELECT language_slug, outcome, sum(received) AS received, sum(finished) AS finished, sum(errors) AS errors
    FROM executions_executiontotal GROUP BY language_slug, outcome;
DELETE FROM executions_executiontotal;
ALTER TABLE executions_executiontotal DROP CONSTRAINT execution_total_once, DROP COLUMN shard,
    ADD CONSTRAINT execution_total_of_ending UNIQUE (language_slug, outcome);
INSERT INTO executions_executiontotal (language_slug, outcome, received, finished, errors)
    SELECT language_slug, outcome, received, finished, errors FROM folded;
"""
SHARDS = """
ALTER TABLE executions_executiontotal DROP CONSTRAINT execution_total_of_ending,
    ADD COLUMN shard smallint NOT NULL DEFAULT 0;
ALTER TABLE executions_executiontotal ALTER shard DROP DEFAULT,
    ADD CONSTRAINT execution_total_once UNIQUE (shard, language_slug, outcome);
"""

# Lines are deleted soon after they came: VACUUM has to come by often, and costs little.
CREATE = """
CREATE TABLE executions_tally (
    at timestamptz NOT NULL, language_slug varchar(64) NOT NULL, outcome varchar(16) NOT NULL,
    received smallint NOT NULL, finished smallint NOT NULL, errors smallint NOT NULL,
    cpu_ms float8 NOT NULL, wall_ms float8 NOT NULL, stored_bytes bigint NOT NULL, run_ms float8, queue_ms float8,
    client_id uuid, key varchar(64), door varchar(16)
) WITH (autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_insert_threshold = -1);

CREATE FUNCTION executions_note_received() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO executions_tally (at, language_slug, outcome, received, finished, errors, cpu_ms, wall_ms, stored_bytes)
        VALUES (NEW.created_at, NEW.language_slug, '', 1, 0, 0, 0, 0, 0);
    RETURN NULL;
END $$;

CREATE FUNCTION executions_note_ended() RETURNS trigger LANGUAGE plpgsql AS $$
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
        NEW.client_id, NEW.api_key_id, NEW.door);
    RETURN NULL;
END $$;

CREATE TRIGGER execution_received AFTER INSERT ON executions_execution FOR EACH ROW
    WHEN (NEW.finished_at IS NULL) EXECUTE FUNCTION executions_note_received();
CREATE TRIGGER execution_refused AFTER INSERT ON executions_execution FOR EACH ROW
    WHEN (NEW.finished_at IS NOT NULL) EXECUTE FUNCTION executions_note_ended();
CREATE TRIGGER execution_ended AFTER UPDATE OF finished_at ON executions_execution FOR EACH ROW
    WHEN (OLD.finished_at IS NULL AND NEW.finished_at IS NOT NULL) EXECUTE FUNCTION executions_note_ended();

CREATE FUNCTION executions_count_anew() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- What clients have used, they have. Before, so that a usage that is emptied in the same statement is.
    PERFORM executions_roll_up(NULL);
    DELETE FROM executions_executiontotal;
    DELETE FROM executions_executionperiod;
    DELETE FROM executions_executionhistogram;
    RETURN NULL;
END $$;
CREATE TRIGGER executions_truncated BEFORE TRUNCATE ON executions_execution
    FOR EACH STATEMENT EXECUTE FUNCTION executions_count_anew();

-- What has no language because it was refused counts for none, also where the refused request named one.
CREATE VIEW executions_counted AS
    SELECT language_slug, outcome, received, finished, errors FROM executions_executiontotal
    UNION ALL
    SELECT CASE WHEN outcome = 'rejected' THEN '' ELSE language_slug END, outcome, received, finished, errors
    FROM executions_tally;

CREATE VIEW clients_used AS
    SELECT client_id, day, key, language, door, outcome, executions, cpu_ms, wall_ms, stored_bytes FROM clients_usage
    UNION ALL
    SELECT client_id, (at AT TIME ZONE 'UTC')::date, coalesce(key, ''), language_slug, door, outcome, 1, cpu_ms, wall_ms,
        stored_bytes
    FROM executions_tally WHERE client_id IS NOT NULL;

CREATE FUNCTION executions_roll_up(most bigint) RETURNS bigint LANGUAGE sql AS $$
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
        (period, at, language_slug, outcome, executions, errors, cpu_ms, wall_ms, queue_ms)
    SELECT period, since, language, outcome, count(*), sum(errors), sum(cpu_ms), sum(wall_ms), sum(coalesce(queue_ms, 0))
    FROM ended GROUP BY 1, 2, 3, 4
    ON CONFLICT (period, at, language_slug, outcome) DO UPDATE SET executions = part.executions + EXCLUDED.executions,
        errors = part.errors + EXCLUDED.errors, cpu_ms = part.cpu_ms + EXCLUDED.cpu_ms,
        wall_ms = part.wall_ms + EXCLUDED.wall_ms, queue_ms = part.queue_ms + EXCLUDED.queue_ms
), histograms AS (
    INSERT INTO executions_executionhistogram AS part (period, at, language_slug, outcome, measure, bucket, executions)
    SELECT period, since, language, outcome, measure, executions_bucket(ms), count(*)
    FROM ended, LATERAL (VALUES ('wall', run_ms), ('queue', queue_ms)) AS measured (measure, ms)
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

BUCKET = """
CREATE FUNCTION executions_bucket(ms float8) RETURNS smallint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT width_bucket(ms, ARRAY[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072,
    262144, 524288, 1048576, 2097152, 4194304]::float8[])::smallint
$$;
"""

DROP = """
LOCK TABLE executions_execution IN SHARE ROW EXCLUSIVE MODE;
SELECT executions_roll_up(NULL);
DROP FUNCTION executions_roll_up(bigint);
DROP VIEW clients_used;
DROP VIEW executions_counted;
DROP TRIGGER executions_truncated ON executions_execution;
DROP TRIGGER execution_ended ON executions_execution;
DROP TRIGGER execution_refused ON executions_execution;
DROP TRIGGER execution_received ON executions_execution;
DROP FUNCTION executions_count_anew();
DROP FUNCTION executions_note_ended();
DROP FUNCTION executions_note_received();
DROP TABLE executions_tally;
"""

# As the migrations 0002 and 0013 made them.
COUNTERS = """
CREATE FUNCTION executions_count() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_new int := (TG_OP = 'INSERT')::int;
    is_ended int := (NEW.finished_at IS NOT NULL)::int;
    is_error int := (NEW.error <> '')::int;
BEGIN
    INSERT INTO executions_executiontotal AS total (shard, language_slug, outcome, received, finished, errors)
        VALUES (pg_backend_pid() % 64, CASE WHEN NEW.status = 'rejected' THEN '' ELSE NEW.language_slug END,
                CASE WHEN NEW.status = 'rejected' THEN 'rejected' ELSE NEW.outcome END, is_new, is_ended, is_error)
        ON CONFLICT (shard, language_slug, outcome) DO UPDATE SET received = total.received + EXCLUDED.received,
            finished = total.finished + EXCLUDED.finished, errors = total.errors + EXCLUDED.errors;
    RETURN NULL;
END $$;
CREATE TRIGGER execution_received AFTER INSERT ON executions_execution
    FOR EACH ROW EXECUTE FUNCTION executions_count();
CREATE TRIGGER execution_ended AFTER UPDATE OF finished_at ON executions_execution
    FOR EACH ROW WHEN (OLD.finished_at IS NULL AND NEW.finished_at IS NOT NULL) EXECUTE FUNCTION executions_count();
CREATE FUNCTION executions_count_anew() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM executions_executiontotal;
    RETURN NULL;
END $$;
CREATE TRIGGER executions_truncated AFTER TRUNCATE ON executions_execution
    FOR EACH STATEMENT EXECUTE FUNCTION executions_count_anew();
CREATE FUNCTION executions_count_usage() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    cpu_used double precision;
    wall_used double precision;
BEGIN
    SELECT sum((step ->> 'cpu_ms')::double precision), sum((step ->> 'wall_ms')::double precision)
        INTO cpu_used, wall_used
        FROM jsonb_array_elements(CASE jsonb_typeof(NEW.steps) WHEN 'array' THEN NEW.steps ELSE '[]' END) step;
    INSERT INTO clients_usage AS usage (client_id, day, key, language, door, outcome, shard,
            executions, cpu_ms, wall_ms, stored_bytes)
        VALUES (NEW.client_id, (NEW.finished_at AT TIME ZONE 'UTC')::date, coalesce(NEW.api_key_id, ''),
                NEW.language_slug, NEW.door, CASE WHEN NEW.status = 'rejected' THEN 'rejected' ELSE NEW.outcome END,
                pg_backend_pid() % 8, 1, coalesce(cpu_used, NEW.cpu_ms, 0), coalesce(wall_used, NEW.wall_ms, 0),
                octet_length(NEW.source) + octet_length(NEW.stdin) + octet_length(NEW.output))
        ON CONFLICT (client_id, day, key, language, door, outcome, shard) DO UPDATE SET
            executions = usage.executions + 1, cpu_ms = usage.cpu_ms + EXCLUDED.cpu_ms,
            wall_ms = usage.wall_ms + EXCLUDED.wall_ms, stored_bytes = usage.stored_bytes + EXCLUDED.stored_bytes;
    RETURN NULL;
END $$;
CREATE TRIGGER execution_used AFTER UPDATE OF finished_at ON executions_execution FOR EACH ROW
    WHEN (OLD.finished_at IS NULL AND NEW.finished_at IS NOT NULL AND NEW.client_id IS NOT NULL)
    EXECUTE FUNCTION executions_count_usage();
CREATE TRIGGER execution_refused AFTER INSERT ON executions_execution FOR EACH ROW
    WHEN (NEW.finished_at IS NOT NULL AND NEW.client_id IS NOT NULL) EXECUTE FUNCTION executions_count_usage();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("executions", "0019_tokens_of_other_services"), ("clients", "0003_what_clients_may")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="ExecutionPeriod",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "period",
                    models.CharField(
                        choices=[("minute", "Minute"), ("hour", "Hour"), ("day", "Day"), ("ever", "Ever")], max_length=6
                    ),
                ),
                ("at", models.DateTimeField(help_text="Its beginning.")),
                ("language_slug", models.CharField(max_length=64)),
                ("outcome", models.CharField(max_length=16)),
                ("executions", models.BigIntegerField()),
                ("errors", models.BigIntegerField()),
                ("cpu_ms", models.FloatField(help_text="Of all steps.")),
                ("wall_ms", models.FloatField(help_text="Of all steps.")),
                ("queue_ms", models.FloatField()),
            ],
        ),
        migrations.CreateModel(
            name="ExecutionHistogram",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "period",
                    models.CharField(
                        choices=[("minute", "Minute"), ("hour", "Hour"), ("day", "Day"), ("ever", "Ever")], max_length=6
                    ),
                ),
                ("at", models.DateTimeField()),
                ("language_slug", models.CharField(max_length=64)),
                ("outcome", models.CharField(max_length=16)),
                ("measure", models.CharField(choices=[("wall", "Wall"), ("queue", "Queue")], max_length=5)),
                ("bucket", models.SmallIntegerField()),
                ("executions", models.BigIntegerField()),
            ],
        ),
        migrations.AddConstraint(
            model_name="executionperiod",
            constraint=models.UniqueConstraint(
                fields=("period", "at", "language_slug", "outcome"), name="execution_period_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="executionhistogram",
            constraint=models.UniqueConstraint(
                fields=("period", "at", "language_slug", "outcome", "measure", "bucket"),
                name="execution_histogram_once",
            ),
        ),
        migrations.RunSQL(migrations.RunSQL.noop, COUNTERS),
        migrations.RunSQL(
            TOTALS,
            SHARDS,
            state_operations=[
                migrations.RemoveConstraint("executiontotal", "execution_total_once"),
                migrations.RemoveField("executiontotal", "shard"),
                migrations.AddConstraint(
                    model_name="executiontotal",
                    constraint=models.UniqueConstraint(
                        fields=("language_slug", "outcome"), name="execution_total_of_ending"
                    ),
                ),
            ],
        ),
        migrations.RunSQL(BUCKET, "DROP FUNCTION executions_bucket(float8)"),
        migrations.RunSQL(CREATE, DROP),
    ]
