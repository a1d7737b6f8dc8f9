"""What the table "What can break" of docs/operations.md says is held by tests, and by faults, that there are."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from fnmatch import fnmatch
from typing import NamedTuple

import pytest

from chaos import faults
from testkit.servers import PROJECT

TESTS = PROJECT / "tests"


class Row(NamedTuple):
    what: str
    callers_see: str
    operator_sees: str
    to_do: str
    held_by: str

    @property
    def files(self) -> set[str]:
        """Without their ending."""
        return set(re.findall(r"\b(test_\w+)\.py", self.held_by))

    @property
    def faults(self) -> set[str]:
        """The names of chaos' faults, with stars."""
        return set(re.findall(r"`([a-z*-]+)`", self.held_by.partition("chaos ")[2]))


# Of each row its words, and which test holds them.
HELD = {
    "Docker is away, hangs, is late or restarts": {
        "503 `the Docker engine is not available`": ("test_execute_contract", "no_container_is_503"),
        "ends with what it printed": (
            "test_docker_faults",
            "a_run_that_a_restart_takes_ends_at_once_with_what_it_printed",
        ),
        "is run once more": ("test_background", "a_run_that_was_lost_is_begun_again_once"),
        '`"engine": "down"`': ("test_health", "the_part_that_is_down_is_named"),
        "`manage.py doctor`": ("test_doctor", "what_does_not_answer_fails_with_what_to_do"),
        "tries again by itself": ("test_docker_faults", "an_engine_that_is_away_is_a_clear_error_and_its_return_heals"),
    },
    "a container is killed, removed, paused": {
        "`sandbox_error`": ("test_docker_faults", "a_container_that_is_killed_in_a_run_keeps_what_was_printed"),
        "is run once more": ("test_background", "a_run_that_was_lost_is_begun_again_once"),
        "`gexec_executions_total`": ("test_metrics", "prometheus_text"),
    },
    "the disk is low": {
        "`no_disk`": ("test_disk", "with_little_room_what_is_large_is_not_kept"),
        '`"disk": "low"`': ("test_disk", "with_little_room_what_is_large_is_not_kept"),
        "`gexec_disk_free_bytes`": ("test_monitoring", "what_dashboard_and_alerts_ask_for_is_there"),
        "`manage.py purge`": ("test_retention", "what_is_asked_for_is_deleted_and_nothing_else"),
        "`languages prune`": ("test_pruning", "the_command_says_what_goes"),
    },
    "the disk is full": {
        "503 `disk_full`": ("test_disk", "without_room_nothing_is_taken_in"),
        '`"disk": "full"`': ("test_disk", "without_room_nothing_is_taken_in"),
    },
    "PostgreSQL ends": {
        "503 `the database is not available`": ("test_rate_limit", "without_a_database_nobody_gets_through"),
        "what ran is written when it is back": ("test_recovery", "a_result_waits_for_a_database_that_was_away"),
        "`PostgreSQL ended by itself`": (
            "test_serve",
            "a_killed_database_is_started_again_and_requests_are_told_meanwhile",
        ),
        '`"database": "down"`': ("test_health", "the_part_that_is_down_is_named"),
        "nothing with the embedded one": (
            "test_database_connections",
            "a_connection_that_the_server_ended_is_replaced",
        ),
    },
    "PostgreSQL hangs, or a table is locked": {
        "within `GEXEC_DATABASE_TIMEOUT_MS`": (
            "test_database_hangs",
            "a_frozen_server_holds_nobody_and_what_ran_is_written_when_it_wakes",
        ),
        "the admin holds up nobody else": (
            "test_database_hangs",
            "ten_pages_of_the_admin_that_hang_keep_no_program_waiting",
        ),
        "`lock timeout`": ("test_database_hangs", "a_table_that_is_locked_is_told_in_time"),
    },
    "the database is lost": {
        "503 `the database is not available`": (
            "test_serve",
            "a_database_that_is_lost_is_told_while_it_serves_and_at_the_next_start",
        ),
        "had a database and has none now": (
            "test_serve",
            "a_database_that_is_lost_is_told_while_it_serves_and_at_the_next_start",
        ),
        "`manage.py restore FILE --replace`": (
            "test_backup",
            "what_is_there_already_goes_only_where_that_is_said_and_all_is_well",
        ),
    },
    "a server process is killed, or hangs": {
        "is run once more": (
            "test_background_server",
            "whatever_is_killed_or_stopped_each_ends_and_none_runs_twice_at_once",
        ),
        "`lost-executions`": ("test_periodic", "by_hand_every_task_runs_with_nothing_to_do"),
        "it is started again": ("test_shutdown", "after_kill_9_of_everything_the_next_start_accounts_for_every_row"),
    },
    "the new version does not start at a reload": {
        "`the reload failed, and what served before goes on`": (
            "test_reload",
            "where_nothing_new_comes_to_serve_the_old_goes_on",
        ),
    },
    "the clock goes back or leaps": {
        "limits and waits are as ever": ("test_clock", "nothing_that_is_limited_asks_a_clock_that_can_leap"),
        "ids go on growing": ("test_clock", "ids_go_on_growing_where_the_clock_goes_back_and_forth"),
        "delete nothing": ("test_clock", "what_is_deleted_by_age_is_told_to_wait_and_all_else_goes_on"),
        "or wait for a day": ("test_clock", "a_clock_that_stays_where_it_was_put_is_believed_after_a_day"),
    },
    "a certificate is over": {
        "is not delivered": ("test_webhook_requests", "tls_is_for_the_name_and_verified"),
        "tried again": ("test_webhooks", "a_failure_is_tried_again_by_the_table_with_the_same_id"),
        "the message's log in the admin": ("test_webhooks", "the_admin_shows_the_log_and_sends_again"),
    },
    "an image is another than the one that was tested": {
        "programs run in the tested one": ("test_language_tested", "programs_run_in_the_image_that_was_tested"),
        "answers 503": ("test_admin_languages_browser", "a_language_is_added_tested_enabled_and_missed"),
        "`image changed`": ("test_admin_languages", "a_newer_image_waits_for_its_test"),
        "`image is gone`": ("test_admin_languages_browser", "a_language_is_added_tested_enabled_and_missed"),
        "`manage.py doctor` warns": ("test_doctor", "an_image_that_nobody_has_tested_is_told"),
    },
    "a flood of requests": {
        "429 by address or key": ("test_rate_limit", "a_key_is_not_under_the_limit_of_its_address"),
        "503 with `Retry-After`": ("test_execute_contract", "no_slot_is_503_and_the_row_says_so"),
        "each caller has its share": ("test_slots", "a_caller_may_have_a_share_of_its_own"),
        "`gexec_waiting`": ("test_monitoring", "what_dashboard_and_alerts_ask_for_is_there"),
        "refusals on the admin's front page": ("test_dashboard", "what_happened_is_told"),
        "where the queue is full": ("test_lanes", "with_both_lanes_full_each_gets_on"),
    },
    "a flood of connections, or silent and slow clients": {
        "the oldest idle ones are closed first": ("test_many_connections", "idle_connections_are_the_first_to_go"),
        "all others are served": ("test_slow_clients", "slow_clients_keep_nobody_waiting"),
        "open files and memory stay bounded": (
            "test_slow_clients",
            "large_requests_share_a_bounded_memory_and_small_ones_need_none",
        ),
    },
    "a caller stores much": {
        "beyond its share nothing of it is kept": (
            "test_storage",
            "beyond_its_share_a_caller_is_answered_and_its_rows_are_kept_without_contents",
        ),
        '"Storage by caller"': ("test_storage", "the_operator_sees_who_stores_how_much"),
    },
}


