"""Each operation of the clients, as steps."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

from gexec_client import requests
from gexec_client.contents import ByDigest, decoded
from gexec_client.errors import (
    ApiError,
    ConnectionFailed,
    FilesMissing,
    GexecError,
    TimedOut,
    UnexpectedAnswer,
    api_error,
)
from gexec_client.events import Queued, event_in
from gexec_client.programs import Body
from gexec_client.requests import BATCHES, EXECUTIONS, FILES, Handle, get, path_of, post, token_of
from gexec_client.results import (
    Artifact,
    Batch,
    Cancelled,
    Execution,
    Language,
    Languages,
    Me,
    Missing,
    Page,
    Result,
    StoredFile,
    result,
)
from gexec_client.retries import Deadline, Retries, Tries
from gexec_client.sse import Decoder
from gexec_client.steps import Flow, Open, Read, Reply, Send, Shut, Sleep

R = TypeVar("R", bound=Result)
Ended = TypeVar("Ended", Execution, Batch)

_CHECKED_AT_ONCE = 1000
_ABANDONING_S = 10.0
_MARGIN_S = 20.0
_SHORTEST_S = 0.05
"""A time-out of none would be one for ever."""


class Flows:
    """The operations of one client."""

    def __init__(self, retries: Retries) -> None:
        self.retries = retries
        self._source_files: dict[str, str] = {}

    def ask(self, send: Send, deadline: Deadline | None = None) -> Flow[Reply]:
        """The answer, sent for as often as it may be. Raises ApiError, ConnectionFailed."""
        tries = Tries(self.retries, deadline or Deadline(None))
        while True:
            try:
                reply: Reply = yield in_time(send, tries.deadline)
                if reply.ok or reply.status == 304:
                    return reply
                raise refusal(reply)
            except (ApiError, ConnectionFailed) as error:
                if (pause_s := tries.pause_after(send, error)) is None:
                    raise
            yield Sleep(pause_s)

    def read(self, kind: type[R], send: Send, deadline: Deadline | None = None) -> Flow[R]:
        """The answer as a `kind`."""
        reply = yield from self.ask(send, deadline)
        return result(kind, reply.json())

    def run(self, body: Body, *, key: str | None, include: Sequence[str], deadline: Deadline) -> Flow[Execution]:
        """The execution as it ended.

        It is told to go on when the connection ends, since the answer is fetched again then; who gives up cancels it.
        """
        body = yield from self.in_files(body)
        fields = {**body.fields, "wait": True, "on_disconnect": "continue"}
        send = post(EXECUTIONS, fields, params=_shape(include), key=key or requests.new_key())
        try:
            reply = yield from self._with_uploads(requests.held(send), body.uploads, deadline)
            execution = result(Execution, reply.json())
            return execution if execution.ended else (yield from self.wait(execution, None, include, deadline))
        except (GexecError, GeneratorExit) as error:
            if isinstance(error, TimedOut):
                yield from self.abandon(send)
            raise
        except BaseException:
            yield from self.abandon(send)
            raise

    def submit(self, body: Body, *, key: str | None) -> Flow[Execution]:
        """The execution as it was accepted."""
        body = yield from self.in_files(body)
        send = post(EXECUTIONS, {**body.fields, "wait": False}, key=key or requests.new_key())
        reply = yield from self._with_uploads(send, body.uploads, Deadline(None))
        return result(Execution, reply.json())

    def get(self, handle: Handle, access_token: str | None, include: Sequence[str]) -> Flow[Execution]:
        """The execution as it is."""
        path, token = path_of(EXECUTIONS, handle), token_of(handle, access_token)
        return (yield from self.read(Execution, get(path, _shape(include), token=token)))

    def wait(
        self, handle: Handle, access_token: str | None, include: Sequence[str], deadline: Deadline
    ) -> Flow[Execution]:
        """The execution as it ended. Raises TimedOut."""
        return (yield from self._wait(Execution, EXECUTIONS, handle, access_token, include, deadline))

    def wait_batch(self, handle: Handle, access_token: str | None, deadline: Deadline) -> Flow[Batch]:
        """The batch with its executions, once all have ended. Raises TimedOut."""
        yield from self._wait(Batch, BATCHES, handle, access_token, (), deadline)
        return (yield from self.get_batch(handle, access_token, executions=True))

    def cancel(self, handle: Handle, access_token: str | None, reason: str) -> Flow[Execution]:
        """The execution, which has ended or is about to."""
        send = post(
            path_of(EXECUTIONS, handle, "cancel"),
            {"reason": reason} if reason else {},
            token=token_of(handle, access_token),
            repeatable=True,
        )
        return (yield from self.read(Execution, send))

    def cancel_tagged(self, name: str, value: str, reason: str) -> Flow[int]:
        """How many are to end."""
        fields = {f"tag.{name}": value} | ({"reason": reason} if reason else {})
        return (yield from self.read(Cancelled, post(f"{EXECUTIONS}/cancel", fields, repeatable=True))).cancelled

    def batch(self, body: Body, *, key: str | None) -> Flow[Batch]:
        """The batch as it was accepted."""
        # An item whose file is missing is refused alone, for good: the same key finds the same batch again.
        yield from self.upload([ByDigest(data, file_id) for file_id, data in body.uploads.items()])
        return (yield from self.read(Batch, post(BATCHES, body.fields, key=key or requests.new_key())))

    def get_batch(self, handle: Handle, access_token: str | None, *, executions: bool) -> Flow[Batch]:
        """The batch as it is."""
        params = {"include": "executions"} if executions else {}
        send = get(path_of(BATCHES, handle), params, token=token_of(handle, access_token))
        return (yield from self.read(Batch, send))

    def cancel_batch(self, handle: Handle, access_token: str | None, reason: str) -> Flow[Batch]:
        """The batch, of which all has ended or is about to."""
        fields = {"reason": reason} if reason else {}
        path, token = path_of(BATCHES, handle, "cancel"), token_of(handle, access_token)
        return (yield from self.read(Batch, post(path, fields, token=token, repeatable=True)))

    def upload(self, contents: Sequence[ByDigest]) -> Flow[list[StoredFile]]:
        """Files by their digests; only those that the server lacks are sent."""
        files = {each.id: StoredFile(id=each.id, bytes=len(each.data)) for each in contents}
        data = {each.id: each.data for each in contents}
        for file_id in (yield from self.missing(list(files))):
            files[file_id] = yield from self._put(file_id, data[file_id])
        return [files[each.id] for each in contents]

    def missing(self, ids: Sequence[str]) -> Flow[list[str]]:
        """Which of these the server lacks."""
        found: list[str] = []
        for start in range(0, len(ids), _CHECKED_AT_ONCE):
            asked = {"ids": list(ids[start : start + _CHECKED_AT_ONCE])}
            found += (yield from self.read(Missing, post(f"{FILES}/check", asked, repeatable=True))).missing
        return found

    def download(self, file: str | StoredFile) -> Flow[bytes]:
        """What was uploaded."""
        path = path_of(FILES, file if isinstance(file, str) else file.id)
        reply = yield from self.ask(requests.held(get(path)))
        return reply.body

    def delete_file(self, file: str | StoredFile) -> Flow[None]:
        """It is gone."""
        path = path_of(FILES, file if isinstance(file, str) else file.id)
        yield from self.ask(Send("DELETE", path, repeatable=True))

    def artifact(self, handle: Handle, name: str | Artifact, access_token: str | None) -> Flow[bytes]:
        """Its bytes, which may have come with the execution."""
        if isinstance(name, Artifact) and (data := decoded(name.content)) is not None:
            return data
        path = path_of(EXECUTIONS, handle, "artifacts", name if isinstance(name, str) else name.name)
        reply = yield from self.ask(requests.held(get(path, token=token_of(handle, access_token))))
        return reply.body

    def languages(self) -> Flow[list[Language]]:
        """Those that are enabled."""
        return list((yield from self.read(Languages, get("/api/v1/languages"))).languages)

    def language(self, name: str) -> Flow[Language]:
        """One of them."""
        return (yield from self.read(Language, get(path_of("/api/v1/languages", name))))

    def me(self) -> Flow[Me]:
        """What the server knows of the key."""
        return (yield from self.read(Me, get("/api/v1/me")))

    def page(self, params: Mapping[str, Any]) -> Flow[Page]:
        """A part of the history."""
        return (yield from self.read(Page, get(EXECUTIONS, params)))

    def in_files(self, body: Body) -> Flow[Body]:
        """The same; a source with files beside it becomes one of them, as the API has it, by its language's name."""
        fields = dict(body.fields)
        if "source_code" not in fields or "files" not in fields:
            return body
        name = yield from self._source_file(str(fields["language"]))
        if any(each["name"] == name for each in fields["files"]):
            raise ValueError(f"the program is {name}, and so is one of its files")
        source = {"name": name, "content": fields.pop("source_code")}
        return replace(body, fields={**fields, "files": [source, *fields["files"]], "entrypoint": name})

    def _source_file(self, language: str) -> Flow[str]:
        """How the language names its program. Asked for once."""
        slug = language.partition("@")[0]
        if slug not in self._source_files:
            self._source_files[slug] = (yield from self.language(slug)).source_file
        return self._source_files[slug]

    def upload_missing(self, error: ApiError, uploads: Mapping[str, bytes]) -> Flow[None]:
        """Upload what a request was refused for. Raises the error where not all of it is known here."""
        missing = error.missing if isinstance(error, FilesMissing) else ()
        if not missing or any(each not in uploads for each in missing):
            raise error
        for each in missing:
            yield from self._put(each, uploads[each])

    def _with_uploads(self, send: Send, uploads: Mapping[str, bytes], deadline: Deadline) -> Flow[Reply]:
        """The answer; what it says to be missing, and is known here, is uploaded once before it is sent again."""
        try:
            return (yield from self._ask_in_time(send, deadline))
        except FilesMissing as error:
            yield from self.upload_missing(error, uploads)
        return (yield from self._ask_in_time(send, deadline))

    def _ask_in_time(self, send: Send, deadline: Deadline) -> Flow[Reply]:
        try:
            return (yield from self.ask(send, deadline))
        except ConnectionFailed as error:
            if deadline.is_over:
                raise TimedOut("no answer came in time") from error
            raise

    def _put(self, file_id: str, data: bytes) -> Flow[StoredFile]:
        digest = base64.b64encode(bytes.fromhex(file_id.partition(":")[2])).decode()
        headers = {"Content-Type": "application/octet-stream", "Repr-Digest": f"sha-256=:{digest}:"}
        send = Send("PUT", FILES, headers=headers, content=data, repeatable=True)
        return (yield from self.read(StoredFile, requests.held(send)))

    def _wait(
        self,
        kind: type[Ended],
        root: str,
        handle: Handle,
        access_token: str | None,
        include: Sequence[str],
        deadline: Deadline,
    ) -> Flow[Ended]:
        path, token = path_of(root, handle), token_of(handle, access_token)
        while True:
            left_s = deadline.left_s
            wait_s = requests.POLL_S if left_s is None else min(requests.POLL_S, math.ceil(left_s))
            send = get(path, {**_shape(include), "wait": wait_s}, token=token)
            # The server ends the wait; the connection has to outlive that.
            found = yield from self.read(kind, replace(send, read_timeout_s=wait_s + _MARGIN_S))
            if found.ended:
                return found
            if deadline.is_over:
                execution = found if isinstance(found, Execution) else None
                raise TimedOut("it has not ended in time", execution=execution)

    def abandon(self, send: Send) -> Flow[None]:
        """Cancel what was sent, whose id is not known yet: the same request, asked for its events, tells it."""
        with suppress(GexecError):
            queued = yield from _first_event(in_time(requests.watching(send), Deadline(_ABANDONING_S)))
            yield from self.leave(str(queued["id"]), queued.get("access_token"))

    def leave(self, execution_id: str, token: str | None) -> Flow[None]:
        """Cancel what nobody waits for any more. It is tried once: whoever leaves does not want to wait."""
        path = path_of(EXECUTIONS, execution_id, "cancel")
        with suppress(GexecError):
            yield in_time(post(path, {"reason": requests.GONE}, token=token), Deadline(_ABANDONING_S))


