"""The page's scripts as they are committed: small, complete, and what frontend/ makes."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pages import bundle

PROJECT = Path(__file__).resolve().parent.parent
FRONTEND = PROJECT / "frontend"
STATIC = PROJECT / "pages" / "static"
FIRST_VIEW_BYTES = 150_000
"""Of all that the browser loads before one can work, packed as it is sent."""
PAGE_BYTES = 14_000
"""The page itself with forty languages, which is not packed: tests/test_pages.py looks at it."""
WIDGET_BYTES = 8_000
"""Of the one script of `<gexec-snippet>`, without the editor."""
WIDGET = "pages/built/at_root/embed/v1.js"


def packed(name: str) -> int:
    return (STATIC / f"{name}.gz").stat().st_size


def test_the_first_view_is_small() -> None:
    """What colours a language comes behind it."""
    names = bundle.names()
    needed = [names["play"], names["style"], *names["first"]]
    assert PAGE_BYTES + sum(packed(name) for name in needed) <= FIRST_VIEW_BYTES


def test_the_widget_is_small() -> None:
    """It loads nothing at once, and later what has a hash in its name."""
    assert packed(WIDGET) <= WIDGET_BYTES
    script = (STATIC / WIDGET).read_text()
    later = re.findall(r"""import\(["']/static/([^"']+)["']\)""", script)
    assert {Path(name).name.split("-")[0] for name in later} == {"editor", "widget_more"}
    assert all((STATIC / name).exists() for name in later)
    assert not re.search(r"""\bfrom\s*["']|^import\s*["']""", script)


def test_each_file_is_there_packed_too() -> None:
    names = bundle.names()
    for name in (names["play"], names["style"], names["embed"], *names["first"]):
        assert (STATIC / name).exists()
    for path in bundle.BUILT.rglob("*"):
        if path.suffix in {".js", ".css"}:
            assert re.search(r"-[A-Z0-9]{8}\.(js|css)$", path.name) or path == STATIC / WIDGET, path
            assert gzip.decompress(path.with_name(path.name + ".gz").read_bytes()) == path.read_bytes()


def test_nothing_of_another_origin_is_named() -> None:
    for path in bundle.BUILT.rglob("*.js"):
        assert not re.search(r"""import\(?["']https?:|fetch\(["']https?:""", path.read_text()), path


def test_versions_are_exact_and_the_lock_names_no_host() -> None:
    package = json.loads((FRONTEND / "package.json").read_text())
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in package["devDependencies"].values())
    lock = json.loads((FRONTEND / "package-lock.json").read_text())
    assert not any("resolved" in entry for entry in lock["packages"].values())
    assert all("integrity" in entry for name, entry in lock["packages"].items() if name)


@pytest.mark.skipif(not shutil.which("npm"), reason="needs Node and npm")
def test_it_is_what_the_sources_make(tmp_path: Path) -> None:
    work = tmp_path / "frontend"
    shutil.copytree(FRONTEND, work)
    if not (work / "node_modules").exists():
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=work, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            pytest.skip(f"the packages cannot be had: {done.stderr[-200:]}")
    subprocess.run(["node", "build.mjs", str(tmp_path / "built")], cwd=work, check=True, timeout=120)
    assert contents(tmp_path / "built") == contents(bundle.BUILT)


def contents(folder: Path) -> dict[str, bytes]:
    """What is packed differs with the version of zlib, and is compared above."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".gz"
    }
