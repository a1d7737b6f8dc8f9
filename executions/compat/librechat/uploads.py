"""A form with files, read part by part: no part is in memory whole, and none is larger than a file may be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParser, MultiPartParserError

FORM_PATHS = tuple(f"/v1/upload{rest}" for rest in ("", "/", "/batch", "/batch/"))
"""Where forms are posted that may be larger than other requests."""
MAX_FILES = 200
"""Of one form; what is beyond is left out."""
OVERHEAD_BYTES = 1 << 20
"""Of a form, for what is around its files."""
_IN_MEMORY = 256 * 1024
_UNKNOWN = "application/octet-stream"
_MEDIA_TYPE = re.compile(r"[\w.+-]{1,63}/[\w.+-]{1,63}", re.ASCII)


class BadForm(ValueError):
    """It cannot be read."""


@dataclass(slots=True)
class Part:
    """A file of the form."""

    name: str
    media_type: str
    stream: IO[bytes]
    bytes: int = 0
    too_large: bool = False
    """Then its bytes are not here."""


@dataclass(slots=True)
class Form:
    """All that came. Its files are gone with the `with` in which it was read."""

    fields: Mapping[str, str] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    cut: bool = False
    """There were more files than are taken."""


@contextmanager
def form_in(request: HttpRequest, stream: IO[bytes], *, max_bytes: int) -> Iterator[Form]:
    """The form in a request's body. Raises BadForm, and what reading the body raises."""
    with ExitStack() as stack:
        handler = _Handler(stack, max_bytes)
        try:
            parser = _Parser(request.META, stream, [handler], encoding="utf-8")
            fields, _ = parser.parse()
        except (MultiPartParserError, RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent) as error:
            raise BadForm(str(error)) from None
        yield Form({name: str(fields[name]) for name in fields}, handler.parts, handler.cut)


class _Parser(MultiPartParser):
    """Django's, of a body of any length, with the folders of a file's name kept."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # It takes a body that comes in chunks for an empty one.
        self._content_length: int = max(1, self._content_length)

    def sanitize_file_name(self, file_name: str) -> str | None:
        """The name as it is: whoever uses it looks at it first."""
        return file_name or None


class _Handler(FileUploadHandler):
    """Keeps each file in a temporary one."""

    def __init__(self, stack: ExitStack, max_bytes: int) -> None:
        super().__init__()
        self.parts: list[Part] = []
        self.cut = False
        self._stack, self._max_bytes = stack, max_bytes

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """The next one begins."""
        if len(self.parts) == MAX_FILES:
            self.cut = True
            raise SkipFile
        super().new_file(*args, **kwargs)
        stream = self._stack.enter_context(SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115 (the stack's)
        media_type = self.content_type if _MEDIA_TYPE.fullmatch(self.content_type or "") else _UNKNOWN
        self.parts.append(Part(str(self.file_name), str(media_type), stream))

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """More of it."""
        part = self.parts[-1]
        part.bytes += len(raw_data)
        if part.bytes > self._max_bytes:
            part.too_large = True
            part.stream.seek(0)
            part.stream.truncate()
        else:
            part.stream.write(raw_data)

    def file_complete(self, file_size: int) -> None:
        """It is whole."""
        self.parts[-1].stream.seek(0)
