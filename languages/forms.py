"""The forms of languages: the one of the admin's page, and that of an uploaded language.toml."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from languages.commands import words_in
from languages.documents import BadDescription, fields_in
from languages.models import Language
from languages.versions import family_of

MAX_BYTES = 64 * 1024
"""Many times the longest language.toml that comes with gexec; the form's texts name it too."""
_NO_SLUG = "Say what requests call the language: the file's name does not."


class CommandField(forms.JSONField):
    """Words, such as a command, written as a command line or as a JSON list."""

    def to_python(self, value: Any) -> Any:
        """The list of words; one error where it cannot be one."""
        if not isinstance(value, str):
            return super().to_python(value)
        try:
            return words_in(value)
        except ValueError as error:
            raise ValidationError(str(error), code="invalid") from None


class LanguageForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """What nobody changed keeps its value to the last character, whatever a browser makes of it on its way."""

    @property
    def changed_data(self) -> list[str]:
        """The fields that came back otherwise than they were shown."""
        return [name for name in super().changed_data if not self._came_back(name)]

    def clean(self) -> dict[str, Any]:
        """With the values of before for all that was not changed."""
        cleaned = super().clean() or self.cleaned_data
        cleaned = {name: _lines(value) if isinstance(value, str) else value for name, value in cleaned.items()}
        if self.instance.pk is None:
            return cleaned
        changed = set(self.changed_data)
        return {name: value if name in changed else getattr(self.instance, name) for name, value in cleaned.items()}

    def _came_back(self, name: str) -> bool:
        shown = self.fields[name].prepare_value(self[name].initial)
        data = self[name].data
        return shown is not None and data is not None and _lines(str(shown)) == _lines(str(data))


def _lines(text: str) -> str:
    """Browsers end lines as Windows does."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


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
