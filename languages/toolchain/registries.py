"""How builds reach package registries where a proxy, or an inspection of TLS, stands between.

Theory of operation. Proxies go to the builder as build arguments that it knows by itself: they are in the environment
of each RUN, and neither in the image nor in its history. The certificates are put beside the Dockerfile, which is sent
with lines around its own: each stage has them in a file of which the usual package managers are told by arguments, and
the last one removes it. What an image is made of, and so its tag, is the same with and without.
"""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies_environment

from languages.toolchain.errors import InstallError

Report = Callable[[str], None]

FOLDER = "/etc/gexec-build"
"""Where the certificates are while an image is built."""
CERTIFICATES = f"{FOLDER}/ca.pem"
VARIABLES = (
    "SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "NODE_EXTRA_CA_CERTS", "NPM_CONFIG_CAFILE",
    "CARGO_HTTP_CAINFO", "GIT_SSL_CAINFO",
)  # fmt: skip
"""What OpenSSL (so Python, Ruby, PHP), Go, curl, requests, pip, Node, npm, Cargo and git read the file's name from."""
_SENT = "gexec-build-ca"
_APT = f'Acquire::https::CAInfo "{CERTIFICATES}";\n'
_BEGIN = "-----BEGIN CERTIFICATE-----"
_STAGE = re.compile(r"\s*FROM\s+(?:--\S+\s+)*(\S+)", re.IGNORECASE)
_USER = re.compile(r"\s*USER\s+(\S+)", re.IGNORECASE)
_LOOPBACK = re.compile(r"localhost|127\..*|::1")


def proxies(report: Report = lambda _line: None) -> dict[str, str]:
    """Build arguments for the proxies of this process's environment, as HTTPS_PROXY and the like name them.

    One on the loopback interface is left out, and reported: a build has its own.
    """
    found: dict[str, str] = {}
    for scheme, value in getproxies_environment().items():
        name = f"{scheme}_PROXY".upper()
        if scheme not in {"http", "https", "ftp", "all", "no"}:
            continue
        if scheme != "no" and _is_loopback(value):
            report(f"{name} names this machine's loopback address, which a build does not reach; it is left out")
            continue
        found |= {name: value, name.lower(): value}
    return found


def certificates(path: str) -> bytes:
    """The bundle that GEXEC_BUILD_CA names. Raises InstallError where there is none."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise InstallError(f"GEXEC_BUILD_CA cannot be read: {error}") from error
    if _BEGIN.encode() not in content:
        raise InstallError(f"GEXEC_BUILD_CA: {path} has no certificate: PEM is wanted ({_BEGIN})")
    return content


def with_certificates(context: bytes, bundle: bytes) -> bytes:
    """The build context with the bundle in each stage, and not in the image."""
    packed = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(context)) as before,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as after,
    ):
        for member in before:
            content = before.extractfile(member)
            if member.name.removeprefix("./") == "Dockerfile" and content is not None:
                text = dockerfile_with_certificates(content.read().decode()).encode()
                member.size, content = len(text), io.BytesIO(text)
            after.addfile(member, content)
        for name, text in (("ca.pem", bundle), ("apt.conf", _APT.encode())):
            member = tarfile.TarInfo(f"{_SENT}/{name}")
            member.size, member.mode = len(text), 0o644
            after.addfile(member, io.BytesIO(text))
    return packed.getvalue()


def dockerfile_with_certificates(text: str) -> str:
    """Each stage begins with the file and the arguments that name it; the last one ends without it."""
    lines: list[str] = []
    stage = user = ""
    for line, begins in _instructions(text):
        lines.append(line)
        if begins and (found := _STAGE.match(line)):
            stage, user = found[1], ""
            # Of nothing, there is nothing that could load anything.
            lines += _BEGINNING if stage != "scratch" else []
        elif begins and (found := _USER.match(line)):
            user = found[1]
    if stage not in {"", "scratch"}:
        lines += ["USER root"] if user else []
        lines += [f"RUN rm -rf {FOLDER}"]
        lines += [f"USER {user}"] if user else []
    return "\n".join([*lines, ""])


def _instructions(text: str) -> Iterator[tuple[str, bool]]:
    """Each line, and whether an instruction begins with it: one that ends with a backslash goes on in the next."""
    goes_on = False
    for line in text.splitlines():
        yield line, not goes_on
        is_comment = line.lstrip().startswith("#")
        goes_on = goes_on if is_comment and goes_on else line.rstrip().endswith("\\") and not is_comment


def _is_loopback(address: str) -> bool:
    host = urlsplit(address if "//" in address else f"//{address}").hostname or ""
    return _LOOPBACK.fullmatch(host) is not None


_BEGINNING = (
    f"COPY {_SENT}/ {FOLDER}/",
    f"ARG APT_CONFIG={FOLDER}/apt.conf",
    *(f"ARG {name}={CERTIFICATES}" for name in VARIABLES),
)
