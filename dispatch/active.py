"""The backend of this process, made from the settings at first use and put away at the end."""

from __future__ import annotations

import threading
from importlib import import_module

from django.conf import settings

from dispatch.base import Backend

_lock = threading.Lock()
_backend: Backend | None = None


def backend() -> Backend:
    """The process's backend: `make_backend()` of the module of dispatch.backends that GEXEC_DISPATCH names."""
    global _backend  # noqa: PLW0603 (one a process, and nothing is made at import)
    if _backend is None:
        with _lock:
            if _backend is None:
                _backend = import_module(f"dispatch.backends.{settings.GEXEC_DISPATCH}").make_backend()
    return _backend


def close(grace_s: float) -> None:
    """Close the backend, if there is one. Later calls of `backend` give the closed one, which refuses."""
    with _lock:
        closing = _backend
    if closing is not None:
        closing.close(grace_s=grace_s)
