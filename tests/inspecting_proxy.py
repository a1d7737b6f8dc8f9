"""A company's proxy that looks into TLS: it signs for a host with its own authority, and answers as a package index."""

from __future__ import annotations

import datetime
import io
import socket
import ssl
import threading
import zipfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

HOST = "packages.example"
_PATIENCE_S = 20.0


class InspectingProxy:
    """Listens on `address`; `ca` is its authority's certificate, `asked` what it was asked for."""

    def __init__(self, address: str, folder: Path) -> None:
        self.ca = folder / "ca.pem"
        self.asked: list[str] = []
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(_signed_for(HOST, self.ca, folder / "leaf.pem"))
        self._listener = socket.create_server((address, 0))
        self.url = f"http://{address}:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Nobody is answered any more."""
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=[connection], daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(_PATIENCE_S)
        try:
            with connection:
                self.asked.append(_head(connection).split("\r\n")[0])
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                with self._tls.wrap_socket(connection, server_side=True) as inner:
                    path = _head(inner).split(" ")[1]
                    self.asked.append(path)
                    inner.sendall(_response(path))
        except OSError as error:
            self.asked.append(type(error).__name__)


def _head(connection: socket.socket) -> str:
    head = b""
    while b"\r\n\r\n" not in head:
        if not (piece := connection.recv(4096)):
            raise ConnectionResetError
        head += piece
    return head.decode()


def _response(path: str) -> bytes:
    wheel = "thing-1.0-py3-none-any.whl"
    body, kind = f'<!DOCTYPE html><a href="/{wheel}">{wheel}</a>'.encode(), "text/html"
    if path.endswith(".whl"):
        body, kind = _wheel(), "application/zip"
    return (
        f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
        + body
    )


def _wheel() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("thing.py", "print('thing')\n")
        archive.writestr("thing-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
        archive.writestr("thing-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("thing-1.0.dist-info/RECORD", "")
    return packed.getvalue()


def _signed_for(host: str, ca_file: Path, leaf_file: Path) -> Path:
    authority_key, leaf_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A company's inspection")])
    ca = _certificate(authority, authority, authority_key, authority_key, x509.BasicConstraints(True, 0))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    leaf = _certificate(name, authority, leaf_key, authority_key, x509.SubjectAlternativeName([x509.DNSName(host)]))
    ca_file.write_bytes(ca.public_bytes(Encoding.PEM))
    key = leaf_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    leaf_file.write_bytes(key + leaf.public_bytes(Encoding.PEM))
    return leaf_file


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signed_by: ec.EllipticCurvePrivateKey,
    says: x509.ExtensionType,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    is_ca = isinstance(says, x509.BasicConstraints)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    issuer_identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signed_by.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(says, critical=is_ca)
        .add_extension(identifier, critical=False)
        .add_extension(issuer_identifier, critical=False)
    )
    if is_ca:
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        builder = builder.add_extension(usage, critical=True)
    return builder.sign(signed_by, hashes.SHA256())
