"""Deleting languages in the admin: the page before tells what follows, and may take the images away too."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.http import HttpRequest

from languages import removal
from languages.models import Language
from languages.removal import Consequences, consequences_of
from rest.display import size

IMAGES_TOO = "images"
"""The box of the page before."""


def consequences(languages: Iterable[Language]) -> list[dict[str, Any]]:
    """For the page before, of each language."""
    return [_shown(consequences_of(language)) for language in languages]


def remove(admin: ModelAdmin[Language], request: HttpRequest, languages: Iterable[Language]) -> None:
    """As the page said, and with their images where its box was ticked."""
    images = IMAGES_TOO in request.POST
    removal.remove(languages, images=images)
    if images:
        admin.message_user(
            request, "Images that nothing else needs go as soon as no container uses them.", messages.INFO
        )


def _shown(each: Consequences) -> dict[str, Any]:
    return {
        "language": each.language,
        "names": [each.language.slug, *each.language.aliases],
        "executions": each.executions,
        "image_size": size(each.image.size_bytes) if each.image else "",
        "image_needed_by": each.image_needed_by,
        "is_from_folder": each.is_from_folder,
    }
