"""Everything of a release in one folder: `python -m scripts.make_release [FOLDER]`, dist by default.

The image is built from what is committed, on a base that is resolved to its digest first: BASE names it,
debian:trixie-slim by default, and BASE=<that digest> makes the same release again. Beside it lie its bill of materials,
a compose.yaml of images that are named by their digests, what CHANGELOG.md says of this version, and checksums.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gexec.version import VERSION
from scripts import bill_of_materials, oci_archive, pins, released_compose

PROJECT = Path(__file__).resolve().parent.parent
DEFAULT_BASE = "debian:trixie-slim"


class NotReleased(Exception):
    """What stands in the way, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Release:
    """What goes into one, all of it known before anything is built."""

    version: str
    commit: str
    notes: str
    """The section of CHANGELOG.md."""
    base: pins.Pin
    postgres: pins.Pin

    @property
    def image(self) -> str:
        return f"gexec:{self.version}"

    @property
    def labels(self) -> Mapping[str, str]:
        """What the image says of itself, in OCI's words."""
        said = {"revision": self.commit, "base.name": self.base.name, "base.digest": self.base.digest}
        return {f"org.opencontainers.image.{name}": value for name, value in said.items() if value}

    @property
    def properties(self) -> Mapping[str, str]:
        """What the bill of materials says beyond what the image is made of."""
        return {
            "commit": self.commit,
            "base": self.base.told,
            "base:reference": self.base.reference,
            "base:image": self.base.image_id,
            "compose:postgres": self.postgres.told,
        }


def main(folder: Path) -> None:
    """Make it, or say what is in the way. Nothing is left in the folder of what came before under the same names."""
    release = planned()
    for pin in (release.base, release.postgres):
        say(f"{pin.told}.")
    say(f"Building {release.image} ...")
    build(release)
    folder.mkdir(parents=True, exist_ok=True)
    name = folder / f"gexec-{release.version}"
    digest = oci_archive.write(release.image, Path(f"{name}.tar.gz"))
    bill = bill_of_materials.bill(release.image, {**release.properties, "manifest": digest})
    Path(f"{name}.cdx.json").write_text(bill_of_materials.text(bill))
    text = (PROJECT / "compose.yaml").read_text()
    Path(f"{name}.compose.yaml").write_text(released_compose.text(text, release.version, release.postgres))
    Path(f"{name}.md").write_text(release.notes)
    made = [f"{name}.{suffix}" for suffix in ("cdx.json", "compose.yaml", "md", "tar.gz")]
    Path(f"{name}.sha256").write_text("".join(f"{_sha256(Path(each))}  {Path(each).name}\n" for each in made))
    say(f"{name}.tar.gz, and beside it {', '.join(Path(each).name for each in made[:-1])} and the checksums.")


def planned() -> Release:
    """What is released. Raises NotReleased."""
    notes = section((PROJECT / "CHANGELOG.md").read_text(), VERSION)
    if not notes:
        raise NotReleased(f"CHANGELOG.md has nothing under '## {VERSION}': name what is new since the last release.")
    clients = (PROJECT / "clients/python/src/gexec_client/version.py").read_text()
    if f'"{VERSION}"' not in clients:
        raise NotReleased(f"clients/python has another version than {VERSION}.")
    if _git("status", "--porcelain"):
        raise NotReleased("The checkout has changes that are not committed.")
    if shutil.which("docker") is None:
        raise NotReleased("The docker command is missing: apt-get install docker.io, or docker-cli.")
    base = pins.resolve(os.environ.get("BASE") or DEFAULT_BASE)
    if not base.image_id:
        raise NotReleased(
            f"{base.name} cannot be pulled. BASE=gexec/debian:trixie is what gexec makes of Debian's packages where it "
            "has run."
        )
    text = (PROJECT / "compose.yaml").read_text()
    return Release(VERSION, _git("rev-parse", "HEAD"), notes, base, pins.resolve(released_compose.postgres_of(text)))


def section(changelog: str, version: str) -> str:
    """What CHANGELOG.md says of a version, under its heading; empty where it says nothing."""
    found = re.search(rf"^## {re.escape(version)}\b.*\n((?:(?!## ).*\n)*)", changelog, re.MULTILINE)
    return f"# gexec {version}\n\n{found[1].strip()}\n" if found and found[1].strip() else ""


def build(release: Release) -> None:
    """Build the image from what is committed, and see that it stands on the base. Raises NotReleased."""
    # By force: a step that fails would leave its container.
    arguments = ["--force-rm", f"--build-arg=BASE={release.base.reference}", f"--build-arg=VERSION={release.version}"]
    arguments += [f"--label={name}={value}" for name, value in release.labels.items()]
    with _committed() as context:
        done = subprocess.run(["docker", "build", *arguments, f"--tag={release.image}", context], check=False)
    if done.returncode:
        raise NotReleased("docker build failed; see above.")
    lowest = pins.layers(release.base.image_id)
    if not lowest or pins.layers(release.image)[: len(lowest)] != lowest:
        raise NotReleased(f"{release.image} does not stand on {release.base.told}.")


@contextmanager
def _committed() -> Iterator[Path]:
    """A folder with what is committed alone, and with the packages of `wheelhouse`, where there is one."""
    with tempfile.TemporaryDirectory() as directory:
        context = Path(directory)
        archive = subprocess.run(["git", "archive", "HEAD"], cwd=PROJECT, capture_output=True, check=True).stdout
        subprocess.run(["tar", "-x", "-C", directory], input=archive, check=True)
        if (PROJECT / "wheelhouse").is_dir():
            shutil.copytree(PROJECT / "wheelhouse", context / "wheelhouse")
        yield context


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=PROJECT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def say(text: str) -> None:
    """Tell whoever makes the release."""
    sys.stderr.write(f"gexec: {text}\n")


if __name__ == "__main__":
    try:
        main(Path(*sys.argv[1:2] or ["dist"]))
    except NotReleased as reason:
        say(str(reason))
        sys.exit(1)
