"""What one execution may use: what was asked for, within what its language, its server and its caller allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any

from django.conf import settings

from languages.commands import processors_of
from languages.models import Language
from languages.options import MIB
from languages.programs import COMPILE, file_size_bytes
from sandbox.types import Profile, Step

_NO_CAPS: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class AskedLimits:
    """What a request names; None where it leaves it to the language."""

    wall_ms: int | None = None
    cpu_ms: int | None = None
    memory_mb: int | None = None
    output_bytes: int | None = None
    processes: int | None = None
    file_bytes: int | None = None
    compile_wall_ms: int | None = None


_NAMES = tuple(field.name for field in fields(AskedLimits))
"""Of all limits: caps have the same, and so has what holds."""


@dataclass(frozen=True, slots=True)
class Caps:
    """The most that a request may ask for, of each."""

    wall_ms: int
    cpu_ms: int
    memory_mb: int
    output_bytes: int
    processes: int
    file_bytes: int
    compile_wall_ms: int


@dataclass(frozen=True, slots=True)
class EffectiveLimits:
    """What holds. cpu_ms is None where the wall time is the only bound."""

    wall_ms: int
    cpu_ms: int | None
    memory_mb: int
    output_bytes: int
    processes: int
    file_bytes: int
    compile_wall_ms: int | None
    capped: tuple[str, ...] = ()
    """Those that are lower than the language's own, because the caller may not have more."""

    def as_json(self) -> dict[str, Any]:
        """As the resource and the row's job have it."""
        return {name: getattr(self, name) for name in _NAMES} | {"capped": list(self.capped)}

    def profile(self, profile: Profile) -> Profile:
        """The containers in which these hold: as warm ones are made, unless fewer processes were asked for."""
        return replace(profile, processes=self.processes)

    def step(self, step: Step) -> Step:
        """The step, bounded by them."""
        if step.name == COMPILE:
            wall_ms = self.compile_wall_ms or step.limits.wall_ms
            return replace(step, limits=replace(step.limits, wall_ms=wall_ms))
        limits = replace(
            step.limits,
            wall_ms=self.wall_ms,
            cpu_ms=self.cpu_ms,
            memory_bytes=self.memory_mb * MIB,
            output_bytes=self.output_bytes,
            file_size_bytes=self.file_bytes,
        )
        return replace(step, limits=limits)


def caps_of(language: Language, *, has_key: bool, within: Mapping[str, int] = _NO_CAPS) -> Caps:
    """What the language and the server let a caller ask for, `within` what its client may."""
    wall_ms = language.max_timeout_ms
    if not has_key:
        wall_ms = min(wall_ms, settings.GEXEC_MAX_TIMEOUT_MS_WITHOUT_KEY)
    caps = Caps(
        wall_ms=wall_ms,
        cpu_ms=wall_ms * processors_of(language.cpu_quota_us),
        memory_mb=max(language.memory_mb, settings.GEXEC_MAX_MEMORY_MB),
        output_bytes=max(language.output_bytes, settings.GEXEC_MAX_OUTPUT_BYTES),
        processes=language.processes,
        file_bytes=file_size_bytes(language),
        compile_wall_ms=max(language.compile_timeout_ms, 1),
    )
    lower = {name: most for name, most in within.items() if most < getattr(caps, name, 0)}
    return replace(caps, **lower) if lower else caps


def interactive_caps(caps: Caps, within: Mapping[str, int] = _NO_CAPS) -> Caps:
    """Of a program that somebody talks to: it lasts longer, and is given no more CPU time than any other."""
    session_ms = settings.GEXEC_INTERACTIVE_S * 1000
    return replace(caps, wall_ms=min(session_ms, within.get("wall_ms", session_ms)))


def interactive_limits(asked: AskedLimits, limits: EffectiveLimits, caps: Caps) -> EffectiveLimits:
    """Likewise: what is left out is what its caps allow."""
    return replace(limits, wall_ms=asked.wall_ms or caps.wall_ms, cpu_ms=asked.cpu_ms or caps.cpu_ms)


def too_much(asked: AskedLimits, caps: Caps) -> Mapping[str, int]:
    """The limits that were asked for above their cap, with the cap."""
    named = ((name, getattr(asked, name), getattr(caps, name)) for name in _NAMES)
    return {name: cap for name, value, cap in named if value is not None and value > cap}


def effective(language: Language, asked: AskedLimits, caps: Caps) -> EffectiveLimits:
    """What holds for a request that asks for no more than its caps."""
    own = {
        "wall_ms": language.timeout_ms,
        "cpu_ms": None,
        "memory_mb": language.memory_mb,
        "output_bytes": language.output_bytes,
        "processes": language.processes,
        "file_bytes": file_size_bytes(language),
        "compile_wall_ms": language.compile_timeout_ms if language.compile_command else None,
    }
    wanted = {name: value for name in _NAMES if (value := getattr(asked, name)) is not None}
    capped = [name for name, value in own.items() if name not in wanted and (value or 0) > getattr(caps, name)]
    values = own | {name: getattr(caps, name) for name in capped} | wanted
    if values["cpu_ms"] is None and caps.cpu_ms < values["wall_ms"] * processors_of(language.cpu_quota_us):
        # What all processors could use in the wall time is more than the caller may have.
        values["cpu_ms"] = caps.cpu_ms
        capped.append("cpu_ms")
    return EffectiveLimits(**values, capped=tuple(capped))
