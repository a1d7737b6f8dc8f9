"""What a program printed, as text."""

from __future__ import annotations

# From which byte on a UTF-8 sequence goes on, or begins one of two, three or four bytes.
_CONTINUES, _LEADS_2, _LEADS_3, _LEADS_4 = 0x80, 0xC0, 0xE0, 0xF0


def as_text(output: bytes) -> str:
    """`output` as UTF-8 with U+FFFD for what is none."""
    return output.decode("utf-8", errors="replace")


def whole_characters(output: bytes) -> bytes:
    """Without an incomplete UTF-8 sequence at the end: a lead byte stands among the last three, if there is one."""
    for back in range(1, min(3, len(output)) + 1):
        byte = output[-back]
        if byte >= _LEADS_2:
            return output[:-back] if back < _sequence_length(byte) else output
        if byte < _CONTINUES:
            break
    return output


def _sequence_length(lead: int) -> int:
    return 4 if lead >= _LEADS_4 else 3 if lead >= _LEADS_3 else 2
