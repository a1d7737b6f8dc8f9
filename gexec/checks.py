"""System checks of our settings, one stable id for each way in which they can be wrong."""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
from collections.abc import Sequence
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 (Django's own name)

from dispatch import backends
from executions.compat.librechat.tokens import keys_in
from executions.compat.piston.runtimes import FALLBACKS
from executions.compat.problems import built
from executions.doors import WITH_ROOT
from executions.models import Status
from executions.outcomes import Outcome
from gexec.embedded import MAX_PROCESSES
from gexec.process import KEPT_THREADS
from languages.models import Isolation
from languages.options import MIN_MEMORY_MB

_AT_LEAST = {
    "GEXEC_WORKERS": 1,
    # One that waits for a program, and one that answers /ping meanwhile.
    "GEXEC_THREADS": 2,
    "GEXEC_SHUTDOWN_GRACE_S": 0,
    "GEXEC_RELOAD_GRACE_S": 0,
    # 0 ends each connection after its answer.
    "GEXEC_KEEPALIVE_S": 0,
    "GEXEC_SLOTS": 1,
    "GEXEC_WAIT_MS": 0,
    "GEXEC_WATCHERS": 1,
    # 0: there are none.
    "GEXEC_INTERACTIVE": 0,
    "GEXEC_INTERACTIVE_S": 1,
    "GEXEC_INTERACTIVE_DETACH_S": 0,
    "GEXEC_INTERACTIVE_IDLE_S": 1,
    "GEXEC_INTERACTIVE_OUTPUT_MB": 1,
    # A page of output, and what a client does not read at once.
    "GEXEC_EVENTS_BYTES": 65_536,
    "GEXEC_EVENTS_MB": 1,
    "GEXEC_CALLER_BACKLOG": 1,
    "GEXEC_BACKLOG": 1,
    # Less would end statements of a database that is merely busy.
    "GEXEC_DATABASE_TIMEOUT_MS": 500,
    "GEXEC_DATABASE_ADMIN_TIMEOUT_MS": 500,
    "GEXEC_TRUSTED_PROXIES": 0,
    "GEXEC_MAX_TIMEOUT_MS_WITHOUT_KEY": 1,
    "GEXEC_MAX_SOURCE_BYTES": 1,
    "GEXEC_MAX_MEMORY_MB": MIN_MEMORY_MB,
    "GEXEC_MAX_OUTPUT_BYTES": 1,
    "GEXEC_MAX_REQUEST_BYTES": 1,
    "GEXEC_RETENTION_DAYS": 0,
    "GEXEC_CONTENTS_DAYS": 0,
    "GEXEC_PRUNE_DAYS": 0,
    # A compiler's own caches are made in less by none that is in the catalogue.
    "GEXEC_BUILD_MEMORY_MB": 512,
    "GEXEC_SNIPPET_DAYS": 0,
    "GEXEC_DISK_LOW_MB": 0,
    "GEXEC_DISK_FULL_MB": 0,
    "GEXEC_MAX_FILE_BYTES": 1,
    "GEXEC_CLIENT_FILES_MB": 0,
    "GEXEC_FILE_CACHE_MB": 0,
    "GEXEC_PISTON_RUN_TIMEOUT": 1,
    "GEXEC_PISTON_COMPILE_TIMEOUT": 1,
    "GEXEC_STORAGE_MB_PER_DAY": 0,
    "GEXEC_KEY_STORAGE_MB_PER_DAY": 0,
}
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#@A-Z]+")
_PLAYGROUNDS = ("on", "staff", "off")
_SNIPPETS = ("off", "keys", "on")
_CONTACT = re.compile(r"(mailto:|https://|tel:)[!-~]+")
_RATE = re.compile(r"[1-9]\d*/[1-9]?\d*[smhd]")


def port(**_: Any) -> list[CheckMessage]:
    """E001: the port."""
    if 1 <= settings.GEXEC_PORT <= 65_535:
        return []
    return [Error(f"GEXEC_PORT is {settings.GEXEC_PORT}.", hint="A port is a number from 1 to 65535.", id="gexec.E001")]


def rate_limit(**_: Any) -> list[CheckMessage]:
    """E002: a rate limit."""
    hint = "Write a number and a period (10/m, 100/h, 5/10s), or off."
    return [
        Error(f"{name} is {rate!r}.", hint=hint, id="gexec.E002")
        for name in ("GEXEC_RATE_LIMIT", "GEXEC_KEY_RATE_LIMIT", "GEXEC_READ_RATE_LIMIT", "GEXEC_SNIPPET_RATE_LIMIT")
        if (rate := getattr(settings, name)) != "off" and not _RATE.fullmatch(rate)
    ]


def numbers(**_: Any) -> list[CheckMessage]:
    """E003: a number that is too small."""
    return [
        Error(f"{name} is {value}.", hint=f"It must be at least {least}.", id="gexec.E003")
        for name, least in _AT_LEAST.items()
        if not (value := getattr(settings, name)) >= least
    ]


def workers(**_: Any) -> list[CheckMessage]:
    """E004: more processes than the embedded database has connections for."""
    if settings.DATABASE_URL or settings.GEXEC_WORKERS <= MAX_PROCESSES:
        return []
    hint = f"The embedded database serves up to {MAX_PROCESSES}; name a larger one with DATABASE_URL."
    return [Error(f"GEXEC_WORKERS is {settings.GEXEC_WORKERS}.", hint=hint, id="gexec.E004")]


def direct_url(**_: Any) -> list[CheckMessage]:
    """E052: a way past a pooler that there is not."""
    if settings.DATABASE_URL or not settings.GEXEC_DATABASE_DIRECT_URL:
        return []
    hint = "It names the same database as DATABASE_URL, past a pooler: name that as well, or leave it out."
    return [Error("GEXEC_DATABASE_DIRECT_URL is set and DATABASE_URL is not.", hint=hint, id="gexec.E052")]


def secret(**_: Any) -> list[CheckMessage]:
    """E005: a secret key that can be guessed."""
    if len(settings.SECRET_KEY) >= 32:
        return []
    hint = "Leave it out and one is made, or give at least 32 random characters."
    return [Error("GEXEC_SECRET_KEY is shorter than 32 characters.", hint=hint, id="gexec.E005")]


def dispatch_backend(**_: Any) -> list[CheckMessage]:
    """E006: a backend that there is not."""
    known = sorted(module.name for module in iter_modules(backends.__path__))
    if settings.GEXEC_DISPATCH in known:
        return []
    hint = f"There is {', '.join(known)}."
    return [Error(f"GEXEC_DISPATCH is {settings.GEXEC_DISPATCH!r}.", hint=hint, id="gexec.E006")]


def nats_url(**_: Any) -> list[CheckMessage]:
    """E046: hosts that are nowhere."""
    if settings.GEXEC_DISPATCH != "nats" or settings.GEXEC_NATS_URL:
        return []
    hint = "Say where NATS is (nats://10.0.0.5:4222), or leave GEXEC_DISPATCH out to run programs here."
    return [Error("GEXEC_DISPATCH is 'nats' and GEXEC_NATS_URL is not set.", hint=hint, id="gexec.E046")]


def nats_files(**_: Any) -> list[CheckMessage]:
    """E047: files that NATS is to be met with, and that cannot be read."""
    named = {name: getattr(settings, name) for name in ("GEXEC_NATS_CREDENTIALS", "GEXEC_NATS_CA")}
    hint = "Name a file that this process may read, or leave it out."
    return [
        Error(f"{name} is {path!r}, which cannot be read.", hint=hint, id="gexec.E047")
        for name, path in named.items()
        if path and not os.access(path, os.R_OK)
    ]


def allowed_origins(**_: Any) -> list[CheckMessage]:
    """E020: an origin as no browser sends it."""
    wrong = [origin for origin in settings.GEXEC_ALLOWED_ORIGINS if not _ORIGIN.fullmatch(origin)]
    hint = "Write scheme, host and port if there is one, and nothing behind them: https://play.example.org"
    return [Error(f"GEXEC_ALLOWED_ORIGINS has {origin!r}.", hint=hint, id="gexec.E020") for origin in wrong]


def webhook_networks(**_: Any) -> list[CheckMessage]:
    """E021: a network that is none."""
    hint = "Write an address and how many bits of it count: 10.1.0.0/16, fd00:1::/32, 127.0.0.1/32."
    return [
        Error(f"GEXEC_WEBHOOK_NETWORKS has {text!r}.", hint=hint, id="gexec.E021")
        for text in settings.GEXEC_WEBHOOK_NETWORKS
        if not _is_network(text)
    ]


def compat(**_: Any) -> list[CheckMessage]:
    """E022: a door that there is not. E023: one at the root that cannot be there, or is closed."""
    known = [door.value for door in built()]
    hint = f"There is {', '.join(known)}."
    found: list[CheckMessage] = [
        Error(f"GEXEC_COMPAT has {name!r}.", hint=hint, id="gexec.E022")
        for name in settings.GEXEC_COMPAT
        if name not in known
    ]
    root = settings.GEXEC_COMPAT_ROOT
    if root and (root not in WITH_ROOT or root not in settings.GEXEC_COMPAT):
        hint = f"Only {', '.join(WITH_ROOT)} can be there, and GEXEC_COMPAT has to name it as well."
        found.append(Error(f"GEXEC_COMPAT_ROOT is {root!r}.", hint=hint, id="gexec.E023"))
    return found


def piston_versions(**_: Any) -> list[CheckMessage]:
    """E024: no way of choosing a version."""
    if settings.GEXEC_PISTON_VERSIONS in FALLBACKS:
        return []
    hint = f"There is {', '.join(FALLBACKS)}."
    return [Error(f"GEXEC_PISTON_VERSIONS is {settings.GEXEC_PISTON_VERSIONS!r}.", hint=hint, id="gexec.E024")]


def librechat(**_: Any) -> list[CheckMessage]:
    """E025: tokens of LibreChat's that cannot be verified, or that would be refused whoever brings one."""
    found: list[CheckMessage] = []
    key, acts_by = settings.GEXEC_LIBRECHAT_JWT_KEY, settings.GEXEC_LIBRECHAT_API_KEY
    if bool(key) is not bool(acts_by):
        message = "GEXEC_LIBRECHAT_JWT_KEY and GEXEC_LIBRECHAT_API_KEY are needed together."
        found.append(Error(message, id="gexec.E025"))
    try:
        keys = keys_in(key) if key else None
    except ValueError:
        keys = {}
    if keys == {}:
        hint = "It is a public key in PEM, Ed25519 or RSA, or a JSON Web Key Set."
        found.append(Error("GEXEC_LIBRECHAT_JWT_KEY cannot be read.", hint=hint, id="gexec.E025"))
    return found


def outcome_days(**_: Any) -> list[CheckMessage]:
    """E026: days of an outcome that there is not, or no days."""
    known = [*map(str, Outcome), Status.REJECTED.value]
    hint = f"Write an outcome and days: rejected=7,cancelled=30. There is {', '.join(known)}."
    pairs = [(text, *text.partition("=")[::2]) for text in settings.GEXEC_OUTCOME_DAYS]
    return [
        Error(f"GEXEC_OUTCOME_DAYS has {text!r}.", hint=hint, id="gexec.E026")
        for text, name, days in pairs
        if name.strip() not in known or not re.fullmatch(r"\s*[1-9]\d{0,4}\s*", days)
    ]


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def isolation(**_: Any) -> list[CheckMessage]:
    """E050: a way to keep executions apart that there is not."""
    if settings.GEXEC_ISOLATION in Isolation.values:
        return []
    hint = f"It is one of {', '.join(Isolation.values)}."
    return [Error(f"GEXEC_ISOLATION is {settings.GEXEC_ISOLATION!r}.", hint=hint, id="gexec.E050")]


def playground(**_: Any) -> list[CheckMessage]:
    """E040: a playground for nobody that there is."""
    if settings.GEXEC_PLAYGROUND in _PLAYGROUNDS:
        return []
    hint = f"It is one of {', '.join(_PLAYGROUNDS)}."
    return [Error(f"GEXEC_PLAYGROUND is {settings.GEXEC_PLAYGROUND!r}.", hint=hint, id="gexec.E040")]


def snippets(**_: Any) -> list[CheckMessage]:
    """E045: snippets for nobody that there is."""
    if settings.GEXEC_SNIPPETS in _SNIPPETS:
        return []
    hint = f"It is one of {', '.join(_SNIPPETS)}."
    return [Error(f"GEXEC_SNIPPETS is {settings.GEXEC_SNIPPETS!r}.", hint=hint, id="gexec.E045")]


def security_contact(**_: Any) -> list[CheckMessage]:
    """E041: a contact that security.txt cannot name."""
    wrong = [contact for contact in settings.GEXEC_SECURITY_CONTACT if not _CONTACT.fullmatch(contact)]
    hint = "Write an address as RFC 9116 has it: mailto:security@example.org, or https://example.org/security"
    return [Error(f"GEXEC_SECURITY_CONTACT has {contact!r}.", hint=hint, id="gexec.E041") for contact in wrong]


def build_ca(**_: Any) -> list[CheckMessage]:
    """E051: certificates for builds that are not there."""
    path = settings.GEXEC_BUILD_CA
    try:
        if not path or b"-----BEGIN CERTIFICATE-----" in Path(path).read_bytes():
            return []
        message = f"GEXEC_BUILD_CA is {path!r}, which holds no certificate."
    except OSError as error:
        message = f"GEXEC_BUILD_CA cannot be read: {error}."
    hint = (
        "Name a file of certificates in PEM, all that builds are to trust: the system's with your own added. Where "
        "it is not set, SSL_CERT_FILE counts."
    )
    return [Error(message, hint=hint, id="gexec.E051")]


def traces(**_: Any) -> list[CheckMessage]:
    """E042: traces that would be sent in a way that is not spoken."""
    wrong = {
        name: value
        for name in ("OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
        if (value := os.environ.get(name, "")) not in {"", "http/protobuf"}
    }
    if not settings.GEXEC_TRACES:
        return []
    hint = "Traces are sent by HTTP: leave it out, and name the collector's port for that (4318)."
    return [Error(f"{name} is {value!r}.", hint=hint, id="gexec.E042") for name, value in wrong.items()]


def unknown_names(**_: Any) -> list[CheckMessage]:
    """W001: a variable of our prefix that nothing reads."""
    known = settings.GEXEC_NAMES
    return [
        Warning(f"{name} is set, and no such setting exists.", hint=_nearest(name, sorted(known)), id="gexec.W001")
        for name in sorted(os.environ)
        if name.startswith("GEXEC_") and name not in known
    ]


def threads(**_: Any) -> list[CheckMessage]:
    """E007: requests that run or wait would take all threads of a process; it may have the slots of all of them.

    A queue that was chosen from threads that are too few has less than one place.
    """
    needed = settings.GEXEC_SLOTS + max(1, settings.GEXEC_QUEUE) + KEPT_THREADS
    if needed <= settings.GEXEC_THREADS:
        return []
    message = f"GEXEC_THREADS is {settings.GEXEC_THREADS}: too few for GEXEC_SLOTS and GEXEC_QUEUE."
    hint = f"At least {needed} are needed, {KEPT_THREADS} of them for what no program waits in; unset, it fits."
    return [Error(message, hint=hint, id="gexec.E007")]


def caller_share(**_: Any) -> list[CheckMessage]:
    """E008: a share that is none."""
    if 0 < settings.GEXEC_CALLER_SHARE <= 1:
        return []
    message = f"GEXEC_CALLER_SHARE is {settings.GEXEC_CALLER_SHARE:g}."
    return [Error(message, hint="It is above 0 and at most 1, which is everything.", id="gexec.E008")]


def register_all() -> None:
    """Register the checks with Django."""
    for check in (
        port,
        rate_limit,
        numbers,
        workers,
        secret,
        dispatch_backend,
        nats_url,
        nats_files,
        direct_url,
        allowed_origins,
        webhook_networks,
        compat,
        piston_versions,
        librechat,
        outcome_days,
        playground,
        isolation,
        snippets,
        security_contact,
        build_ca,
        traces,
        unknown_names,
        threads,
        caller_share,
    ):
        register(check, Tags.compatibility)


def _nearest(name: str, known: Sequence[str]) -> str | None:
    close = difflib.get_close_matches(name, known, n=1)
    return f"Did you mean {close[0]}?" if close else None
