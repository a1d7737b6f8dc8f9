"""API keys in the Authorization header: who calls, remembered for a second so that a request asks for it seldom."""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework_api_key.models import APIKey
from rest_framework_api_key.permissions import KeyParser

from clients import last_used
from clients.caller import Caller, caller_of
from clients.models import Client, Key
from clients.rights import PUBLISHABLE, USUAL, Right
from clients.secrets import digest_of, new_key, prefix_in

REMEMBERED_S = 1.0
_MAX_REMEMBERED = 10_000
"""Keys, about 3 MB; beyond it all are forgotten, which costs each a query."""


class _Verified:
    """Keys that were valid a moment ago, by their hash: a revoked one is refused within REMEMBERED_S."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[bytes, tuple[float, Caller]] = {}

    def get(self, digest: bytes) -> Caller | None:
        until, caller = self._entries.get(digest, (0.0, None))
        return caller if until > time.monotonic() else None

    def put(self, digest: bytes, caller: Caller, verified_at: float) -> None:
        with self._lock:
            if len(self._entries) >= _MAX_REMEMBERED:
                self._entries.clear()
            self._entries[digest] = (verified_at + REMEMBERED_S, caller)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()


verified = _Verified()


class _Bearer(KeyParser):
    keyword = "Bearer"


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Api-Key …` or, for tools that offer nothing else, `Authorization: Bearer …`."""

    def authenticate(self, request: Request) -> tuple[None, Caller] | None:
        """The caller, who is no user of the admin; None without a key. AuthenticationFailed where it is not valid."""
        if "HTTP_AUTHORIZATION" not in request.META:
            return None
        key = KeyParser().get(request) or _Bearer().get(request)
        caller = _verify(key) if key else None
        if caller is None:
            raise AuthenticationFailed("invalid API key")
        return None, caller

    def authenticate_header(self, request: Request) -> str:
        """Both schemes, for WWW-Authenticate of a 401."""
        return f"{KeyParser.keyword}, {_Bearer.keyword}"


def caller_with(text: str) -> Caller | None:
    """Whom this key makes; None where it is not valid, or its client is disabled."""
    try:
        return _verify(text)
    except AuthenticationFailed:
        return None


def create(
    name: str,
    *,
    client: str | None = None,
    rights: Iterable[Right] | None = None,
    publishable: bool = False,
    expires_at: datetime | None = None,
) -> str:
    """Make a key and return it; it cannot be read again. Its client is the one of that name, else of the key's."""
    owner, _ = Client.objects.get_or_create(name=client or name)
    made, _ = create_for(owner, name, rights=rights, publishable=publishable, expires_at=expires_at)
    return made


def create_for(
    owner: Client,
    name: str,
    *,
    rights: Iterable[Right] | None = None,
    publishable: bool = False,
    expires_at: datetime | None = None,
) -> tuple[str, Key]:
    """Make a key of this client: the key itself, and its row."""
    made = new_key(publishable=publishable)
    given = rights if rights is not None else PUBLISHABLE if publishable else USUAL
    key = Key.objects.create(
        prefix=made.prefix,
        client=owner,
        name=name,
        digest=made.digest,
        rights=sorted(given),
        publishable=publishable,
        expires_at=expires_at,
    )
    return made.text, key


def usable() -> Q:
    """The condition of a key that was neither revoked nor has expired."""
    return Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=timezone.now()))


def has_valid(name: str) -> bool:
    """Whether a key of this name was made and not revoked."""
    return Key.objects.filter(usable(), name=name).exists()


def revoke(prefix: str) -> str | None:
    """Refuse the key from now on; its name, or None where no valid key has this prefix."""
    key = Key.objects.filter(usable(), prefix=prefix).first()
    if key is None:
        return None
    key.revoked_at = timezone.now()
    key.save(update_fields=["revoked_at"])
    verified.clear()
    return key.name


def _verify(text: str) -> Caller | None:
    digest = hashlib.sha256(text.encode(errors="replace")).digest()
    if caller := verified.get(digest):
        return caller
    now = time.monotonic()
    key = _found(text)
    if key is None:
        return None
    if not key.client.enabled:
        raise AuthenticationFailed("the client of this API key is disabled")
    last_used.note(key.prefix)
    caller = caller_of(key)
    verified.put(digest, caller, now)
    return caller


def _found(text: str) -> Key | None:
    if "\x00" in text:
        return None
    keys = Key.objects.filter(usable()).select_related("client")
    if prefix := prefix_in(text):
        key = keys.filter(prefix=prefix).first()
        return key if key is not None and hmac.compare_digest(key.digest, digest_of(text)) else None
    # A key from before clients: its hash, whether it was revoked and when it expires stand in its own row.
    if "." not in text or not APIKey.objects.is_valid(text):
        return None
    return keys.filter(prefix=text.partition(".")[0], digest="").first()
