"""Every time-out of a stop is a part of one margin, and whoever stops gexec is told of all of it."""

from __future__ import annotations

import re

from gexec import process
from gexec.process import DEFAULT_GRACE_S, STOP_MARGIN_S
from serve.successor import PREPARE_STOP_S
from testkit.servers import PROJECT


def test_each_waits_for_what_it_waits_for() -> None:
    settings = process.read()
    assert settings.shutdown_grace_s < settings.worker_stop_s < settings.gunicorn_stop_s
    assert settings.gunicorn_stop_s < settings.shutdown_grace_s + STOP_MARGIN_S
    assert PREPARE_STOP_S < STOP_MARGIN_S


def test_compose_and_the_documentation_say_the_same() -> None:
    compose = (PROJECT / "compose.yaml").read_text()
    period_s = float(re.findall(r"stop_grace_period: (\d+)s", compose)[0])
    assert period_s == DEFAULT_GRACE_S + STOP_MARGIN_S
    seconds = f"{STOP_MARGIN_S:.0f} seconds"
    assert f"(`stop_grace_period`, `TimeoutStopSec`) {seconds} more" in (PROJECT / "docs" / "operations.md").read_text()
    for name in ("compose.yaml", "Dockerfile"):
        assert seconds in (PROJECT / name).read_text()
