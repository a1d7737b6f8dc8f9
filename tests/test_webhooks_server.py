"""A real server sends webhooks, and the receiver in the docs takes them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

from testkit.servers import PROJECT, free_port
from testkit.waiting import eventually
from tests.conftest import StartServer


def receiver_in_the_docs() -> str:
    text = (PROJECT / "docs" / "webhooks.md").read_text()
    return text.partition("```python\n")[2].partition("```")[0]


def test_the_receiver_in_the_docs_takes_what_a_server_sends_also_after_a_restart(
    server: StartServer, tmp_path: Path
) -> None:
    settings = {"GEXEC_WEBHOOK_HTTP": "true", "GEXEC_WEBHOOK_NETWORKS": "127.0.0.1/32"}
    running = server(**settings)
    key = {
        "Authorization": f"Bearer {running.create_api_key('hooked')}",
        "Content-Type": "application/json",
    }
    port = free_port()
    body = {"url": f"http://127.0.0.1:{port}/hook", "events": ["execution.finished"]}
    made = running.request("/api/v1/webhooks", body, headers=key)
    assert made.status == 201, made.body
    webhook = made.json()
    # Nobody listens yet: it fails, and comes again.
    test = running.request(f"/api/v1/webhooks/{webhook['id']}/test", {}, headers=key)
    assert test.status == 202
    path = f"/api/v1/webhooks/{webhook['id']}/deliveries"
    eventually(lambda: running.request(path, headers=key).json()["data"][0]["attempts"])
    running.stop()
    script = tmp_path / "receiver.py"
    script.write_text(receiver_in_the_docs())
    environment = os.environ | {"WEBHOOK_SECRET": webhook["secret"], "PORT": str(port)}
    with subprocess.Popen(
        [sys.executable, str(script)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as receiver:
        try:
            assert receiver.stdout is not None
            lines: list[str] = []
            reading = threading.Thread(target=lambda: lines.append(receiver.stdout.readline()), daemon=True)  # type: ignore[union-attr]  # see above
            reading.start()
            again = server(DATABASE_URL=running.environment["DATABASE_URL"], **settings)
            reading.join(60)
            assert json.loads(lines[0])["type"] == "webhook.test"
            arrived = eventually(
                lambda: again.request(path, headers=key).json()["data"][0], until=lambda one: one["status"] != "pending"
            )
            assert arrived["status"] == "delivered"
            assert [each["status"] for each in arrived["attempts"]][-1] == 204
        finally:
            receiver.kill()
