"""jobe's files: what a client has sent, under an id that it chose; CodeRunner takes the MD5 of what is in it.

jobe has one store for all who know it. Here a client sees its own files alone: by an id, which anybody can compute for
what he guesses, nobody learns what others have.
"""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Iterable

from clients.caller import Caller
from executions.compat.jobe.words import OF_FILES
from files import services
from files.digests import id_of
from files.store import FileMissing, FileTooLarge, NoRoom, store
from rest.exceptions import Limited, Refusal

_NAMESPACE = "jobe"
_SHORTEST_ID, _LONGEST_ID = 8, 255
_NO_ROOM_RETRY_S = 3600


def is_id(text: str) -> bool:
    """Letters and digits, eight at least."""
    return _SHORTEST_ID <= len(text) <= _LONGEST_ID and text.isascii() and text.isalnum()


def put(caller: Caller, file_id: str, contents: object) -> None:
    """Store what is in base64. Raises Refusal, with jobe's words, and Limited where there is no room."""
    if not isinstance(contents, str):
        raise Refusal("put: missing file_contents parameter")
    try:
        data = base64.b64decode(contents, validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(f"put: contents of file {file_id} are not valid base-64") from None
    try:
        stored = store.put(caller.client_id, io.BytesIO(data))
        services.name(caller.client_id, _NAMESPACE, file_id, stored.digest)
    except FileTooLarge:
        raise Refusal("put: the file is too large", status=413, code="body_too_large") from None
    except NoRoom:
        why = "put: this client has stored as much as it may"
        raise Limited(why, code="quota_exceeded", policy=OF_FILES, retry_after_s=_NO_ROOM_RETRY_S) from None
    except FileMissing:
        raise Refusal("put: it was deleted while it was sent", status=503, code="upload_lost") from None


def digests(caller: Caller | None, ids: Iterable[str]) -> dict[str, str]:
    """What the caller has of these, as the store calls them. Without a key there is nothing."""
    if caller is None or caller.publishable:
        return {}
    named = (each for each in dict.fromkeys(ids) if is_id(each))
    found = {each: services.named(caller.client_id, _NAMESPACE, each) for each in named}
    return {each: id_of(digest) for each, digest in found.items() if digest is not None}
