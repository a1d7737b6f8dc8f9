"""What gunicorn lets through although HTTP does not allow it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from gunicorn.http.errors import InvalidHeader, UnsupportedTransferCoding


class HostMissing(InvalidHeader):  # type: ignore[misc]  # gunicorn has no types
    """HTTP/1.1 asks for one in every request (RFC 9112, 3.2)."""

    def __str__(self) -> str:
        return "HTTP/1.1 requests need a Host header"


def check(_worker: Any, request: Any) -> None:
    """gunicorn's pre_request, for each request whose head was read. Raises ParseException, which gunicorn answers."""
    # Asked for already, while the body was waited for: see serve/clients.py.
    request._expected_100_continue = False
    headers = dict(request.headers)
    if "HOST" not in headers and request.version >= (1, 1):
        raise HostMissing("HOST")
    coding = headers.get("TRANSFER-ENCODING", "chunked")
    if coding.lower() != "chunked":
        # gunicorn takes gzip before chunked, and hands the compressed bytes on.
        raise UnsupportedTransferCoding(coding)
    if not request.uri.startswith(("/", "*")):
        # The host of an absolute target counts, whatever Host says (RFC 9112, 3.2.2): Django looks at the header alone.
        host = ("HOST", urlsplit(request.uri).netloc)
        request.headers = [*(header for header in request.headers if header[0] != "HOST"), host]
