"""`manage.py run FILE` prints what the program prints and ends as it ends."""

from __future__ import annotations

from pathlib import Path

from testkit.servers import RunningServer
from tests.conftest import StartServer


def test_a_file_is_run_by_its_ending_or_by_the_language_that_is_named(server: StartServer, tmp_path: Path) -> None:
    running = server()
    program = tmp_path / "program.py"
    program.write_text("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    unnamed = tmp_path / "program"
    unnamed.write_text("print(1)")
    done = running.manage("run", str(program), within_s=120)
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n")
    named = running.manage("run", str(unnamed), "--language", "python", within_s=120)
    assert (named.returncode, named.stdout, named.stderr) == (0, "1\n", "")
    refused = running.manage("run", str(unnamed), within_s=120)
    assert refused.returncode == 1
    assert "name one with --language" in refused.stderr
    # Its rows are kept as any other's.
    assert running.request("/metrics").json()["total_requests"] == 2


def test_what_cannot_be_run_is_told_in_a_sentence(plain_server: RunningServer, tmp_path: Path) -> None:
    missing = plain_server.manage("run", str(tmp_path / "none.py"), within_s=120)
    assert missing.returncode == 1
    assert "cannot be read" in missing.stderr
    (tmp_path / "a.py").write_text("print(1)")
    unknown = plain_server.manage("run", str(tmp_path / "a.py"), "--language", "cobol", within_s=120)
    assert (unknown.returncode, unknown.stderr) == (1, "CommandError: unsupported language: cobol\n")
