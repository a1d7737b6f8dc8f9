"""What is there for a service: systemd's units and compose.yaml are what systemd and Compose take."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

from gexec.process import DEFAULT_GRACE_S, STOP_MARGIN_S
from serve.gunicorn_config import backlog
from testkit.hosts import NATS_SERVER
from testkit.servers import PROJECT
from tests.compose_lab import asked, needs_compose

UNITS = PROJECT / "packaging"


def unit(name: str) -> ConfigParser:
    # Of a key that comes twice, which systemd adds up, the last one is seen.
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # how configparser wants it
    parser.read(UNITS / name)
    return parser


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    for name in ("gexec.service", "gexec.socket"):
        text = (UNITS / name).read_text().replace("/srv/gexec", str(PROJECT))
        # Neither user nor group need be on the machine of a test.
        (tmp_path / name).write_text(text.replace("User=gexec", "User=root").replace("Groups=docker", "Groups=root"))
    command = ["systemd-analyze", "verify", *map(str, sorted(tmp_path.iterdir()))]
    done = subprocess.run(
        command, env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"}, capture_output=True, text=True, check=False
    )
    own = [line for line in done.stderr.splitlines() if "gexec" in line]
    assert done.returncode == 0, done.stderr
    assert own == []


def test_the_units_leave_as_much_time_and_room_as_the_server_takes() -> None:
    service, listening = unit("gexec.service")["Service"], unit("gexec.socket")["Socket"]
    assert float(service["TimeoutStopSec"]) == DEFAULT_GRACE_S + STOP_MARGIN_S
    assert service["Type"] == "notify"
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert int(listening["Backlog"]) == backlog
    assert listening["ListenStream"] == "127.0.0.1:8080"


@needs_compose
def test_compose_takes_the_file() -> None:
    config = asked("config", "--format", "json")
    services = json.loads(config)["services"]
    assert sorted(services) == ["gexec", "postgres"]
    assert services["gexec"]["environment"]["DATABASE_URL"] == "postgresql://gexec:told@postgres:5432/gexec"
    assert services["gexec"]["stop_grace_period"] == "1m0s"


@needs_compose
def test_compose_and_nats_take_the_files_of_hosts(tmp_path: Path) -> None:
    file = PROJECT / "compose.hosts.yaml"
    config = asked("config", "--format", "json", file=file, NATS_PASSWORD="1e5", GEXEC_SECRET_KEY="known to all")
    whole = json.loads(config)
    services = whole["services"]
    assert sorted(services) == ["host", "nats-1", "nats-2", "nats-3", "pgbouncer", "postgres", "web"]
    assert (services["web"]["deploy"]["replicas"], services["host"]["deploy"]["replicas"]) == (2, 3)
    # Only hosts have the engine's socket, and nothing that the database could be reached by.
    assert [name for name in services if "docker.sock" in str(services[name].get("volumes"))] == ["host"]
    assert (
        not {"DATABASE_URL", "GEXEC_DATABASE_DIRECT_URL", "GEXEC_SECRET_KEY"} & services["host"]["environment"].keys()
    )
    assert services["host"]["environment"]["GEXEC_NATS_URL"] == services["web"]["environment"]["GEXEC_NATS_URL"]
    for name in ("host", "web"):
        assert services[name]["stop_grace_period"] == "1m0s"
    # A dollar stands twice there, since it would be read again.
    conf = tmp_path / "nats.conf"
    conf.write_text(whole["configs"]["nats"]["content"].replace("$$", "$"))
    command = [str(NATS_SERVER), "-t", "-c", str(conf)]
    environment = {**os.environ, "NAME": "nats-1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
