"""Kinds of fields that the API's requests are made of, each with its bounds and its codes."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from executions.bounds import MAX_NAME_BYTES, why_no_name
from executions.content import Content
from languages.lookup import unsupported
from languages.models import Language
from rest.described import Schema
from rest.unknown import refuse_unknown

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_KINDS = ("base64", "file")
_BASE64: Schema = {"type": "string", "contentEncoding": "base64"}
_FILE: Schema = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}


def _object(name: str, schema: Schema) -> Schema:
    return {"type": "object", "properties": {name: schema}, "required": [name], "additionalProperties": False}


class PlainText(serializers.Field[Any, Any, Any, Any]):
    """A string of at most `max_bytes` in UTF-8; a number is none."""

    default_error_messages = {
        "invalid": "must be a string",
        "blank": "cannot be empty",
        "nul_character": "cannot contain NUL characters",
        "lone_surrogate": "cannot contain lone surrogates",
        "too_large": "is longer than {max_bytes} bytes",
    }

    def __init__(self, *, max_bytes: int, may_be_empty: bool = True, nul: bool = False, **kwargs: Any) -> None:
        self.max_bytes, self.may_be_empty, self.nul = max_bytes, may_be_empty, nul
        super().__init__(**kwargs)

    def described(self) -> Schema:
        """Characters are counted as bytes at least."""
        return {"type": "string", "maxLength": self.max_bytes, **({} if self.may_be_empty else {"minLength": 1})}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        if not data and not self.may_be_empty:
            self.fail("blank")
        if not self.nul and "\x00" in data:
            self.fail("nul_character")
        try:
            size = len(data.encode())
        except UnicodeEncodeError:
            self.fail("lone_surrogate")
        if size > self.max_bytes:
            self.fail("too_large", max_bytes=self.max_bytes)
        return data


class Choice(PlainText):
    """One of a few words."""

    default_error_messages = {"choice": "must be one of {choices}"}

    def __init__(self, choices: tuple[str, ...], **kwargs: Any) -> None:
        self.choices = choices
        super().__init__(max_bytes=64, **kwargs)

    def described(self) -> Schema:
        """The words."""
        return {"type": "string", "enum": list(self.choices)}

    def to_internal_value(self, data: Any) -> str:
        word = super().to_internal_value(data)
        if word not in self.choices:
            self.fail("choice", choices=", ".join(self.choices))
        return word


class Whole(serializers.Field[Any, Any, Any, Any]):
    """An integer from `low` to `high`; 1.0 is one in JSON, "1" and true are none."""

    default_error_messages = {
        "invalid": "must be an integer",
        "too_small": "must be at least {low}",
        "too_large": "must be at most {high}",
    }

    def __init__(self, *, low: int, high: int, **kwargs: Any) -> None:
        self.low, self.high = low, high
        super().__init__(**kwargs)

    def described(self) -> Schema:
        """With its bounds."""
        return {"type": "integer", "minimum": self.low, "maximum": self.high}

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, float) and data.is_integer():
            data = int(data)
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        if data < self.low:
            self.fail("too_small", low=self.low)
        if data > self.high:
            self.fail("too_large", high=self.high)
        return data


class ContentField(serializers.Field[Any, Any, Any, Any]):
    """Bytes: a string for text, `{"base64": "…"}` for any, `{"file": "sha256:…"}` for what was uploaded before."""

    default_error_messages = {
        "invalid": 'must be a string, {{"base64": "…"}} or {{"file": "sha256:…"}}',
        "base64": "base64 cannot be decoded",
        "digest": "file must be sha256: and 64 hexadecimal digits in lower case",
        "blank": "cannot be empty",
        "nul_character": "cannot contain NUL characters as text: send it as base64",
        "lone_surrogate": "cannot contain lone surrogates",
        "too_large": "is larger than {max_bytes} bytes",
    }

    def __init__(self, *, nul: bool = True, may_be_empty: bool = True, max_bytes: int | None = None, **kw: Any) -> None:
        """`max_bytes`: None where only the request as a whole is bounded."""
        self.nul, self.may_be_empty, self.max_bytes = nul, may_be_empty, max_bytes
        super().__init__(**kw)

    def described(self) -> Schema:
        """One of three forms."""
        text: Schema = {"type": "string", **({} if self.may_be_empty else {"minLength": 1})}
        if self.max_bytes is not None:
            text["maxLength"] = self.max_bytes
        return {
            "oneOf": [text, _object("base64", {"type": "string", "contentEncoding": "base64"}), _object("file", _FILE)]
        }

    def to_internal_value(self, data: Any) -> Content:
        if isinstance(data, str):
            content = Content(self._encoded(data))
        elif isinstance(data, Mapping) and len(data) == 1:
            content = self._referred(data)
        else:
            self.fail("invalid")
        if not content and not self.may_be_empty:
            self.fail("blank")
        if self.max_bytes is not None and len(content.data) > self.max_bytes:
            self.fail("too_large", max_bytes=self.max_bytes)
        return content

    def _encoded(self, text: str) -> bytes:
        if not self.nul and "\x00" in text:
            self.fail("nul_character")
        try:
            return text.encode()
        except UnicodeEncodeError:
            self.fail("lone_surrogate")

    def _referred(self, data: Mapping[str, Any]) -> Content:
        refuse_unknown(data, _KINDS, what="field")
        ((kind, value),) = data.items()
        if not isinstance(value, str):
            self.fail("invalid")
        if kind == "file":
            if not _DIGEST.fullmatch(value):
                self.fail("digest")
            return Content(file=value)
        try:
            return Content(base64.b64decode(value, validate=True))
        except (binascii.Error, ValueError):
            self.fail("base64")


class LanguageField(PlainText):
    """An enabled language by its slug, alias or version, in any case."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_bytes=1024, may_be_empty=False, **kwargs)

    def to_internal_value(self, data: Any) -> Language:  # type: ignore[override]  # the name becomes what it names
        name = super().to_internal_value(data)
        language = Language.objects.matching(name)
        if language is None or not language.enabled:
            raise ValidationError(unsupported(name), code="unsupported_language")
        return language


