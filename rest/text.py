"""Text from a request, made fit to be put into an answer."""

from __future__ import annotations

import json
from typing import Any

_ECHOED_CHARACTERS = 64
"""Enough to recognise what was sent; the longest slug of a language has as many."""


def printable(text: str) -> str:
    """`text` cut to a length that can be echoed, with what PostgreSQL and JSON refuse in text replaced."""
    return encodable(text if len(text) <= _ECHOED_CHARACTERS else text[: _ECHOED_CHARACTERS - 1] + "…")


def encodable(text: str) -> str:
    """`text` with NUL and lone surrogates replaced, which neither PostgreSQL nor UTF-8 has."""
    return text.replace("\x00", "\ufffd").encode(errors="replace").decode()


class StorableDecoder(json.JSONDecoder):
    """For json.loads: JSONDecodeError also for what is nested too deeply, or is no UTF-8."""

    def decode(self, s: str, *args: Any) -> Any:
        try:
            value = super().decode(s, *args)
            json.dumps(value, ensure_ascii=False).encode()
        except json.JSONDecodeError:
            raise
        except RecursionError:
            raise json.JSONDecodeError("nested too deeply", s, 0) from None
        except UnicodeEncodeError:
            raise json.JSONDecodeError("half of a surrogate pair", s, 0) from None
        except ValueError as error:
            # An integer of more digits than Python converts.
            raise json.JSONDecodeError(str(error), s, 0) from None
        return value
