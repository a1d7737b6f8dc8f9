"""What the page that others frame sends with its requests, by which a publishable key may be used from it.

Such a key is for pages of its client's origins. The page in a frame is the server's own: its requests come with the
server's origin or, where they only read, with none. It is given a token for the one key that it was asked for with;
who may frame it, its policy says. No page of another origin can send the header: CORS allows it to none.
"""

from __future__ import annotations

from django.core import signing
from django.http import HttpRequest

from clients.caller import Caller

HEADER = "X-Embed-Token"
LIFETIME_S = 12 * 3600
_SALT = "gexec.embedding"
_LONGEST = 256


def token_for(caller: Caller) -> str:
    """A token of the caller's key, for twelve hours."""
    return signing.dumps(caller.prefix, salt=_SALT)


def admits(request: HttpRequest, caller: Caller) -> bool:
    """Whether the request comes from the page in a frame that was opened with the caller's key."""
    token = request.headers.get(HEADER, "")
    if not token or len(token) > _LONGEST or not _is_own(request):
        return False
    try:
        return bool(signing.loads(token, salt=_SALT, max_age=LIFETIME_S) == caller.prefix)
    except signing.BadSignature:
        return False


def _is_own(request: HttpRequest) -> bool:
    """The scheme may be that of a proxy in front."""
    origin = request.META.get("HTTP_ORIGIN")
    return origin is None or origin.partition("://")[2] == request.get_host()
