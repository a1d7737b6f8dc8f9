"""What a request says of limits, of a run, of a test, or of a judge."""

from __future__ import annotations

from clients.caller import Caller
from executions.api.fields import Whole, problem_with
from executions.limits import (
    AskedLimits,
    EffectiveLimits,
    caps_of,
    effective,
    interactive_caps,
    interactive_limits,
    too_much,
)
from languages.models import Language
from rest.unknown import StrictSerializer

_MOST = 2**31 - 1


class LimitsSerializer(StrictSerializer):
    """What the program may use; what is left out has the language's own value, which `GET /languages/…` tells."""

    wall_ms = Whole(low=1, high=_MOST, required=False, help_text="Time of the run, as a clock shows it.")
    cpu_ms = Whole(low=1, high=_MOST, required=False, help_text="CPU time of all its processes together.")
    memory_mb = Whole(low=16, high=_MOST, required=False, help_text="Memory, files in its directories included.")
    output_bytes = Whole(low=0, high=_MOST, required=False, help_text="Of stdout and of stderr, each.")
    processes = Whole(low=2, high=_MOST, required=False, help_text="Processes and threads at one time.")
    file_bytes = Whole(low=1, high=2**40, required=False, help_text="Size of any one file that it writes.")
    compile_wall_ms = Whole(low=1, high=_MOST, required=False, help_text="Time of the compile step.")


def limits_of(
    asked: AskedLimits, language: Language, caller: Caller | None, *, at: str = "limits", interactive: bool = False
) -> EffectiveLimits:
    """What holds. ValidationError, with the name below `at`, for what is more than may be asked for."""
    within = caller.caps if caller else {}
    caps = caps_of(language, has_key=caller is not None, within=within)
    if interactive:
        caps = interactive_caps(caps, within)
    for name, most in too_much(asked, caps).items():
        raise problem_with(f"{at}.{name}", f"at most {most}", "limit_exceeded")
    limits = effective(language, asked, caps)
    return interactive_limits(asked, limits, caps) if interactive else limits
