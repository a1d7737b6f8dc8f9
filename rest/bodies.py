"""Why a body could not be read, in words that the server in front of Django and the parsers share. No Django here."""

from __future__ import annotations

import errno


class BodyUnreadable(ConnectionResetError):
    """Where the next request begins is unknown now, so the connection ends after the answer."""

    message = "The request body ended early"
    status = 400
    code = "invalid_json"

    def __init__(self) -> None:
        # gunicorn logs a traceback of an OSError without an errno that it knows.
        super().__init__(errno.ECONNRESET, self.message)


class BodyMalformed(BodyUnreadable):
    """The chunks of a body, or the fields behind them, are none."""

    message = "The request body is not chunked as Transfer-Encoding says"


class BodyTooLarge(BodyUnreadable):
    """More was sent than any request may have; what was too much is gone."""

    message = "The request body is too large"
    status = 413
    code = "body_too_large"


class BodyLate(BodyUnreadable):
    """The client had its time for the whole request."""

    message = "The request body did not arrive in time"
    status = 408
    code = "request_timeout"
