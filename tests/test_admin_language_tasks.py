"""Building and testing a language goes on beside the requests; every page shows how far it is, or that it is lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from dispatch import workers
from dispatch.models import Worker
from executions import recovery
from languages import tasks
from languages.models import Language, LanguageTask, TaskKind, TaskStatus
from languages.selftest.run import Verdict
from languages.toolchain import installs, language_images
from languages.toolchain.base_image import Report
from languages.toolchain.errors import InstallError
from rest.ids import uuid7
from sandbox.docker import ImageInfo
from sandbox.errors import EngineUnavailable, ImageMissing
from sandbox.testing import FakeImages
from testkit.waiting import eventually

IMAGE = ImageInfo("sha256:1", (), 1_000_000, "2026-01-02T03:04:05Z")
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fake_images")]
LIST = "admin:languages_language_changelist"


@pytest.fixture
def operator(admin_client: Client, python: Language) -> Iterator[Client]:
    """One who may change languages; at the end of the test no thread is at work."""
    yield admin_client
    eventually(lambda: not LanguageTask.objects.filter(status=TaskStatus.RUNNING).exists())


def press(client: Client, button: str, language: Language) -> Any:
    """As the page's script does."""
    url = reverse("admin:languages_language_task", args=[language.pk, button])
    return client.post(url, headers={"Accept": "application/json"})


def status(client: Client, language: Language) -> Any:
    return client.get(reverse("admin:languages_language_status", args=[language.pk])).json()


