"""A stream of events that goes on after each cut, until the end of its execution."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from gexec_client import requests
from gexec_client.errors import ApiError, ConnectionFailed, GexecError, UnexpectedAnswer
from gexec_client.events import Event, Finished, Queued, event_in
from gexec_client.flows import Flows, refusal
from gexec_client.programs import Body
from gexec_client.requests import EXECUTIONS, Handle, get, path_of, post, token_of
from gexec_client.retries import Deadline, Tries
from gexec_client.sse import Decoder, Message
from gexec_client.steps import Flow, Open, Read, Reply, Send, Shut, Sleep, Step

_NO_ROOM = "too_many_watchers"


@dataclass(frozen=True, slots=True)
class Emit:
    """An event for whoever watches."""

    event: Event


Events: TypeAlias = Generator[Step | Emit, Any, None]


class Following:
    """One execution, watched: submitted by the first request, or there before."""

    def __init__(self, flows: Flows, *, execution_id: str, token: str | None) -> None:
        self._flows = flows
        self._first: Send | None = None
        """What submits it, once that is sent."""
        self._body: Body | None = None
        self._key = ""
        self.token = token
        self._tries = Tries(flows.retries, Deadline(None))
        self._uploaded = False
        self._is_known = execution_id != ""
        self.execution_id = execution_id
        """Empty until the server has told it."""
        self.last_event_id = ""
        """Behind which it goes on."""
        self.resumed = 0
        """How often it has."""
        self.finished: Finished | None = None

    @classmethod
    def of_new(cls, flows: Flows, body: Body, key: str | None) -> Following:
        """Submit, and watch."""
        following = cls(flows, execution_id="", token=None)
        following._body, following._key = body, key or requests.new_key()
        return following

    @classmethod
    def of_known(cls, flows: Flows, handle: Handle, access_token: str | None, after: str) -> Following:
        """Watch one that was submitted before."""
        id_ = handle if isinstance(handle, str) else handle.id
        following = cls(flows, execution_id=id_, token=token_of(handle, access_token))
        following.last_event_id = after
        return following

    @property
    def is_submitter(self) -> bool:
        """Whether it is this one's to cancel."""
        return self._body is not None

    def events(self) -> Events:
        """All of them, in order. Raises ApiError, ConnectionFailed, UnexpectedAnswer."""
        if self._body is not None:
            self._body = yield from self._flows.in_files(self._body)
        while self.finished is None:
            send = self._request()
            try:
                yield from self._answered(send)
                # Ended in order, and not at the end: its time was over, or the server stops.
                error: GexecError = ConnectionFailed("the stream ended before its execution", sent=True)
            except (ApiError, ConnectionFailed) as raised:
                error = raised
            if self.finished is None:
                yield from self._recover(send, error)

    def cancel(self) -> Flow[None]:
        """Have it end, where it has not."""
        if self.finished is not None:
            return
        if self._is_known:
            yield from self._flows.leave(self.execution_id, self.token)
        elif self._first is not None:
            yield from self._flows.abandon(self._first)

    def _request(self) -> Send:
        # Without a key only its first event tells what opens it: until that has come, the same request finds it.
        if self._body is not None and not self._is_known:
            # It goes on when a connection is cut, so whoever leaves it has to cancel it.
            self._first = post(EXECUTIONS, {**self._body.fields, "on_disconnect": "continue"}, key=self._key)
            return requests.watching(self._first)
        send = get(path_of(EXECUTIONS, self.execution_id, "events"), token=self.token)
        return requests.watching(send, after=self.last_event_id)

    def _answered(self, send: Send) -> Events:
        reply: Reply = yield Open(send)
        if not reply.ok:
            raise refusal(reply)
        self.execution_id = reply.headers.get("x-execution-id", self.execution_id)
        if reply.status == 204:
            yield from self._end_from_resource()
            return
        if not reply.headers.get("content-type", "").startswith("text/event-stream"):
            raise UnexpectedAnswer("the answer is no stream of events")
        decoder, chunks = Decoder(), 0
        while self.finished is None and (chunk := (yield Read())):
            messages = list(decoder.feed(chunk))
            # A stream that begins and tells nothing is no progress; a sign of life later on is.
            if messages or chunks:
                self._tries.begin_anew()
            chunks += 1
            for message in messages:
                yield from self._told(message)
        yield Shut()

    def _told(self, message: Message) -> Events:
        event, data = event_in(message)
        self.last_event_id = message.id or self.last_event_id
        if isinstance(event, Queued):
            self._learn(event, data)
        if isinstance(event, Finished):
            self.finished = event
        yield Emit(event)

    def _learn(self, event: Queued, data: Mapping[str, Any]) -> None:
        self._is_known = True
        self.execution_id = event.execution_id
        self.token = data.get("access_token") or self.token

    def _recover(self, send: Send, error: GexecError) -> Events:
        """Wait before the next try, or do without it. Raises what went wrong."""
        if isinstance(error, ApiError) and error.code == "file_missing" and self._body and not self._uploaded:
            self._uploaded = True
            yield from self._flows.upload_missing(error, self._body.uploads)
            return
        pause_s = self._tries.pause_after(send, error)
        if pause_s is None:
            if not (self._is_known and isinstance(error, ApiError) and error.code == _NO_ROOM):
                raise error
            yield from self._end_from_resource()
            return
        self.resumed += 1
        yield Shut()
        yield Sleep(pause_s)

    def _end_from_resource(self) -> Events:
        """Without a place among those who watch, or behind the last event, the execution itself tells its end."""
        execution = yield from self._flows.wait(self.execution_id, self.token, (), Deadline(None))
        self.finished = Finished(execution)
        yield Emit(self.finished)
