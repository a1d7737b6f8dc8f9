"""Many executions at once, for what has to stay quick however many there are."""

from __future__ import annotations

from typing import Any, Protocol
from uuid import UUID


class Cursor(Protocol):
    """Django's, or psycopg's."""

    def execute(self, query: Any, params: Any = None, /) -> Any: ...


# Unkind on purpose: what is looked for is often far from the end at which the list begins, and hardly any pair of
# columns is independent of each other. One language is of the first half, the other of the time after it, and the last
# fifth was refused; one in 1000 was refused for want of a slot, and one in 5000 of each rare outcome came early.
_FILL = """
INSERT INTO executions_execution (id, status, outcome, language_slug, language_version, image_digest,
    source, stdin, job, steps, output, exit_code, signal, error, queue_ms, wall_ms, cpu_ms, peak_memory_bytes,
    client_address, client_id, created_at, started_at, finished_at)
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid,
    CASE WHEN refused THEN 'rejected' ELSE 'finished' END, outcome,
    language, '', '',
    CASE WHEN refused THEN '' ELSE repeat('print(42)', %(bytes)s / 18) END, '',
    '{"files": [], "steps": []}', '[]', decode(repeat('2a', CASE WHEN refused THEN 0 ELSE %(bytes)s / 2 END), 'hex'),
    CASE WHEN NOT refused THEN CASE outcome WHEN 'ok' THEN 0 ELSE 1 END END, NULL,
    CASE WHEN refused THEN 'Invalid JSON' WHEN outcome LIKE 't%%' THEN 'timed out' ELSE '' END,
    CASE WHEN NOT refused THEN 0.1 END, CASE WHEN NOT refused THEN 12.5 END, CASE WHEN NOT refused THEN 9.5 END,
    CASE WHEN NOT refused THEN 9437184 END, ('10.' || n %% 7 || '.' || n %% 251 || '.' || n %% 241)::inet,
    CASE WHEN %(client)s::uuid IS NOT NULL AND n %% 10 <> 0 THEN %(client)s::uuid END,
    at, CASE WHEN NOT refused THEN at END, at
FROM (
    SELECT n, now() - (%(rows)s - n) * interval '400 days' / %(rows)s AS at,
        n %% 1000 = 0 OR n > %(rows)s * 0.8 AS refused,
        CASE WHEN n > %(rows)s * 0.8 THEN '' WHEN n > %(rows)s * 0.5 THEN 'recent' ELSE 'former' END AS language,
        CASE WHEN n %% 1000 = 0 OR n > %(rows)s * 0.8 THEN ''
            WHEN n %% 5000 = 1 AND n < %(rows)s * 0.3 THEN 'timeout_wall'
            WHEN n %% 5000 = 2 AND n < %(rows)s * 0.3 THEN 'timeout_cpu'
            WHEN n > %(rows)s * 0.5 THEN CASE n %% 3 WHEN 0 THEN 'compile_error' ELSE 'nonzero_exit' END
            ELSE 'ok' END AS outcome
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) n
) made
"""


# A tag that all have, and one of every thousandth.
_TAG = """
INSERT INTO executions_executiontag (execution_id, client_id, name, value)
SELECT id, client_id, name, 'yes' FROM executions_execution, (VALUES ('all', 1), ('few', 1000)) AS tag (name, each)
WHERE client_id = %(client)s AND ('x' || right(id::text, 8))::bit(32)::bigint %% each = 1 %% each
"""


def fill(
    cursor: Cursor,
    *,
    rows: int,
    first: int = 1,
    last: int | None = None,
    row_bytes: int = 100,
    client: UUID | None = None,
) -> None:
    """Insert executions `first` to `last` of a history of `rows` over the last 400 days, in two languages.

    With `client`, nine of ten are that one's.
    """
    numbers = {"rows": rows, "first": first, "last": last or rows, "bytes": row_bytes, "client": client}
    cursor.execute(_FILL, numbers)


def tag(cursor: Cursor, client: UUID) -> None:
    """Give all executions of the client the tag all=yes, and every thousandth few=yes."""
    cursor.execute(_TAG, {"client": client})
