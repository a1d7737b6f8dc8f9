"""Each way of docs/adding-a-language.md to a language is gone as it is written there."""

from __future__ import annotations

import io
import json
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
import docker.errors
import pytest

from languages import folders
from testkit.databases import create_database, database_url
from testkit.servers import HERE, PROJECT, clean_environment
from testkit.waiting import eventually

DOCUMENT = (PROJECT / "docs" / "adding-a-language.md").read_text()
FIRST, SECOND, THIRD = re.split(r"^## (?:First|Second|Third) way", DOCUMENT, flags=re.MULTILINE)[1:]
MANAGE = """
import sys
from pathlib import Path
import django
django.setup()
from django.core.management import call_command
from languages import folders
folders.IMAGES = Path(sys.argv[1])
call_command(*sys.argv[2:])
"""
"""manage.py, with folders of its own."""
ADD = """
import json
import sys
import django
django.setup()
from django.contrib import admin
from django.test import RequestFactory
from languages.admin import LanguageAdmin
from languages.models import Language
form = LanguageAdmin(Language, admin.site).get_form(RequestFactory().get("/"))
empty = form()
shown = {name: empty[name].value() for name in empty.fields}
data = {name: value for name, value in shown.items() if value is not None and value is not False}
filled = form(data | json.loads(sys.argv[1]))
assert filled.is_valid(), filled.errors
filled.save()
"""
"""The admin's form, filled in and saved."""
pytestmark = pytest.mark.timeout(900)
SMALL_PACKAGES = {"python3-numpy": "python3-six", "python3-pandas": "python3-iniconfig"}
"""In place of the 200 MB of the third way."""


@pytest.fixture
def environment(prepared_postgres: Path, tmp_path: Path) -> dict[str, str]:
    """That of a command on a database where python and go are installed."""
    name = f"ways_{secrets.token_hex(6)}"
    create_database(prepared_postgres, name, "gexec")
    return clean_environment(GEXEC_DATA_DIR=str(tmp_path / "data"), DATABASE_URL=database_url(prepared_postgres, name))


@pytest.fixture
def image(docker_client: docker.DockerClient) -> Iterator[str]:
    """A name for an image, which is gone after the test."""
    name = f"gexec-test/way:{secrets.token_hex(4)}"
    yield name
    remove(docker_client, name)


def remove(client: docker.DockerClient, name: str) -> None:
    """As soon as the last container that used it is gone."""

    def removed() -> bool:
        try:
            client.images.remove(name, force=True)
        except docker.errors.ImageNotFound:
            return True
        except docker.errors.APIError:
            return False
        return True

    eventually(removed, every_s=0.2)


def blocks(text: str) -> list[str]:
    """The indented blocks, in order."""
    found = re.findall(r"(?:^    .*\n|^\n(?=    ))+", text, re.MULTILINE)
    return [re.sub(r"^    ", "", block, flags=re.MULTILINE).strip("\n") + "\n" for block in found]


def block_after(text: str, sign: str) -> str:
    return blocks(text[text.index(sign) :])[0]


def run(environment: dict[str, str], *words: str, images: Path = folders.IMAGES) -> str:
    """What the command prints; it must succeed."""
    return python(environment, MANAGE, str(images), *words)


def python(environment: dict[str, str], script: str, *words: str) -> str:
    """What the script prints; it must succeed."""
    done = subprocess.run(
        [sys.executable, "-c", script, *words],
        check=False,
        cwd=HERE.path,
        env=environment | {"DJANGO_SETTINGS_MODULE": "gexec.settings", "PYTHONPATH": str(HERE.path)},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_first_way(environment: dict[str, str], tmp_path: Path, docker_client: docker.DockerClient) -> None:
    # As the document has it but for the slug: others may go this way on the same Docker host.
    slug = f"small-{secrets.token_hex(4)}"
    images = tmp_path / "images"
    folder = images / slug
    selftest = folder / "selftest"
    selftest.mkdir(parents=True)
    shutil.copy(folders.IMAGES / "selftest.toml", images)
    (folder / "Dockerfile").write_text(block_after(FIRST, "\n`Dockerfile`"))
    (folder / "language.toml").write_text(block_after(FIRST, "\n`language.toml`"))
    (folder / "hello.bc").write_text(block_after(FIRST, "\n`hello.bc`"))
    (selftest / "selftest.toml").write_text(block_after(FIRST, "so it leaves most out:"))
    for name in ("error", "timeout", "library"):
        (selftest / f"{name}.bc").write_text(block_after(FIRST, f"`selftest/{name}.bc`"))
    try:
        said = run(environment, "languages", "install", slug, images=images)
    finally:
        for found in docker_client.images.list(f"gexec/{slug}"):
            for name in found.tags:
                remove(docker_client, name)
    assert f"{slug}: hello passed" in said
    assert re.search(rf"^{slug}: 1\.[\d.]+, \d+ MB, enabled", said, re.MULTILINE)


def test_the_second_way(environment: dict[str, str], image: str, docker_client: docker.DockerClient) -> None:
    rows = dict(re.findall(r"^\| ([a-z ]+) \| `(.*)` \|$", SECOND, re.MULTILINE))
    fields = {name.replace(" ", "_"): value for name, value in rows.items()}
    # No registry is asked here: what stands in for its image has an interpreter and none of our settings.
    docker_client.images.build(fileobj=io.BytesIO(b"FROM gexec/python\nENV PATH=/nowhere\n"), tag=image, rm=True)
    slug = fields["slug"]
    python(environment, ADD, json.dumps(fields | {"image": image}))
    said = run(environment, "languages", "test", slug)
    assert f"{slug}: timeout passed" in said
    assert f"{slug}: enabled" in run(environment, "languages", "enable", slug)
    excuse = re.findall(r'`(\{"timeout": .*\})`', SECOND)[0]
    run(environment, "languages", "set", slug, f"excused={excuse}")
    reason = json.loads(excuse)["timeout"]
    assert f'[excused]\ntimeout = "{reason}"\n' in run(environment, "languages", "show", slug)


def test_the_third_way(image: str, docker_client: docker.DockerClient) -> None:
    line = re.search(r"printf '(.*)' > Dockerfile", THIRD)
    assert line is not None
    dockerfile = line[1].replace("\\n", "\n")
    for large, small in SMALL_PACKAGES.items():
        assert large in dockerfile
        dockerfile = dockerfile.replace(large, small)
    docker_client.images.build(fileobj=io.BytesIO(dockerfile.encode()), tag=image, rm=True)
    program = "import six, iniconfig; print(six.PY3)"
    assert docker_client.containers.run(image, ["python3", "-c", program], remove=True) == b"True\n"
