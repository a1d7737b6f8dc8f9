"""Signatures as Standard Webhooks has them, made by its own library."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime

from standardwebhooks import Webhook

_SECRET_BYTES = 32


def new_secret() -> str:
    """One that there was never before: `whsec_` and base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signed_headers(message_id: str, body: bytes, when: datetime, keys: Sequence[str]) -> dict[str, str]:
    """The three fields of a message. It is signed with each key: while keys change, either one verifies it.

    `when` has to be in UTC: the library takes the digits of its clock for UTC, whatever zone it has.
    """
    signatures = [Webhook(key).sign(message_id, when, body.decode()) for key in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(when.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
