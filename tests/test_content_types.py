"""What a Content-Type and an Accept may say of a request: nothing that keeps it from being answered."""

from __future__ import annotations

import io
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from gexec.request import Handler, Request

CHARSETS = (
    "base64", "bz2", "hex", "idna", "punycode", "quopri", "rot13", "undefined", "unicode_escape", "utf-7", "utf-16",
    "uu", "zlib", "no-such", '"', "x" * 300, "utf-8; charset=idna",
)  # fmt: skip
UNREADABLE = (
    "application/json; x*=no-such''%41", "application/json; x*=idna''%ff",
    f"application/json; x*{'9' * 4400}=a", "multipart/form-data; boundary*=idna''%ff",
)  # fmt: skip


def environ(content_type: str, **more: Any) -> dict[str, Any]:
    made = {"PATH_INFO": "/ping", "QUERY_STRING": "a=%c3%a9&b=%ff", "CONTENT_TYPE": content_type, **more}
    setup_testing_defaults(made)
    return made


@pytest.mark.parametrize(
    "content_type",
    [*(f"application/json; charset={name}" for name in CHARSETS), *UNREADABLE, "a/b; charset*=zlib''a", ";;;", ""],
)
def test_every_one_is_answered_and_addresses_are_utf_8(content_type: str) -> None:
    request = Handler.request_class(environ(content_type))
    # Not by calling the handler, which would close the connection of a test before this one.
    assert Handler().get_response(request).status_code == 200
    assert request.GET.dict() == {"a": "\u00e9", "b": "\ufffd"}


@pytest.mark.parametrize("charset", ["latin-1", "idna", "utf-16"])
def test_forms_are_utf_8(charset: str) -> None:
    form, form_type = b"a=%c3%a9&b=%ff", f"application/x-www-form-urlencoded; charset={charset}"
    sent = {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": str(len(form)), "wsgi.input": io.BytesIO(form)}
    assert Request(environ(form_type, **sent)).POST.dict() == {"a": "\u00e9", "b": "\ufffd"}


@pytest.mark.parametrize("content_type", UNREADABLE)
def test_nobody_reads_what_could_not_be_read(content_type: str) -> None:
    request = Request(environ(content_type))
    main = content_type.partition(";")[0]
    assert (request.META["CONTENT_TYPE"], request.content_type, request.content_params) == (main, main, {})


@pytest.mark.parametrize(
    ("accept", "preferred"),
    [
        ("text/html; x*=no-such''%41", "application/json"),
        ("text/html; x*=idna''%ff, application/json;q=0.1", "application/json"),
        (f"application/json; x*{'9' * 4400}=a, text/html", "text/html"),
        (", ,text/html;q=nan,;", "text/html"),
        ("text/html;q=0, */*", "application/json"),
        ("text/html, application/json;q=0.9", "text/html"),
    ],
)
def test_of_an_accept_what_cannot_be_read_asks_for_nothing(accept: str, preferred: str) -> None:
    request = Request(environ("", HTTP_ACCEPT=accept))
    assert (request.get_preferred_type(["application/json", "text/html"]) or "application/json") == preferred
