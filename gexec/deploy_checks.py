"""What `manage.py check --deploy` says of a gexec that others reach: what works, and invites trouble."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register  # noqa: A004 (Django's own name)

from gexec.addresses import is_loopback
from languages.toolchain import docker_host
from sandbox.errors import EngineUnavailable

_APPARMOR_ENABLED = Path("/sys/module/apparmor/parameters/enabled")
_APPARMOR_INSTALLED = Path("/etc/apparmor.d/gexec")
_APPARMOR_SHIPPED = Path(__file__).parents[1] / "sandbox" / "apparmor" / "gexec"
DOCKER_ANSWER_S = 5.0
"""An engine that needs longer to say a word is none to serve with."""


def anybody(**_: Any) -> list[CheckMessage]:
    """W101: whoever reaches the host may run programs."""
    if is_loopback(settings.GEXEC_HOST) or settings.GEXEC_REQUIRE_API_KEY:
        return []
    hint = "Set GEXEC_REQUIRE_API_KEY=true, or be sure that only those reach it who may run programs."
    return [Warning(f"GEXEC_HOST is {settings.GEXEC_HOST}, and no key is required.", hint=hint, id="gexec.W101")]


def no_rate(**_: Any) -> list[CheckMessage]:
    """W102: one address may send as many programs as it likes."""
    if settings.GEXEC_RATE_LIMIT != "off":
        return []
    hint = "Leave it off only where a proxy in front limits the rate."
    return [Warning("GEXEC_RATE_LIMIT is off.", hint=hint, id="gexec.W102")]


def no_tls(**_: Any) -> list[CheckMessage]:
    """W103: keys, programs and the admin's password are readable on the way."""
    if settings.GEXEC_SECURE:
        return []
    hint = "Put a proxy with TLS in front and set GEXEC_SECURE=true and GEXEC_TRUSTED_PROXIES=1."
    return [Warning("GEXEC_SECURE is off: nothing is said of TLS.", hint=hint, id="gexec.W103")]


def memory(**_: Any) -> list[CheckMessage]:
    """W104: programs that all take what they may would take more than there is. Of an engine elsewhere nobody knows."""
    if settings.DOCKER_HOST and not settings.DOCKER_HOST.startswith("unix:"):
        return []
    count, each_mb = settings.GEXEC_SLOTS, settings.GEXEC_MAX_MEMORY_MB
    taken_mb = count * each_mb
    there_mb = _host_memory_mb()
    if taken_mb <= there_mb:
        return []
    return [
        Warning(
            f"{count} slots of up to {each_mb} MB are {taken_mb} MB, and the host has {there_mb}.",
            hint="Lower GEXEC_SLOTS or GEXEC_MAX_MEMORY_MB.",
            id="gexec.W104",
        )
    ]


def docker(**_: Any) -> list[CheckMessage]:
    """W105: the engine does not answer."""
    try:
        docker_host.images(timeout_s=DOCKER_ANSWER_S).ping()
    except EngineUnavailable as error:
        hint = "Start it (sudo systemctl start docker), or name another with DOCKER_HOST."
        return [Warning(f"The Docker engine does not answer ({error}).", hint=hint, id="gexec.W105")]
    return []


def apparmor(**_: Any) -> list[CheckMessage]:
    """W106: this machine confines by AppArmor, and its sandboxes have Docker's profile, which forbids their mounts."""
    if settings.DOCKER_HOST and not settings.DOCKER_HOST.startswith("unix:"):
        return []
    if _text(_APPARMOR_ENABLED).strip() != "Y" or _text(_APPARMOR_INSTALLED) == _text(_APPARMOR_SHIPPED):
        return []
    return [
        Warning(
            "The AppArmor profile of the sandboxes is not loaded: they are closed off less than they could be.",
            hint=f"On the host, as root: install -m 644 {_APPARMOR_SHIPPED} {_APPARMOR_INSTALLED} && "
            f"apparmor_parser --replace {_APPARMOR_INSTALLED}, then start gexec anew.",
            id="gexec.W106",
        )
    ]


def register_all() -> None:
    """Register the checks with Django, for --deploy alone."""
    for check in (anybody, no_rate, no_tls, memory, docker, apparmor):
        register(check, Tags.security, deploy=True)


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _host_memory_mb() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024**2
