"""Under compose every setting reaches gexec, or the part of compose.yaml that takes its place."""

from __future__ import annotations

import re

from django.conf import settings

from testkit.servers import PROJECT

COMPOSE = (PROJECT / "compose.yaml").read_text()
GEXEC = COMPOSE.split("\n  postgres:\n")[0]
OF_THE_ENGINE = {"DOCKER_HOST"}
"""Its socket is mounted: what names it outside is a path of the host. One reached over TCP may stand in .env."""


def environment() -> dict[str, str]:
    """What `environment` says of each variable; nothing where its value is taken from outside."""
    block = GEXEC.split("    environment:\n")[1].split("    volumes:\n")[0]
    return dict(re.findall(r"^      (\w+): ?(.*)$", block, re.MULTILINE))


def test_every_setting_is_named_and_no_other() -> None:
    assert set(environment()) == settings.GEXEC_NAMES - OF_THE_ENGINE


def test_the_file_is_read_whole_so_that_a_name_with_a_mistake_is_told() -> None:
    assert "    env_file:\n      - path: .env\n        required: false\n" in GEXEC


def test_what_is_fixed_inside_is_chosen_outside() -> None:
    outside = GEXEC.split("    volumes:\n")[1]
    for name, value in environment().items():
        if value:
            assert f"${{{name}:-" in value or f"${{{name}:-" in outside, f"{name} cannot be set"
