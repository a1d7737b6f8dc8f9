"""With the configuration of docs/scaling.md everything works, and a host's key is good for nothing else."""

from __future__ import annotations

import asyncio
import re
import ssl
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nats
import nats.errors
import pytest
from django.core.management import CommandError, call_command
from nats.aio.client import Client
from nats.js.errors import Error as JetStreamError

from dispatch.backends.nats import Nats
from dispatch.base import Finished, Started, result_of
from sandbox import bus
from sandbox.hosts import HostState
from sandbox.messages import Cancel, encode
from sandbox.types import File, WarmTarget
from testkit.hosts import Fleet
from testkit.servers import PROJECT
from testkit.waiting import eventually
from tests.test_dispatch_contract import MIB, PROFILE
from tests.test_hosts_large import asked

STREAMS = ("GEXEC_JOBS", "GEXEC_ENDS")


def documented(directory: Path) -> str:
    """The documentation's configuration, with the paths of this test."""
    (found,) = re.findall(r"```conf\n(.*?)```", (PROJECT / "docs/scaling.md").read_text(), re.DOTALL)
    text = str(found).replace("/etc/nats/", f"{directory}/")
    assert "include gexec.conf" in text
    assert "tls {" in text
    return text.replace("/var/lib/nats", f"{directory}/nats")


def certificate(directory: Path) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=nats", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=directory, check=True, capture_output=True,
    )  # fmt: skip


class Keyed(Fleet):
    """A NATS that knows keys, and hosts with theirs."""

    @property
    def url(self) -> str:
        return f"tls://127.0.0.1:{self.port}"

    def trust(self, name: str) -> bus.Trust:
        return bus.Trust(str(self.directory / "keys" / f"{name}.nk"), str(self.directory / "cert.pem"))

    def settings(self, name: str) -> dict[str, str]:
        trust = self.trust(name)
        return {"GEXEC_NATS_CREDENTIALS": trust.credentials, "GEXEC_NATS_CA": trust.ca}


@pytest.fixture(scope="module")
def hosts(prepared_data_dir: Path) -> Iterator[Keyed]:
    with TemporaryDirectory(prefix="gexec-keys-", ignore_cleanup_errors=True) as name:
        directory, printed = Path(name), StringIO()
        call_command("hosts", "permissions", "--keys", str(directory / "keys"), "one", "two", stdout=printed)
        (directory / "gexec.conf").write_text(printed.getvalue())
        certificate(directory)
        made = Keyed(directory, documented(directory))
        try:
            yield made
        finally:
            made.stop()


@pytest.fixture(scope="module")
def web(hosts: Keyed) -> Iterator[Nats]:
    """The part of a web process, then the host: it makes nothing itself, and waits for what web processes make."""
    host = hosts.start_host("one", wait=False, settings=hosts.settings("host-one"))
    backend = Nats(hosts.url, slots=4, queue=4, wait_ms=20_000, trust=hosts.trust("web"))
    backend.link.start()
    host.wait_for("takes jobs")
    eventually(backend.link.hosts)
    yield backend
    backend.close(grace_s=0)


def test_all_that_goes_on_between_them_is_permitted(hosts: Keyed, web: Nats) -> None:
    what = asked("wc -c <data", File("data", bytes(2 * MIB)))
    assert result_of(web.submit(what)).steps[0].stdout == b"%d\n" % (2 * MIB)
    web.keep_warm({PROFILE: WarmTarget(1, 2)})
    eventually(lambda: web.capacity().warm.get(PROFILE))
    web.drain("one", drained=True)
    eventually(lambda: web.link.hosts()[0].draining)
    web.drain("one", drained=False)
    eventually(lambda: not web.link.hosts()[0].draining)
    large = asked("head -c 7000000 /dev/zero; head -c 7000000 /dev/zero >&2")
    events = web.submit(large).events()
    assert isinstance(next(events), Started)
    assert web.cancel(large.id)
    list(events)
    for end in web.leftovers(most=100, timeout_s=1):
        end.whole()
        end.done()
    log = hosts.hosts["one"].log + (hosts.directory / "nats.log").read_text()
    assert "ermissions" not in log.replace("no permissions", "")


