"""Typed settings from environment variables, with the standard library alone: the supervisor reads them too."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_BOOLEANS = {
    **dict.fromkeys(("1", "true", "t", "yes", "y", "on"), True),
    **dict.fromkeys(("0", "false", "f", "no", "n", "off"), False),
}


class SettingError(Exception):
    """A variable cannot be read; the message names it."""


class Environment:
    """Reads variables and remembers their names. Each method gives the default where the variable is not set."""

    def __init__(self, variables: Mapping[builtins.str, builtins.str]) -> None:
        self._variables = variables
        self.names: set[builtins.str] = set()

    def str(self, name: builtins.str, default: builtins.str) -> builtins.str:
        """The text as it is."""
        return self._read(name, default, builtins.str, "text")

    def int(self, name: builtins.str, default: builtins.int) -> builtins.int:
        """A whole number."""
        return self._read(name, default, builtins.int, "a whole number")

    def float(self, name: builtins.str, default: builtins.float) -> builtins.float:
        """A number."""
        return self._read(name, default, builtins.float, "a number")

    def bool(self, name: builtins.str, default: builtins.bool) -> builtins.bool:
        """true or false, in one of the usual spellings."""
        return self._read(name, default, lambda text: _BOOLEANS[text.lower()], "true or false")

    def list(self, name: builtins.str, default: builtins.list[builtins.str]) -> builtins.list[builtins.str]:
        """What stands between commas."""
        return self._read(name, default, lambda text: [part.strip() for part in text.split(",")] if text else [], "")

    def _read(self, name: builtins.str, default: T, convert: Callable[[builtins.str], T], kind: builtins.str) -> T:
        self.names.add(name)
        text = self._variables.get(name)
        if text is None:
            return default
        try:
            return convert(text)
        except (ValueError, KeyError):
            raise SettingError(f"{name} is {text!r}, and has to be {kind}.") from None


def build_ca(variables: Mapping[str, str], env: Environment) -> str:
    """The file of certificates that builds trust: what this host tells OpenSSL to trust, unless another is named."""
    trusted = variables.get("SSL_CERT_FILE", "")
    return env.str("GEXEC_BUILD_CA", trusted if Path(trusted).is_file() else "")
