"""Tokens that LibreChat signs for each request, by which it tells which of its users asks.

Whoever has one acts by the key in GEXEC_LIBRECHAT_API_KEY, with its rights and quotas, and sees that user's files.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.conf import settings

ISSUER, AUDIENCE = "librechat", "codeapi"
"""LibreChat's own, unless it is told others."""
LONGEST_S = 300
_LEEWAY_S = 30
_MAX_LENGTH = 8192
_ALGORITHMS = ((Ed25519PublicKey, "EdDSA"), (RSAPublicKey, "RS256"))
"""The one that a key of this kind is for: a token does not choose."""
_NEEDED = ("exp", "iat", "nbf", "iss", "aud", "sub", "jti")


def person_in(token: str) -> str | None:
    """Who it names; None where it is no token that holds now."""
    if token.count(".") != 2 or len(token) > _MAX_LENGTH or not settings.GEXEC_LIBRECHAT_JWT_KEY:
        return None
    try:
        claims = _claims(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        return None
    subject, tenant, life = claims.get("sub"), claims.get("tenant_id", ""), (claims["iat"], claims["exp"])
    if not (isinstance(subject, str) and subject and isinstance(tenant, str)):
        return None
    if not all(isinstance(each, (int, float)) for each in life) or life[1] - life[0] > LONGEST_S:
        return None
    # Of their JSON, in which no pair looks like another one.
    return hashlib.sha256(json.dumps([tenant, subject]).encode()).hexdigest()


def keys_in(text: str) -> dict[str, Any]:
    """By their ids: of a set of JSON Web Keys; or the one in PEM, under no name. Raises ValueError."""
    text = text.strip().replace("\\n", "\n")
    try:
        if text.startswith("{"):
            return {str(key.key_id): key.key for key in jwt.PyJWKSet.from_json(text).keys}
        return {"": load_pem_public_key(text.encode())}
    except (jwt.PyJWTError, TypeError, AttributeError) as error:
        raise ValueError(str(error)) from None


def _claims(token: str) -> dict[str, Any]:
    head = jwt.get_unverified_header(token)
    keys = _keys(settings.GEXEC_LIBRECHAT_JWT_KEY)
    key = keys.get("") or keys.get(str(head.get("kid")))
    if key is None:
        raise ValueError("no such key")
    found: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=[name for kind, name in _ALGORITHMS if isinstance(key, kind)],
        issuer=ISSUER,
        audience=AUDIENCE,
        leeway=_LEEWAY_S,
        options={"require": list(_NEEDED)},
    )
    return found


@lru_cache(maxsize=4)
def _keys(text: str) -> dict[str, Any]:
    return keys_in(text)