def table() -> dict[str, Row]:
    text = (PROJECT / "docs" / "operations.md").read_text().split("\n## What can break\n")[1].split("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("| ")][1:]
    rows = [Row(*(cell.strip() for cell in line.strip("|").split(" | "))) for line in lines]
    return {row.what: row for row in rows}


ROWS = table()


def names_in(file: str) -> Sequence[str]:
    """Of its tests, without the word."""
    tree = ast.parse((TESTS / f"{file}.py").read_text())
    functions = [each.name for each in tree.body if isinstance(each, ast.FunctionDef)]
    return [name.removeprefix("test_") for name in functions if name.startswith("test_")]


def test_each_row_is_known() -> None:
    assert list(HELD) == list(ROWS)


@pytest.mark.parametrize("what", list(HELD))
def test_what_a_row_says_is_held_by_tests_that_there_are(what: str) -> None:
    row = ROWS[what]
    said = " ".join(row[:4])
    for words, (file, name) in HELD[what].items():
        assert words in said
        assert name in names_in(file), f"{file}.py has no test_{name}"
    assert {file for file, _ in HELD[what].values()} == row.files


def test_each_fault_of_chaos_belongs_to_a_row() -> None:
    known = {fault.name for fault in faults.ALL}
    for row in ROWS.values():
        for pattern in row.faults:
            assert any(fnmatch(name, pattern) for name in known), f"chaos has no {pattern}"
    patterns = [pattern for row in ROWS.values() for pattern in row.faults]
    assert [name for name in sorted(known) if not any(fnmatch(name, pattern) for pattern in patterns)] == []
