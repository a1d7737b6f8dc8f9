"""/api/v1/files: upload once, refer to by digest."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, ClassVar, cast
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, UnsupportedMediaType
from rest_framework.request import Request, is_form_media_type
from rest_framework.response import Response

from clients.api import OfAClient, caller_of
from clients.rights import Right
from files import services
from files.digests import NoDigest, digest_in, id_of, promised
from files.store import FileMissing, FileTooLarge, NoRoom, OtherDigest, StoredFile, store
from rest import disk
from rest.connections import release_connection
from rest.exceptions import Refusal, Unavailable
from rest.openapi import parameter
from rest.parsers import Body
from rest.times import TimeField
from rest.unknown import StrictSerializer
from rest.views import ReceivedRequest

MAX_CHECKED = 1000
SMALL_BYTES = 256 * 1024
"""Files up to here wait for no turn."""
TURN_S = 60.0
"""16 of the largest, four at a time, take some 20 s on two busy processors."""
_turns = threading.BoundedSemaphore(4)


class FileSerializer(serializers.Serializer[StoredFile]):
    """A file that the caller has."""

    object = serializers.CharField(default="file", help_text="Always file.")
    id = serializers.SerializerMethodField(help_text="sha256: and the digest of its bytes.")
    bytes = serializers.IntegerField(help_text="Its size.")
    expires_at = TimeField(help_text="When it goes unless it is used again.")

    def get_id(self, file: StoredFile) -> str:
        """`sha256:…`."""
        return id_of(file.digest)


class CheckSerializer(StrictSerializer):
    """Which files the caller asks for."""

    ids = serializers.ListField(
        child=serializers.RegexField(r"\Asha256:[0-9a-f]{64}\Z", trim_whitespace=False, help_text="sha256:…"),
        max_length=MAX_CHECKED,
        help_text="Ids of files: `sha256:` and 64 hexadecimal digits.",
    )


class MissingSerializer(serializers.Serializer[Any]):
    """Which of them the caller has to upload."""

    missing = serializers.ListField(child=serializers.CharField(), help_text="Their ids.")


class FilesEndpoint(OfAClient):
    """For clients alone: who has no key has nothing that could be kept for it, or from others."""

    rights: ClassVar = dict.fromkeys(("PUT", "GET", "HEAD", "POST", "DELETE"), Right.MANAGE_FILES)


class FilesView(FilesEndpoint):
    """PUT /api/v1/files."""

    http_method_names = ["put"]

    def receive(self, request: HttpRequest) -> IO[bytes]:
        """The body, read as it comes: the server has put it on its disk where it is large."""
        return cast("IO[bytes]", Body(request, max_bytes=settings.GEXEC_MAX_FILE_BYTES))

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Endpoint's, with the body gone, of whatever has been refused."""
        body = getattr(request, "received", None)
        if isinstance(body, Body):
            body.drain()
        return super().finalize_response(request, response, *args, **kwargs)

    @extend_schema(
        summary="Upload a file",
        parameters=[parameter("Repr-Digest", "sha-256=:…:, with which the body is compared.", location="header")],
        request={"application/octet-stream": {"type": "string", "format": "binary"}},
        responses={
            201: OpenApiResponse(FileSerializer, "It is new to this client."),
            200: OpenApiResponse(FileSerializer, "The client has it already."),
        },
    )
    def put(self, request: Request) -> Response:
        """Store the body: 201, or 200 where the client has it already."""
        assert isinstance(request, ReceivedRequest)  # noqa: S101 (it has a body)
        if is_form_media_type(request.content_type or ""):
            raise UnsupportedMediaType(request.content_type or "")
        with _turn(request):
            file = _put(_client(request), request.received, _promised(request))
        return Response(FileSerializer(file).data, status=201 if file.is_new else 200, headers=_location(file))