class FileName(PlainText):
    """A relative name with folders: no empty component, no `.` or `..`, as the sandbox takes it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_bytes=MAX_NAME_BYTES, may_be_empty=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        try:
            name = super().to_internal_value(data)
        except ValidationError as error:
            codes = error.get_codes()
            if codes == ["too_large"]:
                self._refuse(f"is longer than {MAX_NAME_BYTES} bytes")
            raise
        if (why := why_no_name(name)) is not None:
            self._refuse(why)
        return name

    def _refuse(self, message: str) -> NoReturn:
        raise ValidationError(message, code="invalid_file_name")


class ListOf(serializers.ListField):
    """A list of at most `max_length` entries."""

    default_error_messages = {
        "not_a_list": "must be a list",
        "max_length": "has more than {max_length} entries",
        "min_length": "has fewer than {min_length} entries",
    }


class TextsByName(serializers.Field[Any, Any, Any, Any]):
    """An object from names to strings, both bounded."""

    default_error_messages = {
        "invalid": "must be an object of strings",
        "too_many": "has more than {most} entries",
    }

    def __init__(self, *, most: int, name: PlainText, value: PlainText, pattern: str, **kwargs: Any) -> None:
        self.most, self.name, self.value, self.pattern = most, name, value, re.compile(pattern)
        super().__init__(**kwargs)

    def described(self) -> Schema:
        """Names by their pattern."""
        return {
            "type": "object",
            "maxProperties": self.most,
            "propertyNames": {"pattern": f"^{self.pattern.pattern}$", "maxLength": self.name.max_bytes},
            "additionalProperties": self.value.described(),
        }

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if not isinstance(data, Mapping):
            self.fail("invalid")
        if len(data) > self.most:
            self.fail("too_many", most=self.most)
        errors: dict[str, Any] = {}
        for name, text in data.items():
            try:
                self._refuse_name(name)
                self.value.to_internal_value(text)
            except ValidationError as error:
                errors[name] = error.detail
        if errors:
            raise ValidationError(errors)
        return dict(data)

    def _refuse_name(self, name: Any) -> None:
        if not self.pattern.fullmatch(self.name.to_internal_value(name)):
            raise ValidationError(f"a name must match {self.pattern.pattern}", code="invalid")


def problem_with(name: str, message: str, code: str) -> ValidationError:
    """A refusal of one field of the request, by its dotted name."""
    detail: Any = [ErrorDetail(message, code=code)]
    for part in reversed(name.split(".")):
        detail = {part: detail}
    return ValidationError(detail)
