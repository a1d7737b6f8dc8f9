"""Count what clients use in the statement that finishes a row, and find a client's open rows without a look at others'.

Whoever finishes a row, a request, the sweep or a statement by hand, the use is counted then, and once. A session adds to
one of 8 shards by its process number: two sessions meet in a row only by chance, and then one waits for the other's
commit. Rows without a client are in neither.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models
from django.db.models import Q

CREATE = """
CREATE FUNCTION executions_count_usage() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    cpu_used double precision;
    wall_used double precision;
BEGIN
    -- All steps: who only compiles has used the processor as well.
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
DROP = """
DROP TRIGGER execution_refused ON executions_execution;
DROP TRIGGER execution_used ON executions_execution;
DROP FUNCTION executions_count_usage();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("executions", "0012_what_the_api_asks_for"),
        ("clients", "0003_what_clients_may"),
    ]
    operations: ClassVar = [
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                fields=["client_id", "status", "background"],
                name="execution_open_of_client",
                condition=Q(client_id__isnull=False, status__in=["queued", "running"]),
            ),
        ),
        migrations.RunSQL(CREATE, DROP),
    ]