class FileView(FilesEndpoint):
    """GET, HEAD and DELETE of one file."""

    http_method_names = ["get", "head", "delete"]

    @extend_schema(
        summary="The bytes of a file",
        responses={(200, "application/octet-stream"): {"type": "string", "format": "binary"}},
    )
    def get(self, request: Request, file_id: str) -> HttpResponseBase:
        """Its bytes, as a download that no browser takes for a page."""
        try:
            file, pieces = store.open(_client(request), _digest(file_id))
        except FileMissing:
            raise _not_found() from None
        services.use(_client(request), [file.digest])
        response = get_conditional_response(request._request, etag=_etag(file)) or _answer(request, file, pieces)
        for name, value in _download_headers(file).items():
            response[name] = value
        return response

    @extend_schema(summary="Delete a file", responses={204: None})
    def delete(self, request: Request, file_id: str) -> Response:
        """The client has it no more."""
        try:
            store.delete(_client(request), _digest(file_id))
        except FileMissing:
            raise _not_found() from None
        return Response(status=204)


class CheckView(FilesEndpoint):
    """POST /api/v1/files/check."""

    http_method_names = ["post"]

    @extend_schema(
        summary="Ask which files are missing",
        request=CheckSerializer,
        responses={200: OpenApiResponse(MissingSerializer, "Those to upload.")},
    )
    def post(self, request: Request) -> Response:
        """Those that the client has to upload yet."""
        serializer = CheckSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        digests = [file_id.partition(":")[2] for file_id in serializer.validated_data["ids"]]
        return Response({"missing": [id_of(digest) for digest in store.missing(_client(request), digests)]})


@contextmanager
def _turn(request: Request) -> Iterator[None]:
    """Inside, few others write a large file: each piece is in memory several times over. Unavailable after TURN_S."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if length.isdecimal() and int(length) <= SMALL_BYTES:
        yield
        return
    release_connection()
    if not _turns.acquire(timeout=TURN_S):
        raise Unavailable("too many files are uploaded at once", retry_after_s=5, code="too_many_uploads")
    try:
        yield
    finally:
        _turns.release()


def _put(client_id: UUID, stream: IO[bytes], digest: str | None) -> StoredFile:
    if disk.room() is not disk.Room.OK:
        raise Unavailable(disk.MESSAGE, retry_after_s=disk.RETRY_AFTER_S, code="disk_full")
    try:
        return store.put(client_id, stream, digest=digest)
    except FileTooLarge:
        most = settings.GEXEC_MAX_FILE_BYTES
        raise Refusal(f"A file may have {most} bytes", status=413, code="body_too_large") from None
    except OtherDigest:
        raise Refusal("Repr-Digest: the body has another SHA-256") from None
    except NoRoom:
        raise Refusal("the files of this client take all that they may", status=429, code="quota_exceeded") from None
    except FileMissing:
        raise Unavailable(
            "the file was deleted while it was sent: send it again", retry_after_s=1, code="upload_lost"
        ) from None


def _promised(request: Request) -> str | None:
    try:
        return promised(request.META.get("HTTP_REPR_DIGEST", ""))
    except NoDigest as exc:
        raise Refusal(str(exc)) from None


def _client(request: Request) -> UUID:
    return caller_of(request).client_id


def _digest(file_id: str) -> str:
    digest = digest_in(file_id)
    if digest is None:
        raise _not_found()
    return digest


def _not_found() -> NotFound:
    return NotFound("this client has no such file")


def _answer(request: Request, file: StoredFile, pieces: Iterator[bytes]) -> HttpResponseBase:
    body = pieces if request.method == "GET" else iter(())
    response = StreamingHttpResponse(body, content_type="application/octet-stream")
    response["Content-Length"] = str(file.bytes)
    return response


def _etag(file: StoredFile) -> str:
    return f'"{id_of(file.digest)}"'


def _location(file: StoredFile) -> dict[str, str]:
    return {"Location": f"/api/v1/files/{id_of(file.digest)}"}


def _download_headers(file: StoredFile) -> dict[str, str]:
    return {
        "ETag": _etag(file),
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f'attachment; filename="{file.digest}"',
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
    }