def in_time(send: Send, deadline: Deadline) -> Send:
    """The same, waited for no longer than is left."""
    left_s = deadline.left_s
    if left_s is None:
        return send
    timeout_s = left_s if send.read_timeout_s is None else min(left_s, send.read_timeout_s)
    return replace(send, read_timeout_s=max(_SHORTEST_S, timeout_s))


def _first_event(send: Send) -> Flow[Mapping[str, Any]]:
    """What the first event of a stream has. Raises GexecError."""
    reply: Reply = yield Open(send)
    decoder = Decoder()
    try:
        while reply.ok and (chunk := (yield Read())):
            for message in decoder.feed(chunk):
                event, data = event_in(message)
                if isinstance(event, Queued):
                    return data
        raise UnexpectedAnswer("the stream did not begin")
    finally:
        yield Shut()


def refusal(reply: Reply) -> ApiError:
    """The error that an answer is."""
    problem: Any = None
    with suppress(GexecError):
        problem = reply.json()
    if not isinstance(problem, Mapping):
        problem = {"detail": f"the server answered with the status {reply.status}"}
    return api_error(reply.status, problem, retry_after_s=_seconds(reply.headers.get("retry-after")))


def _seconds(text: str | None) -> float | None:
    """Retry-After as gexec writes it; the other form, a date, is written by proxies at most."""
    return float(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else None


def _shape(include: Sequence[str]) -> dict[str, str]:
    return {"include": ",".join(include)} if include else {}
