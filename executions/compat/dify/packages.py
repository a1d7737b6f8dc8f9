"""Which packages a program may import: told by a program that looks, once for each image that this process meets."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict

from executions.compat.running import AskedLimits, Content, Program, SourceFile
from languages.models import Language

Package = dict[str, str]

_KEPT = 32
"""Images. A language has one, and a new one after an update."""

LOOKING = """\
import json
from importlib.metadata import distributions
found = {each.metadata["Name"]: each.version for each in distributions() if each.metadata["Name"]}
print(json.dumps([{"name": name, "version": version} for name, version in sorted(found.items())]))
"""


class _Known:
    """By the image's digest."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lists: OrderedDict[str, list[Package]] = OrderedDict()

    def get(self, language: Language) -> list[Package] | None:
        """None where it has to be asked for."""
        return self._lists.get(language.image_digest) if language.image_digest else None

    def put(self, language: Language, packages: list[Package]) -> None:
        with self._lock:
            self._lists[language.image_digest] = packages
            while len(self._lists) > _KEPT:
                self._lists.popitem(last=False)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._lists.clear()


known = _Known()


def looking(language: Language) -> Program:
    """The program that prints the list."""
    file = SourceFile(language.source_file, Content(LOOKING.encode()))
    return Program(language, (file,), file.name, limits=AskedLimits(wall_ms=10_000))


def packages_in(stdout: bytes) -> list[Package]:
    """What it has printed; none where it did not come to that."""
    try:
        return [{"name": str(each["name"]), "version": str(each["version"])} for each in json.loads(stdout)]
    except (ValueError, TypeError, KeyError):
        return []
