"""The seed contract over a real socket, from a real server with real containers."""

from __future__ import annotations

import http.client
import json
import threading

from testkit.servers import RunningServer
from tests.conftest import StartServer

GO = (
    'package main\n\nimport "fmt"\n\nfunc main() {\n    fmt.Println("Hello from Go!")\n'
    "    for i := 0; i < 3; i++ {\n        fmt.Println(i)\n    }\n}"
)


def test_the_commands_of_a_new_user(server: StartServer) -> None:
    running = server(GEXEC_RATE_LIMIT="10/h")
    hello = running.execute('print("Hello from Python!")\nfor i in range(5):\n    print(i)')
    assert hello.status == 200
    assert hello.body == rb'{"stdout":"Hello from Python!\n0\n1\n2\n3\n4\n","stderr":"","exit_code":0,"error":""}'
    assert len(hello.headers["X-Execution-Id"]) == 36
    go = running.execute(GO, "go")
    assert go.body == rb'{"stdout":"Hello from Go!\n0\n1\n2\n","stderr":"","exit_code":0,"error":""}'
    ruby = running.execute("puts 1", "ruby")
    assert (ruby.status, ruby.body) == (400, b'{"error":"unsupported language: ruby"}')
    empty = running.execute("")
    assert (empty.status, empty.body) == (400, b'{"error":"source_code cannot be empty"}')
    assert running.request("/ping").body == b'{"status":"ok"}'
    assert running.request("/metrics").body == b'{"total_requests":4,"total_errors":2}'
    statuses = [running.request("/execute", b"").status for _ in range(7)]
    assert statuses == [400] * 6 + [429]
    refused = running.request("/execute", b"x" * 1_000_000)
    assert (refused.status, refused.body) == (429, b'{"error":"Too many requests"}')
    assert running.request("/metrics").json() == {"total_requests": 10, "total_errors": 8}
    text = running.request("/metrics", headers={"Accept": "text/plain"}).body.decode()
    assert 'gexec_executions_total{language="python",outcome="ok"} 1.0' in text.replace(
        'outcome="ok",language="python"', 'language="python",outcome="ok"'
    )


def test_endings_of_real_programs(server: StartServer) -> None:
    running = server()
    failed = running.execute("import sys\nprint('out', flush=True)\nsys.exit('err')").json()
    assert failed == {"stdout": "out\n", "stderr": "err\n", "exit_code": 1, "error": ""}
    late = running.execute("print('so far', flush=True)\nwhile True: pass", timeout_ms=500).json()
    assert late == {
        "stdout": "so far\n",
        "stderr": "",
        "exit_code": 137,
        "error": "execution timed out after 500 ms",
    }
    killed = running.execute("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)").json()
    assert (killed["exit_code"], killed["error"]) == (139, "")
    greedy = running.execute("print('before', flush=True)\nx = bytearray(1 << 30)\nprint(len(x))").json()
    assert (greedy["stdout"], greedy["exit_code"]) == ("before\n", 137)
    assert greedy["error"] == "memory limit of 128 MB exceeded"
    flood = running.execute("while True: print('x' * 1000)").json()
    assert (len(flood["stdout"]), flood["error"]) == (1_048_576, "output limit of 1048576 bytes exceeded")
    broken = running.execute("package main\nfunc main() { x }", "go").json()
    assert (broken["stdout"], broken["exit_code"], broken["error"]) == ("", 1, "")
    assert "undefined: x" in broken["stderr"]
    assert running.request("/metrics").json() == {"total_requests": 6, "total_errors": 3}


def test_bodies_that_only_a_socket_can_send(plain_server: RunningServer) -> None:
    body = json.dumps({"language": "python", "source_code": "print(1)"}).encode()
    assert _chunked(plain_server, [body[:10], body[10:]]) == (
        200,
        {"stdout": "1\n", "stderr": "", "exit_code": 0, "error": ""},
    )
    status, answer = _chunked(plain_server, [b" " * 65_536] * 100)
    assert (status, set(answer)) == (413, {"error"})
    large = plain_server.request("/execute", b"x" * 10_000_000)
    assert (large.status, set(large.json())) == (413, {"error"})
    assert plain_server.execute("print(2)").json()["stdout"] == "2\n"


def test_more_requests_at_once_than_slots_and_connections(server: StartServer) -> None:
    running = server(GEXEC_SLOTS="2", GEXEC_QUEUE="40", GEXEC_WAIT_MS="60000")
    answers: list[str] = []
    threads = [
        threading.Thread(
            target=lambda number=number: answers.append(running.execute(f"print({number})").json()["stdout"])
        )
        for number in range(24)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == sorted(f"{number}\n" for number in range(24))
    assert running.request("/metrics").json() == {"total_requests": 24, "total_errors": 0}


def _chunked(running: RunningServer, chunks: list[bytes]) -> tuple[int, dict[str, object]]:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=60)
    connection.request("POST", "/execute", iter(chunks), encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
    response = connection.getresponse()
    answer = response.status, json.loads(response.read())
    connection.close()
    return answer
