"""Count execution rows in the transaction that writes them, so that totals are exact and need no scan.

A session adds to one of 64 shards by its process number: two sessions meet in a row only by chance, and then one waits
for the other's commit. TRUNCATE starts the count again; rows that are deleted stay counted, for they were received.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations

CREATE = """
ALTER TABLE executions_executiontotal SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.5);
ALTER TABLE executions_executiontotal
    ALTER received SET DEFAULT 0, ALTER finished SET DEFAULT 0, ALTER errors SET DEFAULT 0;
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
"""
DROP = """
DROP TRIGGER executions_truncated ON executions_execution;
DROP TRIGGER execution_ended ON executions_execution;
DROP TRIGGER execution_received ON executions_execution;
DROP FUNCTION executions_count_anew();
DROP FUNCTION executions_count();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("executions", "0001_execution")]
    operations: ClassVar = [migrations.RunSQL(CREATE, DROP)]