def test_a_key_of_a_host_is_for_what_a_host_does_and_nothing_else(hosts: Keyed, web: Nats) -> None:
    what = asked("sleep 2")
    running = web.submit(what).events()
    assert isinstance(next(running), Started)
    state = encode(HostState("one-abc", "one", 100, 0, ""))
    told = bus.told_subject(what.id, 1)

    async def attack() -> tuple[list[str], list[str]]:
        violations: list[str] = []

        async def note(error: Exception) -> None:
            violations.append(str(error))

        options = hosts.trust("host-two").options()
        nc = await nats.connect(hosts.url, error_cb=note, inbox_prefix=bus.host_inbox("two"), **options)
        got: list[str] = []

        async def take(message: Any) -> None:
            got.append(message.subject)

        for subject in ("gexec.run.>", "gexec.job.>", "_INBOX.web.>", "_INBOX.host.one.>", "gexec.said.one.>", ">"):
            await nc.subscribe(subject, cb=take)
        await nc.publish(told, encode(Cancel()))
        for name, request in _requests(nc, state).items():
            with suppress(nats.errors.Error, JetStreamError, TimeoutError):
                await request()
                got.append(name)
        await nc.flush()
        await asyncio.sleep(0.3)
        await nc.close()
        return got, violations

    before = _stored(hosts)
    got, violations = asyncio.run(attack())
    assert got == []
    assert len([each for each in violations if "ermissions" in each]) >= 15
    last = list(running)[-1]
    assert isinstance(last, Finished)
    assert [step.exit_code for step in last.result.steps] == [0]
    assert [host.id for host in web.link.hosts()] != ["one-abc"]
    assert len(web.link.hosts()) == 1
    assert _stored(hosts)["GEXEC_JOBS"] <= before["GEXEC_JOBS"]


def _requests(nc: Client, state: bytes) -> dict[str, Callable[[], Awaitable[Any]]]:
    js = nc.jetstream(timeout=0.3)
    results = f"$JS.API.CONSUMER.MSG.NEXT.{bus.ENDS}.{bus.FINISHER}"
    return {
        "publish a job": lambda: js.publish(bus.job_subject("batch", "forged", 1), b"x"),
        "speak for another host": lambda: js.publish(f"{bus.HOSTS_SUBJECT}one.abc", state),
        "drain another host": lambda: js.publish(f"$KV.{bus.WANTED}.drain.one", b"1"),
        "read a result": lambda: js.get_last_msg(bus.ENDS, "gexec.run.>"),
        "take results": lambda: nc.request(results, b"1", timeout=0.3),
        "make a consumer": lambda: js.pull_subscribe("gexec.run.>", stream=bus.ENDS),
        "read jobs": lambda: js.get_msg(bus.JOBS, seq=1),
        "read outputs": lambda: js.get_msg(f"KV_{bus.OUTPUTS}", seq=1, direct=True),
        "read inputs without their digest": lambda: js.get_msg(f"KV_{bus.INPUTS}", seq=1, direct=True),
        "purge a stream": lambda: js.purge_stream(bus.JOBS),
    }


def _stored(hosts: Keyed) -> dict[str, int]:
    async def ask() -> dict[str, int]:
        nc = await nats.connect(hosts.url, inbox_prefix=bus.WEB_INBOX, **hosts.trust("web").options())
        found = {each: int((await nc.jetstream().stream_info(each)).state.messages) for each in STREAMS}
        await nc.close()
        return found

    return asyncio.run(ask())


def test_without_a_key_or_a_trusted_certificate_nobody_comes_in(hosts: Keyed) -> None:
    async def connect(**options: Any) -> None:
        nc = Client()
        try:
            await nc.connect(hosts.url, allow_reconnect=False, connect_timeout=2, **options)
        except nats.errors.Error:
            # Else nobody closes the connection of one who was not let in, and a busy server's end of it comes too late.
            await nc.close()
            raise

    trusting = ssl.create_default_context(cafile=hosts.trust("web").ca)
    with pytest.raises(nats.errors.Error):
        asyncio.run(connect(tls=trusting))
    with pytest.raises(ssl.SSLError):
        asyncio.run(connect(nkeys_seed=hosts.trust("web").credentials))


def test_keys_that_are_there_are_used_again_and_are_for_their_owner_alone(tmp_path: Path) -> None:
    def printed(*names: str) -> str:
        out = StringIO()
        call_command("hosts", "permissions", "--keys", str(tmp_path / "keys"), *names, stdout=out)
        return out.getvalue()

    first, second = printed("one"), printed("one", "two")
    known = set(re.findall(r"nkey: (U[A-Z2-7]{55})", first))
    assert len(known) == 2
    assert known < set(re.findall(r"nkey: (\S+)", second))
    assert {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()} == {
        "web.nk": 0o600, "host-one.nk": 0o600, "host-two.nk": 0o600,
    }  # fmt: skip
    with pytest.raises(CommandError, match="no name of a host"):
        printed("../one")


@pytest.mark.parametrize("text", ["", "SAAB", "seed"])
def test_a_file_that_is_no_credential_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.nk"
    path.write_text(text)
    with pytest.raises(ValueError, match="holds neither"):
        bus.Trust(str(path)).options()