class Work:
    """A build that says a line and waits until the test lets it go on."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.error: Exception | None = None
        self.lines = ["Step 1/4 : FROM base", "Step 2/4 : RUN \x1b[31mmake\x1b[0m\x00"]

    def __call__(self, _language: Language, _report: Report, *, on_line: Report, refresh: bool = False) -> ImageInfo:
        for line in self.lines:
            on_line(line)
        assert self.go_on.wait(20)
        on_line("Step 3/4 : RUN check")
        if self.error:
            raise self.error
        return IMAGE


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    """What building does in this test."""
    monkeypatch.setattr(tasks, "WRITE_EVERY_S", 0.0)
    made = Work()
    monkeypatch.setattr(language_images, "build", made)
    return made


def test_one_action_builds_tests_and_enables_and_the_list_shows_how_far_it_is(
    operator: Client, python: Language, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    tested: list[str] = []

    def passes(language: Language, *_: Any, **__: Any) -> Any:
        tested.append(language.slug)
        return SimpleNamespace(failed=(), verdicts=(), image=IMAGE)

    monkeypatch.setattr(installs, "self_test", passes)
    monkeypatch.setattr(
        installs, "enable", lambda language, **_: Language.objects.filter(pk=language.pk).update(enabled=True)
    )
    Language.objects.update(enabled=False)
    chosen = {"action": "install", "_selected_action": [str(python.pk)]}
    page = operator.post(reverse(LIST), chosen, follow=True).content.decode()
    assert "1 language is being built, tested and enabled" in page
    assert f'data-busy="{python.pk}"' in operator.get(reverse(LIST)).content.decode()
    states = reverse("admin:languages_language_states")
    eventually(lambda: "Step 2/4 : RUN make" in operator.get(states, {"id": python.pk}).json()[str(python.pk)])
    shown = operator.get(states, {"id": [str(python.pk), "x", str(10**9)]}).json()
    assert set(shown) == {str(python.pk)}
    assert '<progress value="1" max="4">' in shown[str(python.pk)]
    again = operator.post(reverse(LIST), chosen, follow=True).content.decode()
    assert "is being worked on already" in again
    work.go_on.set()
    eventually(lambda: LanguageTask.objects.get().status == "succeeded")
    python.refresh_from_db()
    assert (python.enabled, tested) == (True, ["python"])
    assert "data-busy" not in operator.get(states, {"id": python.pk}).json()[str(python.pk)]


def test_a_build_is_seen_while_it_goes_on_and_after(operator: Client, python: Language, work: Work) -> None:
    assert press(operator, "build", python).json()["running"] is True
    eventually(lambda: status(operator, python)["task"]["done"] == 1)
    seen = status(operator, python)
    assert seen["state"] == {"text": "building", "kind": "busy", "advice": "Step 2/4 : RUN make"}
    assert (seen["task"]["total"], seen["task"]["headline"]) == (4, "Step 2/4 : RUN make")
    assert seen["buttons"]["test"] == "Something is being done to it already."
    work.go_on.set()
    eventually(lambda: status(operator, python)["running"] is False)
    task = LanguageTask.objects.get()
    assert (task.status, task.image_digest, task.started_by) == ("succeeded", "sha256:1", "admin")
    assert task.log.splitlines()[-1] == "Step 3/4 : RUN check"
    assert LogEntry.objects.get().change_message == "Build started."


def test_one_thing_at_a_time_is_done_to_a_language(operator: Client, python: Language, work: Work) -> None:
    press(operator, "build", python)
    second = press(operator, "test", python)
    assert (second.status_code, second.json()["refused"]) == (409, "python is being worked on already.")
    work.go_on.set()
    assert LanguageTask.objects.count() == 1


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (InstallError("make failed", log_end="no rule"), "make failed\nno rule"),
        (ImageMissing("no\x00such image"), "nosuch image"),
        (EngineUnavailable("Docker is away"), "Docker is away"),
        (KeyError("bug"), "an error of the server; its log says more"),
    ],
)
def test_what_went_wrong_is_shown(operator: Client, python: Language, work: Work, error: Exception, text: str) -> None:
    work.error = error
    work.go_on.set()
    Language.objects.update(enabled=False)
    press(operator, "build", python)
    eventually(lambda: status(operator, python)["running"] is False)
    seen = status(operator, python)
    assert (seen["task"]["status"], seen["task"]["error"]) == ("failed", text)
    assert (seen["state"]["text"], seen["state"]["kind"]) == ("build failed", "bad")


def test_each_self_test_has_its_verdict(operator: Client, python: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts = (Verdict("hello", "", None, 12.0, 1024), Verdict("args", "printed '\x00'", 5.0, None, 0))

    def self_test(_language: Language, _report: Report, *, on_verdict: installs.OnVerdict) -> installs.SelfTest:
        for verdict in verdicts:
            on_verdict(verdict)
        return installs.SelfTest(IMAGE, "3.13", verdicts)

    monkeypatch.setattr(installs, "self_test", self_test)
    press(operator, "test", python)
    eventually(lambda: status(operator, python)["running"] is False)
    task = status(operator, python)["task"]
    assert (task["status"], task["error"]) == ("failed", "failed 1 of 2: args")
    assert task["verdicts"] == [
        {
            "case": "hello",
            "passed": True,
            "problem": "",
            "hint": "",
            "excused": "",
            "compile": "-",
            "run": "12 ms",
            "memory": "1.0 KiB",
        },
        {
            "case": "args",
            "passed": False,
            "problem": "printed '\ufffd'",
            "hint": "",
            "excused": "",
            "compile": "5 ms",
            "run": "-",
            "memory": "0 bytes",
        },
    ]


def test_a_pulled_layer_has_one_line(operator: Client, python: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    def pull(_language: Language, report: Report) -> ImageInfo:
        for line in ("a1 Waiting", "b2 Waiting", "a1 Downloading 1/2", "a1 Downloading 2/2"):
            report(line)
        return IMAGE

    monkeypatch.setattr(language_images, "pull", pull)
    press(operator, "pull", python)
    eventually(lambda: status(operator, python)["running"] is False)
    assert status(operator, python)["task"]["log"] == "a1 Downloading 2/2\nb2 Waiting"


def running(python: Language, worker: Any) -> LanguageTask:
    python.refresh_from_db()
    return LanguageTask.objects.create(
        language=python, kind=TaskKind.BUILD, worker=worker, started_at=python.updated_at
    )


def test_the_task_of_a_dead_process_is_lost(operator: Client, python: Language) -> None:
    task = running(python, uuid7())
    recovery.sweep()
    task.refresh_from_db()
    assert (task.status, task.error) == ("lost", tasks.SERVER_GONE)
    assert status(operator, python)["buttons"]["make"] == ""


def test_the_task_of_a_living_process_is_left_alone(operator: Client, python: Language, work: Work) -> None:
    workers.record_heartbeat()
    other = Worker.objects.get(pk=workers.own_id())
    other.pk = uuid7()
    other.save(force_insert=True)
    task = running(python, other.pk)
    recovery.sweep()
    task.refresh_from_db()
    assert task.status == "running"
    task.delete()


def test_a_process_that_ends_says_so(operator: Client, python: Language, work: Work) -> None:
    press(operator, "build", python)
    tasks.abandon()
    task = LanguageTask.objects.get()
    assert (task.status, task.error) == ("lost", tasks.SERVER_GONE)
    work.go_on.set()
    eventually(lambda: not tasks._in_flight)
    task.refresh_from_db()
    assert task.status == "lost"


def test_a_language_may_go_while_it_is_built(operator: Client, python: Language, work: Work) -> None:
    press(operator, "build", python)
    python.delete()
    work.go_on.set()
    eventually(lambda: not tasks._in_flight)
    assert LanguageTask.objects.count() == 0


def test_old_tasks_are_forgotten(python: Language, work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "KEPT", 2)
    work.go_on.set()
    for _ in range(4):
        tasks.start(language=python, kind=TaskKind.BUILD)
        eventually(lambda: not tasks._in_flight)
    assert LanguageTask.objects.count() == 2


def test_nothing_to_test_is_no_pass(python: Language, fake_images: FakeImages) -> None:
    fake_images.add("x", image_id="sha256:3")
    ruby = Language(slug="no-folder", name="No folder", image="x", source_file="a", run_command=["a"])
    with pytest.raises(InstallError, match="give it an example"):
        installs.self_test(ruby, print)
