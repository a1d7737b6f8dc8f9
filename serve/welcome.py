"""The last lines of a start: where it serves, a program to try, and where the admin and its password are."""

from __future__ import annotations

from gexec.process import Process

_EVERYWHERE = {"0.0.0.0", "::", "[::]", ""}  # noqa: S104 (compared with, not bound to)


def lines(settings: Process) -> str:
    """For the person who started it. The password itself stays in its file, which only its owner can read."""
    url = f"http://{_name(settings.host)}:{settings.port}"
    admin = f"The admin is at {url}/admin/"
    password = settings.data_dir / "admin-password"
    if password.exists():
        admin += f"; the first password of 'admin' is in {password}"
    program = '{"language": "python", "source_code": "print(6 * 7)"}'
    return f"\ngexec serves on {url}. Try it:\n\n    curl -X POST {url}/execute -d '{program}'\n\n{admin}.\n"


def _name(host: str) -> str:
    if host in _EVERYWHERE or host == "127.0.0.1":
        return "localhost"
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
