"""Every block of the guide to grading is sent, and answered as the guide says."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from testkit.servers import PROJECT
from tests.judging import post

pytestmark = pytest.mark.usefixtures("graded", "real_python", "real_cpp")

_BLOCK = re.compile(r"^```json\n(.*?)^```\n\n```json answer\n(.*?)^```$", re.MULTILINE | re.DOTALL)
GUIDE = (PROJECT / "docs" / "grading.md").read_text()
BLOCKS = [(json.loads(request), json.loads(answer)) for request, answer in _BLOCK.findall(GUIDE)]


def told_in(expected: Any, found: Any, where: str = "") -> list[str]:
    """Where the answer does not have what is expected of it; it may have more."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return [line for name in expected for line in told_in(expected[name], found.get(name), f"{where}.{name}")]
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = enumerate(zip(expected, found, strict=True))
        return [line for index, pair in pairs for line in told_in(*pair, f"{where}[{index}]")]
    return [] if expected == found else [f"{where}: {found!r:.200}, not {expected!r:.200}"]


def test_all_blocks_are_found() -> None:
    assert len(BLOCKS) == GUIDE.count("```json\n") == GUIDE.count("```json answer\n") > 0


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_block_is_answered_as_it_says(number: int) -> None:
    request, expected = BLOCKS[number]
    if request["tests"][-1].get("hidden"):
        # Told as to a key that may not see them: without a key everybody sees what it brought.
        expected["tests"][-1] |= {"points": 1, "group": ""}
    response = post(request)
    assert response.status_code == 200, response.json()
    assert told_in(expected, response.json()) == []
