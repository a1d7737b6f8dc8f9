"""What a caller asks for by a language's name."""

from __future__ import annotations

from languages.models import Language
from rest.text import printable


def unsupported(name: str) -> str:
    """The error for a language that is not enabled; where other versions of it are, it names them."""
    others = [f"{other.slug} ({other.version})" for other in Language.objects.versions(name) if other.enabled]
    versions = f"; versions that are: {', '.join(others)}" if others else ""
    return f"unsupported language: {printable(name)}{versions}"


def names_by_image() -> dict[str, str]:
    """What is run in each image, by its digest; several languages where they share one."""
    names: dict[str, list[str]] = {}
    for digest, name in Language.objects.exclude(image_digest="").values_list("image_digest", "name").order_by("slug"):
        names.setdefault(digest, []).append(name)
    return {digest: ", ".join(dict.fromkeys(each)) for digest, each in names.items()}
