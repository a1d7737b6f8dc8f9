"""Whether a webhook comes from the server, and what it says."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError
from standardwebhooks.webhooks import EmptyWebhookSecretError

from gexec_client.errors import InvalidSignature, UnexpectedAnswer
from gexec_client.results import Batch, Execution, result


@dataclass(frozen=True, slots=True)
class WebhookMessage:
    """One that was verified."""

    id: str
    """The same each time that it is sent: whoever has seen it need not act again."""
    type: str
    """`execution.finished`, `batch.finished`, `webhook.test`; more may come."""
    timestamp: str
    data: Mapping[str, Any]

    @property
    def execution(self) -> Execution:
        """What has finished. Raises UnexpectedAnswer where it is something else."""
        return result(Execution, self._of("execution.finished"))

    @property
    def batch(self) -> Batch:
        """What has finished. Raises UnexpectedAnswer where it is something else."""
        return result(Batch, self._of("batch.finished"))

    def _of(self, kind: str) -> Mapping[str, Any]:
        if self.type != kind:
            raise UnexpectedAnswer(f"the message is {self.type:.40}, not {kind}")
        return self.data


def verify(body: bytes, headers: Mapping[str, str], secret: str | Iterable[str]) -> WebhookMessage:
    """The message in the body of a request, which has to be as it arrived, byte by byte.

    `secret` is `whsec_…`, or several, of which one has to fit. Raises InvalidSignature for what is signed with none of
    them, or more than five minutes away; ValueError for a secret that cannot be one.
    """
    verifiers = [_verifier(each) for each in ([secret] if isinstance(secret, str) else secret)]
    text = dict(headers)
    if not any(_fits(verifier, body, text) for verifier in verifiers):
        raise InvalidSignature("no signature fits, or the message is too old")
    return _message(body, {name.lower(): value for name, value in text.items()}["webhook-id"])


def _verifier(secret: str) -> Webhook:
    try:
        return Webhook(secret)
    except (EmptyWebhookSecretError, ValueError):
        raise ValueError("the secret is none: it is whsec_ and base64") from None


def _fits(verifier: Webhook, body: bytes, headers: dict[str, str]) -> bool:
    try:
        verifier.verify(body, headers, json_parse=False)
    except (WebhookVerificationError, ValueError):
        return False  # ValueError: what stands there is no base64, no text, no list of signatures.
    return True


def _message(body: bytes, message_id: str) -> WebhookMessage:
    try:
        told = json.loads(body)
        return WebhookMessage(message_id, str(told["type"]), str(told["timestamp"]), dict(told["data"]))
    except (ValueError, KeyError, TypeError):
        raise UnexpectedAnswer("the message cannot be read") from None
