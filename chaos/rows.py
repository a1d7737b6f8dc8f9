"""What the database has of the requests, compared with what their clients were told, and with the totals."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chaos.house import House
from chaos.journal import Asked
from rest.connections import DATABASE_AWAY_MESSAGE

_MARK = re.compile(r"mark-[0-9a-f]{16}")
_COLUMNS = "id::text, status, outcome, exit_code, error, source, steps, output, language_slug"


@dataclass(frozen=True, slots=True)
class Row:
    """An execution's."""

    id: str
    status: str
    outcome: str
    exit_code: int | None
    error: str
    source: str
    steps: Sequence[Mapping[str, Any]]
    output: bytes
    language: str

    @property
    def mark(self) -> str:
        """Of the request that it is of; empty for one that was refused."""
        found = _MARK.search(self.source)
        return found[0] if found else ""

    @property
    def stdout(self) -> str:
        """Of its last step."""
        if not self.steps:
            return ""
        stream = self.steps[-1]["stdout"]
        return self.output[stream["from"] : stream["from"] + stream["bytes"]].decode()


def all_rows(house: House) -> list[Row]:
    """Every one there is."""
    with house.rows() as connection:
        return [Row(*values) for values in connection.execute(f"SELECT {_COLUMNS} FROM executions_execution")]


def open_rows(house: House) -> int:
    """How many are not finished."""
    with house.rows() as connection:
        found = connection.execute("SELECT count(*) FROM executions_execution WHERE status IN ('queued', 'running')")
        return int(found.fetchone()[0])  # type: ignore[index]  # a count has a row


def unreconciled_rows(asked: Sequence[Asked], rows: Sequence[Row]) -> Iterator[str]:
    """Rows without a request, requests with two, answers that say something else than their row."""
    by_id = {row.id: row for row in rows}
    yield from (f"row {row.id} is left {row.status}" for row in rows if row.status in {"queued", "running"})
    marks = {each.mark for each in asked}
    counted = Counter(row.mark for row in rows if row.mark)
    yield from (f"nobody has sent {mark}" for mark in counted.keys() - marks)
    yield from (f"{mark} has {count} rows" for mark, count in counted.items() if count > 1)
    for each in asked:
        if each.execution_id is not None:
            difference = _difference(each, by_id.get(each.execution_id))
        elif each.status == 200 or (each.status is not None and counted[each.mark]):
            difference = "it has a row, and the answer does not name it"
        else:
            difference = ""
        if difference:
            yield f"{difference}: {each}"


def unreconciled_totals(house: House, rows: Sequence[Row], told: int) -> Iterator[str]:
    """What the trigger has counted, and what /metrics says, beside the rows themselves."""
    if told != len(rows):
        yield f"/metrics has {told} requests, and there are {len(rows)} rows"
    with house.rows() as connection:
        counted = connection.execute(
            "SELECT language_slug, outcome, sum(finished)::int FROM executions_counted"
            " GROUP BY 1, 2 HAVING sum(finished) > 0"
        )
        totals = {(language, outcome): count for language, outcome, count in counted}
    # What was never accepted counts for no language.
    there = Counter((row.language, row.outcome) if row.outcome else ("", row.status) for row in rows)
    for key in sorted(totals.keys() | there.keys()):
        if totals.get(key, 0) != there[key]:
            yield f"total of {key}: {totals.get(key, 0)}, and there are {there[key]} rows"


def _difference(asked: Asked, row: Row | None) -> str:
    """Between the answer and its row; empty where they say the same."""
    if row is None:
        # It was not known whether it has been made.
        return (
            ""
            if (asked.answer or {}).get("error") == DATABASE_AWAY_MESSAGE
            else f"there is no row {asked.execution_id}"
        )
    if row.mark not in {asked.mark, ""}:
        return f"row {row.id} is another request's"
    if asked.status in {200, 500}:
        same = (row.exit_code, row.error, row.stdout) == tuple(
            asked.answer[name] for name in ("exit_code", "error", "stdout")
        )
        return "" if same else f"the row says {row.outcome} {row.exit_code} {row.error!r} {row.stdout[:80]!r}"
    # It may have been written, without an answer of the database.
    if DATABASE_AWAY_MESSAGE in asked.answer["error"]:
        return ""
    return "" if row.error == asked.answer["error"] else f"the row says {row.status} {row.outcome} {row.error!r}"
