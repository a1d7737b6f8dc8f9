"""Bytes in the database, in pieces of 1 MiB, so that neither side ever holds a whole file for one that is slow.

Theory of operation. A content is written piece by piece, each in a statement that commits by itself, and is nobody's
until it gets its digest. What was left half-written by a process that was killed has none, and is swept away. Reading
takes a statement for each piece too, and no connection in between.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import psycopg
from django.db import connection

from rest.connections import release_connection

PIECE_BYTES = 1 << 20

_WRITE = "INSERT INTO files_piece (content_id, number, data) VALUES (%s, %s, %b)"
_READ = "SELECT data FROM files_piece WHERE content_id = %s AND number = %s"
_DELETE_SOME = """
DELETE FROM files_piece WHERE content_id = %s AND number IN
    (SELECT number FROM files_piece WHERE content_id = %s ORDER BY number LIMIT 32)
"""
_ALL = "SELECT data FROM files_piece WHERE content_id = %s ORDER BY number"


class Incomplete(Exception):
    """A piece is missing: the content was deleted while it was read."""


def write_piece(content: uuid.UUID, number: int, data: bytes) -> None:
    """Write one piece and give the connection back."""
    with _cursor() as cursor:
        cursor.execute(_WRITE, (content, number, data))
    release_connection()


def pieces(content: uuid.UUID, size: int) -> Iterator[bytes]:
    """The content of `size` bytes, piece by piece. Raises Incomplete."""
    for number in range(-(-size // PIECE_BYTES)):
        with _cursor() as cursor:
            row = cursor.execute(_READ, (content, number), binary=True).fetchone()
        # A client takes its time for each piece.
        release_connection()
        if row is None:
            raise Incomplete(str(content))
        yield row[0]


def whole(content: uuid.UUID, size: int) -> bytes:
    """All of it, in one statement. Raises Incomplete."""
    with _cursor() as cursor:
        data = b"".join(row[0] for row in cursor.execute(_ALL, (content,), binary=True))
    if len(data) != size:
        raise Incomplete(str(content))
    return data


def remove(content: uuid.UUID) -> None:
    """Delete one that is nobody's, a part at a time."""
    while True:
        with _cursor() as cursor:
            deleted = cursor.execute(_DELETE_SOME, (content, content)).rowcount
        if not deleted:
            break
    with _cursor() as cursor:
        cursor.execute("DELETE FROM files_content WHERE id = %s AND digest IS NULL", (content,))


def _cursor() -> psycopg.Cursor[tuple[bytes]]:
    """One that sends and reads bytes as they are; Django's would write each as two hexadecimal digits."""
    connection.ensure_connection()
    return psycopg.Cursor(connection.connection)
