"""Read the numbers of an execution's only step where they stand: nearly all have one, and summing up takes a query."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations

_SUM = """
    SELECT sum((step ->> 'cpu_ms')::float8), sum((step ->> 'wall_ms')::float8) INTO cpu_used, wall_used
        FROM jsonb_array_elements(CASE jsonb_typeof(NEW.steps) WHEN 'array' THEN NEW.steps ELSE '[]' END) step;
"""
_AT_ONCE = f"""
    IF jsonb_typeof(NEW.steps) = 'array' AND jsonb_array_length(NEW.steps) = 1 THEN
        cpu_used := (NEW.steps -> 0 ->> 'cpu_ms')::float8;
        wall_used := (NEW.steps -> 0 ->> 'wall_ms')::float8;
    ELSE{_SUM}    END IF;
"""
_NOTE = """
CREATE OR REPLACE FUNCTION executions_note_ended() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    cpu_used float8;
    wall_used float8;
    is_refused bool := NEW.status = 'rejected';
BEGIN
    -- All steps: who only compiles has used the processor as well.{used}    INSERT INTO executions_tally VALUES (NEW.finished_at, NEW.language_slug,
        CASE WHEN is_refused THEN 'rejected' ELSE NEW.outcome END, (TG_OP = 'INSERT')::int, 1, (NEW.error <> '')::int,
        coalesce(cpu_used, NEW.cpu_ms, 0), coalesce(wall_used, NEW.wall_ms, 0),
        octet_length(NEW.source) + octet_length(NEW.stdin) + octet_length(NEW.output), NEW.wall_ms, NEW.queue_ms,
        NEW.client_id, NEW.api_key_id, NEW.door,
        CASE WHEN NOT is_refused THEN 1000 * extract(epoch FROM NEW.finished_at - NEW.created_at) END);
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("executions", "0027_contents_apart")]
    operations: ClassVar = [migrations.RunSQL(_NOTE.format(used=_AT_ONCE), _NOTE.format(used=_SUM))]
