"""The secret key that is made on the first run and kept in the data directory."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from gexec.environment import SettingError


def secret_key(data_dir: Path) -> str:
    """The key in `data_dir`/secret-key (mode 600), made at the first call.

    Two processes that make it at the same moment agree on one: it is written whole and linked into place, and the
    link of the second one fails. Raises SettingError where none can be kept.
    """
    path = data_dir / "secret-key"
    # NotADirectoryError is told below, with what cannot be written.
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        return path.read_text().strip()
    try:
        return _made(path)
    except OSError as error:
        raise SettingError(
            f"The secret key cannot be kept in the data directory {data_dir} ({error.strerror}). Give the directory to "
            f"user {os.geteuid()}, set GEXEC_DATA_DIR to one that this user may write, or set GEXEC_SECRET_KEY."
        ) from None


def _made(path: Path) -> str:
    data_dir = path.parent
    data_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
    draft = data_dir / f".secret-key.{os.getpid()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(64) + "\n")
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
    return path.read_text().strip()
