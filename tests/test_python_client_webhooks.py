"""Webhooks as the server signs them, verified by the client: what is not signed so is never looked at."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from gexec_client import InvalidSignature, UnexpectedAnswer, verify
from webhooks.signing import new_secret, signed_headers

SECRET, OLD, OTHER = new_secret(), new_secret(), new_secret()
EXECUTION = {"object": "execution", "id": "x", "status": "finished", "outcome": "ok"}
BODY = json.dumps({"type": "execution.finished", "timestamp": "2026-01-01T00:00:00.000Z", "data": EXECUTION}).encode()


def headers(body: bytes = BODY, *, away: timedelta = timedelta(), keys: tuple[str, ...] = (SECRET,)) -> dict[str, str]:
    return signed_headers("msg_1", body, datetime.now(UTC) + away, keys)


def test_a_message_is_verified_and_read() -> None:
    message = verify(BODY, headers(), SECRET)
    assert (message.id, message.type) == ("msg_1", "execution.finished")
    assert message.execution.ok
    with pytest.raises(UnexpectedAnswer):
        _ = message.batch
    named = {name.title(): value for name, value in headers().items()}
    assert verify(BODY, named, SECRET).id == "msg_1"


def test_while_secrets_change_either_will_do() -> None:
    assert verify(BODY, headers(keys=(OLD, SECRET)), SECRET).type
    assert verify(BODY, headers(keys=(OLD,)), [SECRET, OLD]).type


@pytest.mark.parametrize("away", [timedelta(minutes=-6), timedelta(minutes=6)])
def test_what_is_too_old_or_too_new_is_refused(away: timedelta) -> None:
    with pytest.raises(InvalidSignature):
        verify(BODY, headers(away=away), SECRET)


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": "msg_2"},
        {"webhook-timestamp": "nan"},
        {"webhook-timestamp": "x"},
        *({"webhook-signature": each} for each in ("", "v1", "v1,", "v1,%", "v1,é", "v2,AAAA", " ")),
    ],
)
def test_what_is_signed_otherwise_is_refused(changed: dict[str, str]) -> None:
    with pytest.raises(InvalidSignature):
        verify(BODY, headers() | changed, SECRET)


@pytest.mark.parametrize("body", [BODY + b" ", b"", b"\xff"])
def test_another_body_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidSignature):
        verify(body, headers(), SECRET)


def test_another_secret_and_missing_headers_are_refused() -> None:
    told = headers()
    for lacking in ({}, {name: value for name, value in told.items() if name != "webhook-signature"}):
        with pytest.raises(InvalidSignature):
            verify(BODY, lacking, SECRET)
    with pytest.raises(InvalidSignature):
        verify(BODY, headers(keys=(OTHER,)), SECRET)


def test_a_message_that_is_none_is_an_error() -> None:
    for body in (b"[]", b"{}", b"x"):
        with pytest.raises(UnexpectedAnswer):
            verify(body, headers(body), SECRET)
    for secret in ("", "whsec_", "whsec_é"):
        with pytest.raises(ValueError, match="whsec_ and base64"):
            verify(BODY, headers(), secret)
