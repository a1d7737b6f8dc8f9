"""What the schema of the API allows and forbids is sent to a real server: it keeps to the schema, whatever comes.

`make fuzz` does so for as long as it takes to send 20,000 requests, from another seed each time.
"""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

import pytest

from testkit import fuzzing
from tests.conftest import StartServer

LONG_S = int(os.environ.get("FUZZ_SECONDS", "0"))
SECONDS = LONG_S or 25
LONG_REQUESTS = 20_000


@pytest.mark.timeout(SECONDS * 3 + 300)
def test_a_server_keeps_to_its_schema(server: StartServer, tmp_path: Path) -> None:
    running = server(GEXEC_SLOTS="2", GEXEC_KEY_RATE_LIMIT="off", GEXEC_READ_RATE_LIMIT="off")
    key = fuzzing.key_with_all_rights(running)
    known = fuzzing.ids_of(running, key)
    seed = secrets.randbelow(2**32) if LONG_S else 1
    examples = 200 if LONG_S else 3
    done = fuzzing.fuzz(running, tmp_path, examples=examples, within_s=SECONDS, seed=seed, known=known, key=key)
    said = "\n".join(line[:600] for line in done.stdout.splitlines())
    fault = running.log.find("Traceback")
    assert fault == -1, running.log[max(0, fault - 1000) : fault + 8000]
    assert done.returncode == 0, said + done.stderr[-2000:] + running.log[-5000:]
    sent = re.search(r"(\d+) generated", said)
    assert sent is not None
    assert int(sent[1]) >= (LONG_REQUESTS if LONG_S else 100), said
