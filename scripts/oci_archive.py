"""An image as one file that is an OCI layout, and that `docker load` of any version takes as well.

`docker save` writes such a file since Docker 25; of older ones the same is made here: blobs named by their digests, an
index and a manifest in OCI's words, and beside them the manifest.json in Docker's.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

_OCI = "application/vnd.oci.image"
_PIECE = 1 << 20


def write(image: str, file: Path) -> str:
    """Write `image`, a name with its tag, to a .tar.gz; return the digest of its OCI manifest.

    The same image is the same bytes. Raises subprocess.CalledProcessError.
    """
    with tempfile.TemporaryFile() as saved:
        subprocess.run(["docker", "save", image], stdout=saved, check=True)
        saved.seek(0)
        with tarfile.open(fileobj=saved) as source:
            if "index.json" in source.getnames():
                return _as_it_is(saved, _read(source, "index.json"), file)
            with _packed(file) as target:
                return _converted(source, target, image)


def _as_it_is(saved: IO[bytes], index: Any, file: Path) -> str:
    saved.seek(0)
    with file.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, 0) as packed:
        shutil.copyfileobj(saved, packed, _PIECE)
    return str(index["manifests"][0]["digest"])


@contextmanager
def _packed(file: Path) -> Iterator[tarfile.TarFile]:
    # Without a name and a time of its own, which gzip would write.
    with (
        file.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, 0) as packed,
        tarfile.open(fileobj=packed, mode="w") as target,
    ):
        yield target


def _converted(source: tarfile.TarFile, target: tarfile.TarFile, image: str) -> str:
    (described,) = _read(source, "manifest.json")
    added: dict[str, int] = {}

    def blob(opened: IO[bytes], kind: str) -> dict[str, Any]:
        digest, size = hashlib.sha256(), 0
        while piece := opened.read(_PIECE):
            digest.update(piece)
            size += len(piece)
        name = digest.hexdigest()
        if name not in added:
            opened.seek(0)
            _add(target, f"blobs/sha256/{name}", opened, size)
            added[name] = size
        return {"mediaType": f"{_OCI}.{kind}", "digest": f"sha256:{name}", "size": size}

    config = blob(_member(source, described["Config"]), "config.v1+json")
    layers = [blob(_member(source, name), "layer.v1.tar") for name in described["Layers"]]
    manifest = {"schemaVersion": 2, "mediaType": f"{_OCI}.manifest.v1+json", "config": config, "layers": layers}
    top = blob(io.BytesIO(_bytes(manifest)), "manifest.v1+json")
    tag = image.rpartition(":")[2]
    top["annotations"] = {"io.containerd.image.name": image, "org.opencontainers.image.ref.name": tag}
    index = {"schemaVersion": 2, "mediaType": f"{_OCI}.index.v1+json", "manifests": [top]}
    dockers = [{"Config": _path(config), "RepoTags": [image], "Layers": [_path(layer) for layer in layers]}]
    for name, content in (("index.json", index), ("manifest.json", dockers)):
        _add(target, name, io.BytesIO(_bytes(content)), len(_bytes(content)))
    layout = b'{"imageLayoutVersion": "1.0.0"}'
    _add(target, "oci-layout", io.BytesIO(layout), len(layout))
    return str(top["digest"])


def _path(descriptor: dict[str, Any]) -> str:
    return "blobs/" + str(descriptor["digest"]).replace(":", "/")


def _add(target: tarfile.TarFile, name: str, opened: IO[bytes], size: int) -> None:
    member = tarfile.TarInfo(name)
    member.size = size
    target.addfile(member, opened)


def _member(source: tarfile.TarFile, name: str) -> IO[bytes]:
    # A layer that an image has twice is a link the second time; it is followed.
    opened = source.extractfile(name)
    if opened is None:
        raise tarfile.ReadError(f"{name} is no file in what docker save wrote")
    return opened


def _read(source: tarfile.TarFile, name: str) -> Any:
    return json.load(_member(source, name))


def _bytes(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":"), sort_keys=True).encode()
