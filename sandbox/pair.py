"""A job in two containers: its own steps in one, and in the companion what judges them.

Theory of operation. The two never share a byte but what a step prints, which goes to its check or interactor, and what
an interactor prints, which the step reads. The job's own container is moved on by its own events, as where it is alone;
between two of its steps the companion has its turn, in the same thread. Only an interactor, which runs beside a step,
has a thread, for as long as that.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Collection, Generator
from contextlib import closing
from dataclasses import replace
from typing import TypeVar

from sandbox.container import Container
from sandbox.coupling import CoupledExchange, couple
from sandbox.errors import ContainerLost, EngineUnavailable
from sandbox.exchange import Exchange
from sandbox.types import Check, Companion, Event, File, Interaction, Job, Outcome, Step, StepFinished, StepResult

logger = logging.getLogger(__name__)

Begun = TypeVar("Begun")

_ENDS_THE_JOB = (Outcome.SANDBOX_ERROR, Outcome.CANCELLED)
"""Of a check or an interaction: any other ending is a verdict."""


class Judge:
    """What goes on in the companion, over all of a job, and over a change of the job's own container."""

    def __init__(
        self, companion: Companion, container: Container, take_another: Callable[[Container], Container]
    ) -> None:
        """`take_another` gives a container in the place of its argument, which was lost before anything ran there."""
        self._companion = companion
        self._container = container
        self._take_another = take_another
        self._container.open_job(companion.files, tenant=None)
        self._talk: _Talk | None = None

    def prepare(self) -> Generator[StepFinished, None, bool]:
        """Run the companion's own steps, once; whether all of them ended well."""
        for step in self._companion.steps:
            result = self._run(replace(step, name=f"companion/{step.name}"))
            yield StepFinished(result)
            if result.outcome is not Outcome.OK:
                return False
        return True

    def check(self, step: Step, check: Check, printed: bytes) -> StepResult:
        """Let what a step printed be looked at."""
        return self._run(_check_step(step, check, printed))

    def exchange_with(
        self, step: Step, interaction: Interaction, container: Container, stream_output: bool
    ) -> Exchange:
        """Start an interactor; gives the conversation of the step that it talks to, which begins next."""
        self.stop_talk()

        def begin() -> tuple[CoupledExchange, CoupledExchange]:
            both = couple(
                step,
                container.pass_on,
                _interaction_step(step, interaction),
                self._container.pass_on,
                stream_output=stream_output,
            )
            self._container.begin_step(both[1])
            return both

        own, theirs = self._unless_lost(begin)
        self._talk = _Talk(self._container, theirs)
        return own

    def end_of_talk(self) -> StepResult | None:
        """How the interactor ended, as soon as it has: within its own limits."""
        talk, self._talk = self._talk, None
        return None if talk is None else talk.result()

    def stop_talk(self) -> None:
        """End an interactor that runs, whatever it does."""
        if self._talk is not None:
            self._talk.exchange.kill()
            self.end_of_talk()

    def _run(self, step: Step) -> StepResult:
        def begin() -> Exchange:
            exchange = Exchange(step, stream_output=False)
            self._container.begin_step(exchange)
            return exchange

        exchange = self._unless_lost(begin)
        return _read(self._container.converse(exchange))

    def _unless_lost(self, begin: Callable[[], Begun]) -> Begun:
        """What `begin` gives, in another container where this one was lost before its first step.

        Raises EngineUnavailable where that one is lost as well: ContainerLost would be taken for the job's own.
        """
        try:
            return begin()
        except ContainerLost:
            self._container = self._take_another(self._container)
            self._container.open_job(self._companion.files, tenant=None)
        try:
            return begin()
        except ContainerLost as error:
            raise EngineUnavailable(f"two containers were lost before their run: {error}") from error


class _Talk:
    """An interactor that runs, and the thread that sees to it."""

    def __init__(self, container: Container, exchange: CoupledExchange) -> None:
        self.exchange = exchange
        self._container = container
        self._thread = threading.Thread(target=self._see_to_it, name="gexec-interactor", daemon=True)
        self._thread.start()

    def result(self) -> StepResult | None:
        """Waits for its end."""
        self._thread.join()
        return self.exchange.result

    def _see_to_it(self) -> None:
        try:
            _read(self._container.converse(self.exchange))
        except Exception:
            # Without a result the step that it talks to would wait for its own limit, and nobody would know why.
            logger.exception("the interactor's conversation failed")
            self.exchange.fail("the interactor's conversation failed")


def events(
    job: Job,
    container: Container,
    judge: Judge,
    *,
    tenant: str | None,
    stream_output: bool,
    skipped: Collection[str],
) -> Generator[Event, None, None]:
    """Run the job's own steps, each with its check or interaction; see Container.events, also for what it raises."""
    running: list[Step] = []

    def exchange_for(step: Step) -> Exchange:
        running[:] = [step]
        if step.interaction is not None:
            return judge.exchange_with(step, step.interaction, container, stream_output)
        return Exchange(step, stream_output=stream_output)

    own = container.events(job, tenant=tenant, stream_output=stream_output, skipped=skipped, exchange_for=exchange_for)
    try:
        with closing(own):
            for event in own:
                yield event
                if isinstance(event, StepFinished) and running:
                    verdict = _verdict(running.pop(), event.result, judge)
                    if verdict is not None:
                        yield StepFinished(verdict)
                        if verdict.outcome in _ENDS_THE_JOB:
                            return
    finally:
        judge.stop_talk()


def _verdict(step: Step, result: StepResult, judge: Judge) -> StepResult | None:
    if step.interaction is not None:
        return judge.end_of_talk()
    if step.check is not None and result.outcome is Outcome.OK:
        return judge.check(step, step.check, result.stdout)
    return None


def _check_step(step: Step, check: Check, printed: bytes) -> Step:
    given = (File(check.output_file, printed),) if check.output_file else ()
    return Step(
        f"{step.name}/check",
        check.argv,
        check.limits,
        check.environment,
        _checks_stdin(check, printed),
        fresh=True,
        files=check.files + given,
    )


def _checks_stdin(check: Check, printed: bytes) -> bytes:
    if check.output_in_json:
        return check.stdin + json.dumps(printed.decode(errors="replace")).encode() + b"}"
    return printed if check.output_on_stdin else check.stdin


def _interaction_step(step: Step, interaction: Interaction) -> Step:
    return Step(
        f"{step.name}/interact",
        interaction.argv,
        interaction.limits,
        interaction.environment,
        fresh=True,
        files=interaction.files,
    )


def _read(conversation: Generator[object, None, StepResult]) -> StepResult:
    """What is left of it when it is over."""
    while True:
        try:
            next(conversation)
        except StopIteration as end:
            result: StepResult = end.value
            return result
