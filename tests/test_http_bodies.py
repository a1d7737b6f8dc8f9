"""What HTTP does not allow, and a body that does not come whole, is refused in JSON, and the connection ends."""

from __future__ import annotations

import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor

from testkit.servers import RunningServer
from tests.conftest import StartServer

HEAD = b"POST /execute HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
PROGRAM = json.dumps({"language": "python", "source_code": "print(1)"}).encode()
NEXT = b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n"
MALFORMED = {
    "no number": b"zz\r\n{}\r\n0\r\n\r\n",
    "no size": b"\r\n{}\r\n0\r\n\r\n",
    "a negative size": b"-1\r\n{}\r\n0\r\n\r\n",
    "a size without end": b"1" * 20_000,
    "no end of a chunk": b"2\r\n{}XX0\r\n\r\n",
    "a longer chunk": b"2\r\n{}{}\r\n0\r\n\r\n",
    "an extension that is none": b"2;\x00\r\n{}\r\n0\r\n\r\n",
    "a CR in an extension": b"2;a\rb\r\n{}\r\n0\r\n\r\n",
    "a trailer that is none": b"2\r\n{}\r\n0\r\nnothing\r\n\r\n",
    "a trailer of another message": b"2\r\n{}\r\n0\r\nHost: x\r\n\r\n",
    "a folded trailer": b"2\r\n{}\r\n0\r\nA: b\r\n c\r\n\r\n",
    "a trailer with LF alone": b"2\r\n{}\r\n0\r\nA: b\nB: c\r\n\r\n",
    "endless trailers": b"2\r\n{}\r\n0\r\n" + b"A: " + b"b" * 2_000_000,
    "a malformed one and much behind it": b"zz\r\n" + b"x" * 500_000,
}

ENDED = [
    HEAD + b"Content-Length: %d\r\n\r\n" % (len(PROGRAM) + 1) + PROGRAM,
    HEAD + b"Content-Length: 10\r\n\r\n",
    HEAD + b"Content-Length: 9000000\r\n\r\n" + PROGRAM,
    CHUNKED + b"%x\r\n" % len(PROGRAM) + PROGRAM,
    CHUNKED + b"%x\r\n" % len(PROGRAM) + PROGRAM + b"\r\n",
    CHUNKED + b"%x\r\n" % (len(PROGRAM) + 9) + PROGRAM,
    CHUNKED + b"2",
    CHUNKED,
]
CODINGS = {
    b"gzip, chunked": b"501 Not Implemented",
    b"identity, chunked": b"501 Not Implemented",
    b"br": b"501 Not Implemented",
    b"gzip": b"400 Bad Request",
    b"chunked, chunked": b"400 Bad Request",
}


def raw(
    server: RunningServer, sent: bytes, *, half_close: bool = False, behind: bytes = NEXT, answers: int = 1
) -> tuple[bytes, bytes]:
    """Head and body of all that is answered until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        try:
            # What is behind a body that cannot be read must not be taken for a request.
            connection.sendall(sent if half_close else sent + behind)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # It was answered and closed before all was sent.
        received = b""
        while piece := connection.recv(65_536):
            received += piece
    assert len(re.findall(rb"HTTP/1\.[01] \d{3} ", received)) == answers
    head, _, body = received.partition(b"\r\n\r\n")
    return head, body


def test_every_malformed_chunked_body_is_the_clients_fault_and_counted(server: StartServer) -> None:
    running = server(GEXEC_RATE_LIMIT=f"{len(MALFORMED)}/h")
    for name, body in MALFORMED.items():
        head, answer = raw(running, CHUNKED + body)
        assert head.startswith(b"HTTP/1.1 400 "), (name, head)
        assert b"X-Execution-Id" in head, name
        assert answer == b'{"error":"The request body is not chunked as Transfer-Encoding says"}', name
    head, _ = raw(running, CHUNKED + b"zz\r\n")
    assert head.startswith(b"HTTP/1.1 429 ")
    nobody_reads_it = CHUNKED.replace(b"POST /execute", b"GET /ping") + b"zz\r\n"
    # The answer, and what gunicorn has to say of a body that no view has read.
    head, answer = raw(running, nobody_reads_it, answers=2)
    assert (head[:15], answer[:15]) == (b"HTTP/1.1 200 OK", b'{"status":"ok"}')
    assert b"HTTP/1.1 400 " in answer
    assert "Traceback" not in running.log


def test_a_body_that_ends_before_its_end_is_not_run(plain_server: RunningServer) -> None:
    for sent in ENDED:
        head, answer = raw(plain_server, sent, half_close=True)
        assert head.startswith(b"HTTP/1.1 400 "), sent
        assert answer == b'{"error":"The request body ended early"}', sent
    form = HEAD.replace(b"/execute", b"/admin/login/") + b"Content-Length: 10\r\n\r\na"
    head, _ = raw(plain_server, form, half_close=True)
    assert b" 403 " in head
    late = (HEAD + b"Content-Length: 1000\r\n\r\n{", CHUNKED + b"5\r\n{")
    with ThreadPoolExecutor(len(late)) as pool:
        for head, answer in pool.map(lambda sent: raw(plain_server, sent, behind=b""), late):
            assert head.startswith(b"HTTP/1.1 408 Request Timeout")
            assert answer == b'{"error":"The request body did not arrive in time"}'
    assert "Traceback" not in plain_server.log


def test_what_http_does_not_allow_is_refused_in_json(plain_server: RunningServer) -> None:
    get = b"GET /ping HTTP/1.1\r\n"
    post = HEAD + b"Content-Length: 0\r\n\r\n"
    coded = {coding: HEAD + b"Transfer-Encoding: " + coding + b"\r\n\r\n0\r\n\r\n" for coding in CODINGS}
    refused = {
        get + b"\r\n": b"400 Bad Request",
        post.replace(b"Host: localhost\r\n", b""): b"400 Bad Request",
        get.replace(b"/ping", b"http://localhost/ping") + b"\r\n": b"400 Bad Request",
        get.replace(b"/ping", b"http://evil.example/ping") + b"Host: localhost\r\n\r\n": b"400 Bad Request",
        get.replace(b"/ping", b"http://a@localhost/ping") + b"Host: localhost\r\n\r\n": b"400 Bad Request",
        **{coded[coding]: status for coding, status in CODINGS.items()},
    }
    for sent, status in refused.items():
        head, answer = raw(plain_server, sent, half_close=True)
        assert head.startswith(b"HTTP/1.1 " + status), sent
        assert b'{"error": "' in answer, sent
    taken = [
        b"GET /ping HTTP/1.0\r\n\r\n",
        get.replace(b"/ping", b"http://localhost:1/ping") + b"Host: evil.example\r\nConnection: close\r\n\r\n",
        get.replace(b"/ping", b"/ping?next=http://evil.example/") + b"Host: localhost\r\nConnection: close\r\n\r\n",
    ]
    for sent in taken:
        assert raw(plain_server, sent)[1] == b'{"status":"ok"}', sent
    assert "Traceback" not in plain_server.log
