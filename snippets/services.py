"""Storing, finding and deleting snippets."""

from __future__ import annotations

import hmac
import json
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from clients.caller import Caller, sharing
from rest.disk import MESSAGE, RETRY_AFTER_S, Room, room
from rest.exceptions import Refusal, Unavailable
from snippets.models import ID_LETTERS, Snippet

OFF, KEYS, ON = "off", "keys", "on"
"""Of GEXEC_SNIPPETS: nobody stores any; those with a secret key do; everybody does."""
BYTES_AT_MOST = 64 * 1024
"""Of one, as JSON."""
OF_ONE_CALLER = 1_000
"""More is no sharing any more; at 64 KiB each they are 64 MiB."""
_VIEWED_EVERY = timedelta(days=1)
_TOKEN_LETTERS = 32


def may_store(caller: Caller | None) -> bool:
    """Whether the settings let this caller store one."""
    return settings.GEXEC_SNIPPETS == ON or (settings.GEXEC_SNIPPETS == KEYS and caller is not None)


def store(*, program: dict[str, Any], language: str, caller: Caller | None, address: str | None) -> Snippet:
    """A new one. Raises Refusal where it is too large or its caller has too many, Unavailable without room for it."""
    size = len(json.dumps(program, ensure_ascii=False).encode())
    if size > BYTES_AT_MOST:
        raise Refusal(f"a snippet may have {BYTES_AT_MOST} bytes", status=413, code="body_too_large")
    if room() is not Room.OK:
        raise Unavailable(MESSAGE, retry_after_s=RETRY_AFTER_S, code="disk_full")
    client_id = caller.client_id if caller else None
    whose = sharing(client_id, address)
    if Snippet.objects.filter(caller=whose)[:OF_ONE_CALLER].count() >= OF_ONE_CALLER:
        raise Refusal(f"a caller may have {OF_ONE_CALLER} snippets", status=429, code="quota_exceeded")
    return Snippet.objects.create(
        client_id=client_id, caller=whose, language_slug=language, program=program, bytes=size
    )


def find(snippet_id: str) -> Snippet | None:
    """The one of this id, which stays for longer now; None where there is none, or it is blocked or over."""
    if not _is_id(snippet_id) or settings.GEXEC_SNIPPETS == OFF:
        return None
    snippet = Snippet.objects.filter(pk=snippet_id, is_blocked=False).first()
    if snippet is None or is_over(snippet):
        return None
    now = timezone.now()
    Snippet.objects.filter(pk=snippet.pk, viewed_at__lt=now - _VIEWED_EVERY).update(viewed_at=now)
    return snippet


def delete(snippet_id: str, *, caller: Caller | None, token: str) -> bool:
    """Delete the caller's own, or the one that its delete token names; whether there was such a one."""
    if not _is_id(snippet_id):
        return False
    rows = Snippet.objects.filter(pk=snippet_id)
    if not hmac.compare_digest(token.encode(errors="replace"), delete_token(snippet_id).encode()):
        if caller is None or caller.publishable:
            return False
        rows = rows.filter(client_id=caller.client_id)
    return bool(rows.delete()[0])


def delete_token(snippet_id: str) -> str:
    """What deletes it without a key. It is made from the id with the server's secret, and stands nowhere."""
    return hmac.new(settings.SECRET_KEY.encode(), f"gexec snippet {snippet_id}".encode(), "sha256").hexdigest()[
        :_TOKEN_LETTERS
    ]


def expires_at(snippet: Snippet) -> datetime | None:
    """When it goes unless somebody looks at it again; None: never."""
    return snippet.viewed_at + timedelta(days=settings.GEXEC_SNIPPET_DAYS) if settings.GEXEC_SNIPPET_DAYS else None


def is_over(snippet: Snippet) -> bool:
    """Whether nobody has looked at it for as long as it is kept."""
    until = expires_at(snippet)
    return until is not None and until <= timezone.now()


def _is_id(text: str) -> bool:
    return len(text) == ID_LETTERS and text.isascii() and text.isalnum()
