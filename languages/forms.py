"""A language from an uploaded language.toml: read, checked, and nothing of it executed."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from languages.documents import BadDescription, fields_in
from languages.models import Language
from languages.versions import family_of

MAX_BYTES = 64 * 1024
"""Many times the longest language.toml that comes with gexec; the form's texts name it too."""
_NO_SLUG = "Say what requests call the language: the file's name does not."


class LanguageFileForm(forms.Form):
    """The file, and the slug where the file's name is not it. When valid, `language` is the row to save."""

    file = forms.FileField(
        label="File",
        allow_empty_file=True,
        error_messages={"required": "Choose a file of at most 64 KiB."},
        help_text="A language.toml, or what Export gave. At most 64 KiB.",
    )
    slug = forms.CharField(
        required=False,
        max_length=64,
        help_text="What a request calls the language. Empty: the file's name, as in ruby.toml.",
    )

    def clean(self) -> dict[str, Any]:
        """The same errors as the admin's form has for the same values."""
        cleaned = super().clean() or {}
        if "file" not in cleaned or "slug" not in cleaned:
            return cleaned
        try:
            self.language = _language(cleaned["file"], cleaned["slug"])
        except BadDescription as error:
            self.add_error("file", str(error))
        except ValidationError as error:
            for name, messages in error.message_dict.items():
                self.add_error(None, [f"{name}: {message}" for message in messages])
        return cleaned


def _language(file: Any, slug: str) -> Language:
    fields = fields_in(_text(file), where=file.name)
    stem = PurePosixPath(file.name).name.removesuffix(".toml")
    slug = slug or ("" if stem == "language" else stem)
    if not slug:
        raise BadDescription(_NO_SLUG)
    language = Language(**{"image": f"gexec/{family_of(slug)}", **fields, "slug": slug})
    language.full_clean()
    return language


def _text(file: Any) -> str:
    content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise BadDescription(f"{file.name} is larger than {MAX_BYTES // 1024} KiB")
    try:
        return str(content, "utf-8")
    except UnicodeDecodeError:
        raise BadDescription(f"{file.name} is not UTF-8 text") from None
