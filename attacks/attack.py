"""What an attack is: programs to send, the endings and the words that are acceptable, and how it is judged."""

from __future__ import annotations

import re
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from attacks.client import Answer, Client
from attacks.endings import Ending, ending_of

GUESTS = Path(__file__).parent / "guests"
PRELUDES = {"python": "prelude.py"}
MAX_OUTPUT_CHARACTERS = 1_048_576
"""The output limit of the languages as they are shipped, for each stream."""


@dataclass(frozen=True, slots=True)
class Run:
    """One program, and what may come of it. A guest prints BREACH for what should have failed, DONE at its end."""

    guest: str
    timeout_ms: int = 5000
    ends: tuple[Ending, ...] = (Ending.CLEAN,)
    prints: tuple[str, ...] = ("DONE",)
    """Patterns that stdout or stderr must contain."""
    never: tuple[str, ...] = ("BREACH",)
    key: int | None = None
    """Which of the API keys it is sent with; none: without a key."""
    delay_s: float = 0.0
    """For runs that are sent together: how long after the first."""
    kind: str = ""
    """Which of the guest's variants: it stands for @KIND@ in the program."""

    @property
    def language(self) -> str:
        """By the guest's suffix."""
        return {".py": "python", ".go": "go", ".c": "c"}[Path(self.guest).suffix]

    def source(self, token: str) -> str:
        """The program with what all guests of its language share; `token` names the marks that it leaves."""
        prelude = PRELUDES.get(self.language)
        text = (GUESTS / prelude).read_text() if prelude else ""
        text += (GUESTS / self.guest).read_text()
        return text.replace("@TOKEN@", token).replace("@KIND@", self.kind)

    def problems(self, answer: Answer) -> list[str]:
        """What is wrong with this answer; empty where it is as it should be."""
        if answer.status != 200:
            return [f"{self.guest}: status {answer.status}: {answer.text[:200]}"]
        found = []
        ending = ending_of(answer)
        if ending not in self.ends:
            found.append(f"{self.guest}: {ending}: {answer.fields['error'] or answer.fields['exit_code']}")
        output = f"{answer.fields['stdout']}\n{answer.fields['stderr']}"
        found += [f"{self.guest}: {line[:200]}" for word in self.never for line in _lines_with(word, output)]
        missing = [word for word in self.prints if not re.search(word, output)]
        found += [f"{self.guest}: nothing like {word!r} in {output[-300:]!r}" for word in missing]
        for stream in ("stdout", "stderr"):
            if len(str(answer.fields[stream])) > MAX_OUTPUT_CHARACTERS:
                found.append(f"{self.guest}: {stream} is longer than its limit")
        return found


def _lines_with(word: str, output: str) -> list[str]:
    return [line for line in output.splitlines() if re.search(word, line)]


@dataclass(frozen=True, slots=True)
class Report:
    """How one attack went."""

    outcome: str
    problems: tuple[str, ...] = ()
    skipped: str = ""


@dataclass(frozen=True, slots=True)
class Attack:
    """Programs that are sent one after the other, or together."""

    name: str
    tries: str
    runs: tuple[Run, ...]
    together: bool = False
    same_container: bool | None = None
    """Whether the last run must have been in the first one's container, or must not; None: no matter."""
    in_cells: bool = False
    """Whether what it tries is possible in containers that are used again, and known to be."""
    at_most_s: float | None = None
    """A generous bound on the time to the last answer."""

    def missing(self, client: Client) -> str:
        """Why it cannot be tried on this server; empty where it can."""
        if self.in_cells and client.isolation == "container":
            return "is for cells"
        keys = {run.key for run in self.runs if run.key is not None}
        if keys and max(keys) >= len(client.keys):
            return f"needs {max(keys) + 1} API keys"
        lacking = {run.language for run in self.runs} - client.languages
        return f"the language {', '.join(lacking)} is not enabled" if lacking else ""

    def perform(self, client: Client) -> Report:
        """Send every run and judge the answers."""
        if missing := self.missing(client):
            return Report("skipped", skipped=missing)
        token = secrets.token_hex(8)
        began = time.monotonic()
        answers = self._send_together(client, token) if self.together else self._send_in_turn(client, token)
        took_s = time.monotonic() - began
        problems = [text for run, answer in zip(self.runs, answers, strict=True) for text in run.problems(answer)]
        containers = _container(answers[0]), _container(answers[-1])
        if self.same_container and containers[0] != containers[1] and not client.reuses and not problems:
            return Report("skipped", skipped="containers are not used again here")
        if client.isolation == "shared_cell" and self.same_container is False:
            return Report(f"in {took_s:.1f} s", tuple(problems))
        if client.isolation != "container":
            # Process 1 is the cell's, and another one each time: the container is told by its user.
            containers = containers[0].partition("-")[0], containers[1].partition("-")[0]
        problems += self._container_problems(*containers)
        if self.at_most_s is not None and took_s > self.at_most_s * client.patience:
            problems.append(f"answered after {took_s:.1f} s")
        outcome = ", ".join(dict.fromkeys(ending_of(answer).value for answer in answers))
        return Report(f"{outcome} in {took_s:.1f} s", tuple(problems))

    def _send_in_turn(self, client: Client, token: str) -> list[Answer]:
        return [_send(client, run, token) for run in self.runs]

    def _send_together(self, client: Client, token: str) -> list[Answer]:
        start = threading.Barrier(len(self.runs))

        def send(run: Run) -> Answer:
            start.wait()
            time.sleep(run.delay_s * client.patience)
            return _send(client, run, token)

        with ThreadPoolExecutor(len(self.runs)) as threads:
            return list(threads.map(send, self.runs))

    def _container_problems(self, first: str, last: str) -> list[str]:
        if self.same_container is None:
            return []
        if not first or not last:
            return ["the programs did not say which container they were in"]
        if (first == last) != self.same_container:
            wanted = "the same container" if self.same_container else "containers of their own"
            return [f"the runs were not in {wanted}: {first}, {last}"]
        return []


def _send(client: Client, run: Run, token: str) -> Answer:
    timeout_ms = client.patient_ms(run.timeout_ms)
    return client.execute(run.source(token), language=run.language, timeout_ms=timeout_ms, key=run.key)


def _container(answer: Answer) -> str:
    found = re.search(r"^CONTAINER (\S+)$", str(answer.fields.get("stdout", "")), re.MULTILINE)
    return found[1] if found else ""
