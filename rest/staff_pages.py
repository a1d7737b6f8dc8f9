"""What a page for staff alone sends with its requests: the API reads no cookies, so the page is given a token.

It stands in the page, where no other site's page can read it, and goes in a header, which no other site's page can
have a browser send here. It lets its bearer call where a key is required, as a caller without a key, and nothing else.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, User
from django.core import signing
from django.http import HttpRequest

from rest import websocket

HEADER = "X-Page-Token"
PROTOCOL = "gexec.page."
"""A WebSocket of the page, which has no headers, brings it as a subprotocol, with ~ where a colon has no place."""
LIFETIME_S = 12 * 3600
_SALT = "gexec.staff_pages"
_LONGEST = 512


def token_for(user: User) -> str:
    """A token of this member of the staff, for twelve hours or until the password is changed."""
    return signing.dumps([user.pk, _sign_of(user)], salt=_SALT)


def opens(token: str) -> bool:
    """Whether it was given to one who is still an active member of the staff."""
    if not token or len(token) > _LONGEST:
        return False
    try:
        pk, sign = signing.loads(token, salt=_SALT, max_age=LIFETIME_S)
    except (signing.BadSignature, ValueError):
        return False
    user = User.objects.filter(pk=pk, is_active=True, is_staff=True).first()
    return user is not None and sign == _sign_of(user)


def take_protocol(meta: dict[str, Any]) -> None:
    """What a WebSocket has brought stands where the header would."""
    for name in websocket.protocols_in(meta):
        if name.startswith(PROTOCOL):
            meta.setdefault("HTTP_X_PAGE_TOKEN", name.removeprefix(PROTOCOL).replace("~", ":"))


def admits(request: HttpRequest) -> bool:
    """Whether the request comes from a page for staff."""
    return settings.GEXEC_PLAYGROUND == "staff" and opens(request.headers.get(HEADER, ""))


def _sign_of(user: AbstractBaseUser) -> str:
    """Of the password's hash: another one voids the token."""
    return user.get_session_auth_hash()[:16]
