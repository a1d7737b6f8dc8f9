"""An upgrade: migrations run while older code serves the same database, nothing is lost, and there is a way back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from testkit.databases import create_database, database_url
from testkit.processes import workers
from testkit.servers import HERE, PROJECT, Checkout, RunningServer, clean_environment, start_server
from tests.conftest import START_S
from tests.test_reload import Load

BEFORE = "1c4dfa6"
"""A commit of before the last migrations, with these as its last ones; a tag, once there is a release."""
STATE = {"executions": "0018", "clients": "0003", "periodic": "zero"}


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The code of before."""
    folder = tmp_path_factory.mktemp("before")
    archive = subprocess.run(["git", "archive", BEFORE], cwd=PROJECT, capture_output=True, check=False)
    if archive.returncode:
        pytest.skip(f"the history has no {BEFORE}: {archive.stderr.decode().strip()}")
    subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
    return Checkout(folder, sys.executable)


def migrate(url: str) -> None:
    """To the state of before, by the newer code, in one process."""
    calls = "".join(f"; call_command('migrate', {app!r}, {name!r}, verbosity=0)" for app, name in STATE.items())
    script = f"import django; from django.core.management import call_command; django.setup(){calls}"
    environment = clean_environment(DATABASE_URL=url, DJANGO_SETTINGS_MODULE="gexec.settings")
    done = HERE.run([HERE.python, "-c", script], environment, within_s=None)
    assert done.returncode == 0, done.stderr


def executions(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM executions_execution WHERE status = 'finished'").fetchone()
    return int(row[0]) if row else 0


def finished(running: RunningServer) -> int:
    lines = running.request("/metrics", headers={"Accept": "text/plain"}).body.decode().splitlines()
    return sum(int(float(line.split()[-1])) for line in lines if line.startswith("gexec_executions_total{"))


@pytest.mark.timeout(600)
def test_a_server_serves_through_the_migrations_of_the_next_and_comes_back_after_them(
    older: Checkout, prepared_postgres: Path, tmp_path: Path
) -> None:
    create_database(prepared_postgres, "upgraded", "gexec")
    url = database_url(prepared_postgres, "upgraded")
    migrate(url)
    environment = clean_environment(DATABASE_URL=url)
    started = [start_server(tmp_path / "old", environment, checkout=older)]
    try:
        (old,) = started
        old.wait_ready(within_s=START_S)
        with Load(old).going() as load:
            new = start_server(tmp_path / "new", environment)
            started.append(new)
            new.wait_ready(within_s=START_S)
            assert "Migrating the database ..." in new.log
            way_back = (
                "manage.py migrate clients 0003_what_clients_may && manage.py migrate executions 0018_index_of_doors"
            )
            assert f"The way back, while nothing serves: {way_back}" in new.log
            load.goes_on()
        assert load.wrong == []
        with Load(new).going() as later:
            assert old.stop() == 0
            later.goes_on()
        assert later.wrong == []
        answered = load.answered + later.answered
        assert executions(url) == answered
        assert finished(new) == answered
        assert new.stop() == 0
        migrate(url)
        again = start_server(tmp_path / "old", environment, checkout=older, port=old.port)
        started.append(again)
        again.wait_ready(within_s=START_S)
        assert finished(again) == answered
        assert again.execute("print(1)").status == 200
        assert len(workers(again.pid)) == 1
    finally:
        for running in started:
            running.stop()
