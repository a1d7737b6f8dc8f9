"""`manage.py doctor` names what is not well, with what to do, and says by its exit code whether something fails."""

from __future__ import annotations

from contextlib import suppress
from io import StringIO
from pathlib import Path

import docker
import pytest
from django.core.checks import Warning  # noqa: A004 (Django's own name)
from django.core.management import call_command
from pytest_django.fixtures import Settings

from gexec import deploy_checks
from gexec.management.commands import doctor
from languages.models import Language
from sandbox.testing import FakeImages
from testkit.servers import RunningServer, clean_environment, manage
from tests.fake_images import holds


def test_a_server_that_runs_is_well(plain_server: RunningServer) -> None:
    done = plain_server.manage("doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    states = {line.split(":")[0][6:]: line[:4].strip() for line in done.stdout.splitlines() if line[:4].strip()}
    # Where whoever runs the tests may not load the profile, that is said too.
    well = {"Docker", "database", "history", "image of go", "image of python"}
    assert set(states) - {"AppArmor"} == well | {"slots", "disk"}
    assert {states[about] for about in well} == {"ok"}


@pytest.mark.django_db
def test_a_runtime_that_docker_does_not_know_fails_with_what_to_do(
    python: Language, settings: Settings, docker_client: docker.DockerClient
) -> None:
    known = docker_client.info()["DefaultRuntime"]
    Language.objects.update(oci_runtime="no-such-runtime")
    settings.GEXEC_DOCKER_RUNTIME = known
    output = StringIO()
    with pytest.raises(SystemExit):
        call_command("doctor", stdout=output)
    assert f"ok    runtime {known} of GEXEC_DOCKER_RUNTIME: " in output.getvalue()
    assert f"fail  runtime no-such-runtime of {python.slug}: Docker knows none of this name" in output.getvalue()
    assert "daemon.json" in output.getvalue()


@pytest.mark.django_db
def test_what_stands_in_the_way_of_cells_is_told(
    python: Language, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def told() -> list[str]:
        return [f"{each.state} {each.text} {each.remedy}" for each in doctor._cells()]

    assert told() == []
    monkeypatch.setattr(deploy_checks, "apparmor", list)
    Language.objects.update(isolation="cell")
    (well,) = told()
    assert well.startswith("ok nothing is seen")
    none = tmp_path / "max_user_namespaces"
    none.write_text("0\n")
    monkeypatch.setattr(doctor, "_MAX_USER_NAMESPACES", none)
    monkeypatch.setattr(deploy_checks, "apparmor", lambda: [Warning("x", hint="Load it.", id="gexec.W106")])
    settings.GEXEC_DOCKER_RUNTIME = "runsc"
    sandboxed, confined, unnamed = told()
    assert sandboxed.startswith("warn gVisor makes none")
    assert confined == "warn AppArmor refuses the mounts that they take Load it."
    assert unnamed == "warn the kernel makes no user namespaces sysctl user.max_user_namespaces=10000"


@pytest.mark.parametrize(
    ("on_host", "told"),
    [
        ({"gexec/python": "sha256:1"}, "ok    image of python: it is there"),
        (
            {"gexec/python": "sha256:new", "gexec/python:old": "sha256:1"},
            "warn  image of python: gexec/python is not the image that was tested, in which programs run on",
        ),
        ({"gexec/python": "sha256:new"}, "fail  image of python: what was tested is not on the Docker host"),
        ({}, "fail  image of python: what was tested is not on the Docker host"),
    ],
)
def test_an_image_that_nobody_has_tested_is_told(
    python: Language, fake_images: FakeImages, on_host: dict[str, str], told: str
) -> None:
    holds(fake_images, on_host)
    output = StringIO()
    with suppress(SystemExit):
        call_command("doctor", stdout=output)
    assert told in output.getvalue()


def test_what_does_not_answer_fails_with_what_to_do(tmp_path: Path) -> None:
    environment = clean_environment(
        GEXEC_DATA_DIR=str(tmp_path),
        DOCKER_HOST=f"unix://{tmp_path}/none.sock",
        DATABASE_URL=f"postgresql://nobody@/nothing?host={tmp_path}",
    )
    done = manage("doctor", environment=environment)
    assert done.returncode == 1
    assert "fail  Docker: The Docker engine does not answer" in done.stdout
    assert "or name another with DOCKER_HOST" in done.stdout
    assert "fail  database: " in done.stdout
    assert "correct DATABASE_URL" in done.stdout
    assert done.stderr == ""


def test_an_embedded_database_that_does_not_run_is_not_started_to_be_looked_at(tmp_path: Path) -> None:
    done = manage("doctor", environment=clean_environment(GEXEC_DATA_DIR=str(tmp_path), GEXEC_SLOTS="1000000"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warn  database: the embedded PostgreSQL does not run" in done.stdout
    assert "warn  slots: 1000000 slots of up to 256 MB" in done.stdout
    assert not (tmp_path / "postgres").exists()
