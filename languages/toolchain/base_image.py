"""The image that every language image starts from: Debian trixie, from a registry or made on this machine."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from languages.folders import BASE
from languages.toolchain import docker_host
from languages.toolchain.errors import InstallError
from sandbox.archives import folder_tar
from sandbox.docker import BASE_IMAGE
from sandbox.engine import Images
from sandbox.errors import ImageBuildFailed, SandboxError
from sandbox.types import ImageInfo

SUITE = "trixie"
DEBIAN_IMAGE = f"debian:{SUITE}-slim"
OWN_DEBIAN_IMAGE = f"gexec/debian:{SUITE}"
DEFAULT_MIRROR = "http://deb.debian.org/debian"

_PULL_SILENCE_S = 20.0
"""A registry that is silent for longer is taken for none: the image is then made here."""
_BOOTSTRAP_TIMEOUT_S = 1800
"""Half a minute with a near mirror; this is for a slow one."""
_SUITES = {"bullseye", "bookworm", "trixie", "forky", "sid", "oldstable", "stable", "testing", "unstable"}
_APT_SOURCES = Path("/etc/apt")

Report = Callable[[str], None]


def base_tag(mirror: str = "") -> str:
    """The name of the base as this version of gexec makes it with this mirror."""
    made_of = folder_tar(BASE) + "\n".join(sources(mirror)).encode()
    return f"{BASE_IMAGE}:{hashlib.sha256(made_of).hexdigest()[:12]}"


def ensure_base(images: Images, report: Report, *, mirror: str = "", refresh: bool = False) -> str:
    """See that the base image is on the Docker host and return its name. Raises InstallError, EngineUnavailable.

    mirror: a Debian mirror's address; empty takes the one of this machine's own apt sources.
    """
    tag = base_tag(mirror)
    if not refresh and images.find(tag) is not None:
        return tag
    debian = ensure_debian(images, report, mirror=mirror, refresh=refresh)
    report(f"building {BASE_IMAGE} from {debian}")
    arguments = {"DEBIAN": debian, "SOURCES": "\n".join(sources(mirror))}
    build_image(images, Recipe(tag, folder_tar(BASE), arguments, "base"), no_cache=refresh, on_line=_ignore)
    images.tag(tag, BASE_IMAGE)
    return tag


@dataclass(frozen=True, slots=True)
class Recipe:
    """What an image is made of."""

    tag: str
    context: bytes
    """A tar of the Dockerfile and its files."""
    buildargs: Mapping[str, str]
    kind: str
    """For the image's label: base or language."""
    memory_bytes: int | None = None
    """What each step of the build may have; None: whatever the host has."""


def build_image(images: Images, recipe: Recipe, *, no_cache: bool, on_line: Report) -> ImageInfo:
    """Build it. Raises InstallError with the end of the log, EngineUnavailable."""
    try:
        return images.build(
            tag=recipe.tag,
            context=recipe.context,
            buildargs=recipe.buildargs,
            labels={"gexec.kind": recipe.kind},
            on_line=on_line,
            no_cache=no_cache,
            memory_bytes=recipe.memory_bytes,
        )
    except ImageBuildFailed as error:
        raise InstallError(str(error), log_end=error.log_end) from error


def ensure_debian(images: Images, report: Report, *, mirror: str = "", refresh: bool = False) -> str:
    """The name of a plain Debian image: one that is there, else a registry's, else one made here.

    Raises InstallError, EngineUnavailable.
    """
    for name in (DEBIAN_IMAGE, OWN_DEBIAN_IMAGE):
        if not refresh and images.find(name) is not None:
            return name
    report(f"pulling {DEBIAN_IMAGE}")
    try:
        docker_host.images(timeout_s=_PULL_SILENCE_S).pull(DEBIAN_IMAGE, _ignore)
    except SandboxError as error:
        report(f"no registry gave it ({_short(error)}); making it from Debian packages, about half a minute")
        _bootstrap(images, report, mirror)
        return OWN_DEBIAN_IMAGE
    return DEBIAN_IMAGE


def _bootstrap(images: Images, report: Report, mirror: str) -> None:
    _need_mmdebstrap(report)
    with tempfile.TemporaryFile() as archive, tempfile.TemporaryFile() as log:
        ended = subprocess.run(
            ["mmdebstrap", "--variant=minbase", "--format=tar", *_excludes(), SUITE, "-", mirror or system_mirror()],
            stdout=archive,
            stderr=log,
            stdin=subprocess.DEVNULL,
            timeout=_BOOTSTRAP_TIMEOUT_S,
            check=False,
        )
        if ended.returncode:
            log.seek(0)
            end = "\n".join(log.read().decode(errors="replace").splitlines()[-20:])
            raise InstallError("mmdebstrap could not make a Debian system", log_end=end)
        archive.seek(0)
        images.import_tar(archive, OWN_DEBIAN_IMAGE)


def _excludes() -> list[str]:
    lines = (BASE / "exclude.conf").read_text().split()
    return [f"--dpkgopt={line}" for line in lines]


def _need_mmdebstrap(report: Report) -> None:
    """Install mmdebstrap where it is missing and this user may; else the error names the command."""
    if shutil.which("mmdebstrap"):
        return
    packages = ["mmdebstrap", "debian-archive-keyring"]
    install = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    report("installing " + " ".join(packages))
    try:
        subprocess.run([*prefix, "apt-get", "update"], check=True, capture_output=True)
        subprocess.run([*prefix, *install], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise InstallError(
            f"no registry answers and mmdebstrap is missing; run: sudo {' '.join(install)}",
            log_end=str(getattr(error, "stderr", b"") or error),
        ) from error


def sources(mirror: str = "", etc_apt: Path = _APT_SOURCES) -> list[str]:
    """Lines of a sources.list for the suite: the mirror, and its updates; security where its address is known."""
    chosen = mirror or system_mirror(etc_apt)
    lines = [f"deb {chosen} {SUITE} main", f"deb {chosen} {SUITE}-updates main"]
    if chosen == DEFAULT_MIRROR:
        lines.append(f"deb {chosen}-security {SUITE}-security main")
    return lines


def system_mirror(etc_apt: Path = _APT_SOURCES) -> str:
    """The Debian mirror that this machine's apt uses; Debian's default where it uses none or is no Debian."""
    files = [etc_apt / "sources.list", *sorted(etc_apt.glob("sources.list.d/*"))]
    for path in files:
        if path.is_file():
            for address, suites in _entries(path.read_text(errors="replace")):
                if suites & _SUITES and address.startswith("http://"):
                    return address.rstrip("/")
    return DEFAULT_MIRROR


def _entries(text: str) -> Iterable[tuple[str, set[str]]]:
    """(address, suites) of both formats: one line each, and paragraphs of fields."""
    for match in re.finditer(r"^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)", text, re.MULTILINE):
        yield match[1], {match[2]}
    for paragraph in re.split(r"\n\s*\n", text):
        fields = dict(re.findall(r"^(\w[\w-]*):\s*(.*)$", paragraph, re.MULTILINE))
        suites = set(fields.get("Suites", "").split())
        yield from ((address, suites) for address in fields.get("URIs", "").split())


def _ignore(_line: str) -> None:
    """For output that is of no interest unless it fails; the failure carries its end."""


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:200]
