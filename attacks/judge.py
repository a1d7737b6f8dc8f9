"""One attack from beginning to end: look at the host, attack, let a clean program run, look again."""

from __future__ import annotations

from dataclasses import dataclass

from attacks.catalogue import AnyAttack
from attacks.client import Client
from attacks.gvisor import unexpected
from attacks.host import Host


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one attack."""

    outcome: str
    problems: tuple[str, ...]
    """Answers that are wrong or unclear, things that succeeded, a service that is not well afterwards."""
    harm: tuple[str, ...]
    """What the host shows."""
    skipped: str = ""

    @property
    def held(self) -> bool:
        """Whether everything is as it should be."""
        return not self.problems and not self.harm


def judge(attack: AnyAttack, client: Client, host: Host) -> Verdict:
    """Perform it. Raises RateLimited, and OSError where the server does not answer at all."""
    before = host.look()
    report = attack.perform(client)
    if report.skipped:
        return Verdict(report.outcome, (), (), report.skipped)
    after = client.clean_program_problem()
    known = "runsc" in client.runtime
    problems = unexpected(attack.name, report.problems) if known else report.problems
    problems = (*problems, after) if after else problems
    return Verdict(report.outcome, problems, tuple(host.harm_since(before)))
