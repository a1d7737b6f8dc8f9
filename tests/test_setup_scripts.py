"""The set-up scripts do nothing where nothing is missing, and name the exact remedy where they cannot go on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from testkit.servers import PROJECT, clean_environment

TOOLS = (
    "sh", "dirname", "id", "df", "awk", "cat", "cksum", "mktemp", "rm", "mkdir", "grep", "env", "tail", "sleep", "tee",
)  # fmt: skip


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A directory for PATH with the most ordinary commands alone: no apt, no sudo, no Python, no Docker."""
    directory = tmp_path / "bin"
    directory.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found
        (directory / tool).symlink_to(found)
    return directory


def stub(directory: Path, name: str, script: str) -> None:
    file = directory / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def shell(script: str, path: Path, cwd: Path, *, root: bool = True, **env: str) -> subprocess.CompletedProcess[str]:
    """Run lines that use the functions of the scripts, with `path` as the only place for commands."""
    sources = "".join(f". {PROJECT}/scripts/{name}.sh\n" for name in ("lib", "python", "docker", "apparmor"))
    if not root:
        stub(path, "id.new", 'if [ "$1" = -u ]; then echo 1000; else echo jane; fi')
        (path / "id").unlink()
        (path / "id.new").rename(path / "id")
    return subprocess.run(
        [shutil.which("sh") or "sh", "-euc", f"data_dir={cwd}/var\n{sources}{script}"],
        cwd=cwd,
        env={"PATH": str(path), **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_apt_what_to_install_is_named(bare: Path, tmp_path: Path) -> None:
    done = shell("ensure_tool setpriv util-linux", bare, tmp_path)
    assert done.returncode == 1
    assert "not Debian or Ubuntu" in done.stderr
    assert "util-linux" in done.stderr


def test_without_root_the_command_to_run_is_named(bare: Path, tmp_path: Path) -> None:
    stub(bare, "apt-get", "exit 99")
    done = shell("ensure_tool setpriv util-linux", bare, tmp_path, root=False)
    assert done.returncode == 1
    assert "sudo apt-get install -y util-linux" in done.stderr


def test_packages_are_installed_after_the_lists_are_read_where_they_were_missing(bare: Path, tmp_path: Path) -> None:
    updated = tmp_path / "updated"
    known = f'[ "$1" = update ] && : > {updated}; [ -f {updated} ] || exit 100'
    stub(bare, "apt-get", f'echo "$1" >> {tmp_path}/calls; {known}')
    done = shell("install_packages 'a tool' tool", bare, tmp_path)
    assert done.returncode == 0, done.stderr
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls == ["install", "update", "install"]
    assert "Installing a tool (tool) ..." in done.stderr


def test_a_failed_installation_shows_the_end_of_its_log(bare: Path, tmp_path: Path) -> None:
    stub(bare, "apt-get", 'echo "E: no such package $*"; [ "$1" = update ]')
    done = shell("install_packages 'a tool' tool", bare, tmp_path)
    assert done.returncode == 1
    assert "E: no such package" in done.stderr
    assert "apt-get install tool failed" in done.stderr


@pytest.mark.parametrize(
    ("version", "suffices"), [("2.24.0", True), ("v2.26.1-4", True), ("2.3", False), ("1.29.2", False)]
)
def test_compose_is_fetched_where_it_is_missing_or_too_old(
    bare: Path, tmp_path: Path, version: str, suffices: bool
) -> None:
    for tool in ("sort", "head"):
        (bare / tool).symlink_to(shutil.which(tool) or tool)
    stub(bare, "docker", f'[ "$*" = "compose version --short" ] && echo {version}')
    stub(bare, "dpkg-deb", "exit 9")
    stub(bare, "apt-get", "exit 9")
    done = shell("ensure_compose", bare, tmp_path)
    assert done.returncode == 0, done.stderr
    assert ("Fetching Compose" in done.stderr) is not suffices
    assert ("are skipped" in done.stderr) is not suffices


def test_an_old_python_is_refused_with_the_way_out(bare: Path, tmp_path: Path) -> None:
    stub(bare, "python3", 'case "$1" in --version) echo Python 3.9.2;; *) exit 1;; esac')
    done = shell("ensure_venv", bare, tmp_path)
    assert done.returncode == 1
    assert "Python 3.11 or newer is needed, and this is Python 3.9.2" in done.stderr
    assert "PYTHON=" in done.stderr


def test_a_full_disk_is_told(bare: Path, tmp_path: Path) -> None:
    (bare / "df").unlink()
    stub(bare, "df", "echo 'Filesystem 1M Used Available Use% Mounted'; echo 'x 100 98 2 98% /'")
    done = shell("needs_free_disk /somewhere 600", bare, tmp_path)
    assert done.returncode == 1
    assert "Only 2 MB are free on the disk of /somewhere, and 600 are needed" in done.stderr


def test_a_docker_host_that_does_not_answer_is_named_and_nothing_is_installed(bare: Path, tmp_path: Path) -> None:
    stub(bare, "apt-get", f": > {tmp_path}/called")
    done = shell(
        "docker_answers() { echo refused; return 1; }\nensure_docker",
        bare,
        tmp_path,
        DOCKER_HOST="tcp://192.0.2.1:2375",
    )
    assert done.returncode == 1
    assert "DOCKER_HOST=tcp://192.0.2.1:2375 does not answer: refused" in done.stderr
    assert not (tmp_path / "called").exists()


def test_a_forbidden_docker_socket_names_the_group(bare: Path, tmp_path: Path) -> None:
    done = shell("docker_answers() { echo 'Permission denied'; return 1; }\nensure_docker", bare, tmp_path, root=False)
    assert done.returncode == 1
    assert "sudo usermod -aG docker jane" in done.stderr


def test_without_docker_and_root_the_commands_are_named(bare: Path, tmp_path: Path) -> None:
    done = shell("docker_answers() { echo none; return 1; }\nensure_docker", bare, tmp_path, root=False)
    assert done.returncode == 1
    assert "sudo apt-get install -y docker.io" in done.stderr


@pytest.mark.skipif(Path("/run/systemd/system").exists(), reason="systemd starts the engine here")
def test_a_daemon_that_does_not_start_shows_the_end_of_its_log(bare: Path, tmp_path: Path) -> None:
    stub(bare, "dockerd", "exit 1")
    stub(bare, "setsid", "echo 'failed to start daemon: no cgroups'; exit 1")
    (bare / "sleep").unlink()
    stub(bare, "sleep", "exit 0")
    stubs = "docker_answers() { echo none; return 1; }\nregister_crun() { :; }\nmount_cgroups() { :; }\n"
    done = shell(f"{stubs}mount_left_controllers() {{ :; }}\nensure_docker", bare, tmp_path)
    assert done.returncode == 1
    assert "failed to start daemon: no cgroups" in done.stderr
    assert "Once 'docker info' works, try again." in done.stderr


def test_crun_is_registered_before_an_engine_that_nobody_configured_is_started(bare: Path, tmp_path: Path) -> None:
    stub(bare, "crun", "exit 0")
    file = tmp_path / "docker" / "daemon.json"
    done = shell(f"register_crun {file}", bare, tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(file.read_text()) == {"runtimes": {"crun": {"path": str(bare / "crun")}}}


def test_crun_is_installed_where_it_is_missing(bare: Path, tmp_path: Path) -> None:
    stub(bare, "apt-get", f"echo '#!/bin/sh' > {bare}/crun && {shutil.which('chmod')} +x {bare}/crun")
    file = tmp_path / "daemon.json"
    done = shell(f"register_crun {file}", bare, tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(file.read_text())["runtimes"]["crun"]["path"] == str(bare / "crun")


def test_without_crun_the_engine_is_set_up_all_the_same(bare: Path, tmp_path: Path) -> None:
    stub(bare, "apt-get", "exit 100")
    file = tmp_path / "daemon.json"
    done = shell(f"register_crun {file}\necho went on", bare, tmp_path)
    assert done.stdout == "went on\n"
    assert "Going on without crun" in done.stderr
    assert not file.exists()


def test_an_engine_that_somebody_configured_is_left_as_it_is(bare: Path, tmp_path: Path) -> None:
    stub(bare, "crun", "exit 0")
    file = tmp_path / "daemon.json"
    file.write_text('{"data-root": "/srv"}')
    done = shell(f"register_crun {file}", bare, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert file.read_text() == '{"data-root": "/srv"}'


def test_controllers_that_were_left_to_the_second_hierarchy_are_mounted_in_the_first(
    bare: Path, tmp_path: Path
) -> None:
    stub(bare, "mount", 'echo "$*"')
    controllers = tmp_path / "unified" / "cgroup.controllers"
    controllers.parent.mkdir()
    controllers.write_text("hugetlb rdma\n")
    done = shell(f"mount_left_controllers {tmp_path}", bare, tmp_path)
    wanted = [f"-t cgroup -o {name} cgroup {tmp_path}/{name}" for name in ("hugetlb", "rdma")]
    assert (done.returncode, done.stdout.splitlines()) == (0, wanted)
    assert (tmp_path / "rdma").is_dir()
    controllers.write_text("\n")
    assert shell(f"mount_left_controllers {tmp_path}", bare, tmp_path).stdout == ""


@pytest.mark.parametrize("left", ["another process", "nobody"])
def test_the_pid_file_that_a_killed_daemon_left_is_removed(bare: Path, tmp_path: Path, left: str) -> None:
    file = tmp_path / "docker.pid"
    file.write_text(str(os.getpid()) if left == "another process" else "4194304")
    done = shell(f"remove_stale_pid_file {file}", bare, tmp_path)
    assert done.returncode == 0, done.stderr
    assert not file.exists()


def test_the_pid_file_of_a_living_daemon_stays(bare: Path, tmp_path: Path) -> None:
    daemon = tmp_path / "dockerd"
    shutil.copy(shutil.which("sleep") or "sleep", daemon)
    file = tmp_path / "docker.pid"
    with subprocess.Popen([daemon, "60"]) as process:
        file.write_text(str(process.pid))
        done = shell(f"remove_stale_pid_file {file}", bare, tmp_path)
        process.kill()
    assert done.returncode == 0, done.stderr
    assert file.exists()


def apparmor(bare: Path, tmp_path: Path, docker_host: str = "") -> subprocess.CompletedProcess[str]:
    """Load the profile on a machine whose kernel has AppArmor; the parser is the stub that the test makes."""
    (tmp_path / "modules" / "apparmor" / "parameters").mkdir(parents=True, exist_ok=True)
    (tmp_path / "modules" / "apparmor" / "parameters" / "enabled").write_text("Y\n")
    (tmp_path / "apparmor.d").mkdir(exist_ok=True)
    for tool in ("install", "cmp"):
        if not (bare / tool).exists():
            (bare / tool).symlink_to(shutil.which(tool) or tool)
    script = f"ensure_apparmor_profile {tmp_path}/modules {tmp_path}/apparmor.d"
    return shell(script, bare, PROJECT, DOCKER_HOST=docker_host)


def test_the_apparmor_profile_is_loaded_once(bare: Path, tmp_path: Path) -> None:
    stub(bare, "apparmor_parser", 'echo "$@"')
    first, second = apparmor(bare, tmp_path), apparmor(bare, tmp_path)
    assert first.stdout.split()[-1] == f"{tmp_path}/apparmor.d/gexec"
    assert (tmp_path / "apparmor.d" / "gexec").read_bytes() == (PROJECT / "sandbox" / "apparmor" / "gexec").read_bytes()
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")


def test_the_apparmor_profile_is_understood() -> None:
    parser, features = shutil.which("apparmor_parser", path="/usr/sbin:/sbin"), Path("/etc/apparmor.d/abi/3.0")
    if not parser or not features.exists():
        pytest.skip("no AppArmor here")
    profile = PROJECT / "sandbox" / "apparmor" / "gexec"
    command = [parser, "--skip-kernel-load", "--skip-cache", "--features-file", str(features), str(profile)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_apparmor_profile_that_cannot_be_loaded_is_told_and_stops_nothing(bare: Path, tmp_path: Path) -> None:
    stub(bare, "apparmor_parser", "exit 1")
    done = apparmor(bare, tmp_path)
    assert done.returncode == 0
    assert "Going on without it" in done.stderr
    assert not (tmp_path / "apparmor.d" / "gexec").exists()


def test_the_apparmor_of_another_machine_is_left_alone(bare: Path, tmp_path: Path) -> None:
    done = apparmor(bare, tmp_path, "tcp://elsewhere:2376")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (tmp_path / "apparmor.d" / "gexec").exists()


def test_the_attacks_in_a_debian_need_a_command_that_boots_one() -> None:
    command = PROJECT / "scripts" / "attack-debian"
    without = subprocess.run(
        [command], env=clean_environment(DEBIAN_VM=""), capture_output=True, text=True, check=False
    )
    assert without.returncode == 1
    assert "CONTRIBUTING.md" in without.stderr


def test_each_part_of_the_attacks_in_a_debian_knows_what_held_in_those_before(tmp_path: Path) -> None:
    """What the machine prints is kept, and goes into the next one with its script; its exit code is told."""
    held = "escape       rights  tries  ended  yes  held"
    stub(tmp_path, "boots", f'cp "$1" {tmp_path}/script; echo "{held}"; exit 3')
    log = tmp_path / "kept" / "log"
    environment = clean_environment(
        DEBIAN_VM=f"{tmp_path}/boots", DEBIAN_PATIENCE="4", DEBIAN_MINUTES="5", DEBIAN_LOG=str(log)
    )
    command = [str(PROJECT / "scripts" / "attack-debian"), "--only", "escape: "]
    for earlier in ("", f"{held}\n"):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (3, f"{held}\n")
        *kept, last = (tmp_path / "script").read_text().splitlines(keepends=True)
        assert "".join(kept) == f"cat > before.log <<'END OF LOG'\n{earlier}END OF LOG\n"
        assert last.startswith("exec scripts/attack-debian inside --resume before.log --minutes 5 --patience 4 ")
        assert last.endswith(" '--only' 'escape: '\n")
    assert log.read_text() == f"{held}\n" * 2


def test_a_second_set_up_is_silent(tmp_path: Path) -> None:
    """In a working copy of its own, to which the environment of the tests lends what pip would fetch."""
    shutil.copytree(PROJECT / "scripts", tmp_path / "scripts")
    shutil.copytree(PROJECT / "sandbox" / "apparmor", tmp_path / "sandbox" / "apparmor")
    for file in PROJECT.glob("requirements*.txt"):
        shutil.copy(file, tmp_path)
    lent = clean_environment(PYTHON=sys.executable, PYTHONPATH=sysconfig.get_path("purelib"))
    command = [str(tmp_path / "scripts" / "bootstrap"), "run"]
    first = subprocess.run(command, env=lent, capture_output=True, check=False)
    assert first.returncode == 0, first.stderr
    assert b"Making the virtual environment" in first.stderr
    second = subprocess.run(command, env=lent, capture_output=True, check=False)
    assert (second.returncode, second.stderr + second.stdout) == (0, b"")


def test_make_help_lists_every_target() -> None:
    listed = subprocess.run(["make", "help"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    for target in ("run", "test", "lint", "bench", "attack", "attack-debian", "languages", "help", "clean"):
        assert f"  make {target} " in listed


def test_make_run_hands_the_python_that_was_named_to_the_set_up_and_serves(tmp_path: Path) -> None:
    shutil.copy(PROJECT / "Makefile", tmp_path)
    stub_dir = tmp_path / "scripts"
    stub_dir.mkdir()
    stub(stub_dir, "bootstrap", 'echo "$1 with $PYTHON"')
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    stub(tmp_path / ".venv" / "bin", "python", 'echo "python $*"')
    done = subprocess.run(
        ["make", "-s", "run"],
        cwd=tmp_path,
        env=clean_environment(PYTHON="/opt/python3.13"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["run with /opt/python3.13", "python -m serve"]


@pytest.mark.parametrize(
    "script", [path.name for path in (PROJECT / "scripts").iterdir() if path.suffix in {"", ".sh"}]
)
def test_the_scripts_are_plain_sh(script: str) -> None:
    shell_ = shutil.which("dash") or "sh"
    checked = subprocess.run([shell_, "-n", PROJECT / "scripts" / script], capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert os.access(PROJECT / "scripts" / "bootstrap", os.X_OK)
