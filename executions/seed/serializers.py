"""What POST /execute takes, with the seed contract's own words for what it does not take."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NoReturn

from django.conf import settings
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from executions.limits import AskedLimits, caps_of, effective
from executions.submission import Submission, single_file
from languages.lookup import unsupported
from languages.models import Language

_NO_CAPS: Mapping[str, int] = MappingProxyType({})


class _NamesItself(serializers.Field[Any, Any, Any, Any]):
    """A field whose messages begin with its name, as the seed's do."""

    def fail(self, key: str, **kwargs: Any) -> NoReturn:
        super().fail(key, name=self.field_name, **kwargs)


class TextField(_NamesItself):
    """A string that is not empty; a number is none."""

    default_error_messages = {
        "required": "{name} cannot be empty",
        "null": "{name} cannot be empty",
        "blank": "{name} cannot be empty",
        "not_a_string": "{name} must be a string",
    }

    def to_internal_value(self, data: Any) -> Any:
        if data == "":
            self.fail("blank")
        if not isinstance(data, str):
            self.fail("not_a_string")
        return data


class LanguageField(TextField):
    """An enabled language by its slug, alias or version, in any case."""

    def to_internal_value(self, data: Any) -> Language:
        name: str = super().to_internal_value(data)
        language = Language.objects.matching(name)
        if language is None or not language.enabled:
            raise serializers.ValidationError(unsupported(name), code="unsupported_language")
        return language


class SourceField(TextField):
    """A program's text: UTF-8 of at most GEXEC_MAX_SOURCE_BYTES, and no NUL, which PostgreSQL cannot keep."""

    default_error_messages = {
        "nul_character": "{name} cannot contain NUL characters",
        "lone_surrogate": "{name} cannot contain lone surrogates",
        "body_too_large": "{name} is larger than {max_bytes} bytes",
    }

    def to_internal_value(self, data: Any) -> str:
        source: str = super().to_internal_value(data)
        if "\x00" in source:
            self.fail("nul_character")
        try:
            size = len(source.encode())
        except UnicodeEncodeError:
            self.fail("lone_surrogate")
        if size > settings.GEXEC_MAX_SOURCE_BYTES:
            self.fail("body_too_large", max_bytes=settings.GEXEC_MAX_SOURCE_BYTES)
        return source


class WholeNumberField(_NamesItself):
    """An integer, which in JSON 1.0 and 1e3 are too; "1" is none, nor is true, which only Python takes for one."""

    default_error_messages = {"invalid": "{name} must be an integer"}

    def to_internal_value(self, data: Any) -> int:
        # 1e999 is infinite, and that is not whole.
        if isinstance(data, float) and data.is_integer():
            return int(data)
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return data


class SubmissionSerializer(serializers.Serializer[Submission]):
    """A program, in which language, and how long it may run: 1 to the language's max_timeout_ms. More is ignored.

    Where the context's `has_key` is false, GEXEC_MAX_TIMEOUT_MS_WITHOUT_KEY bounds the time as well; so do its `caps`.
    """

    language = LanguageField(help_text="A language's slug or alias, and a version where it has several: python@3.13.")
    source_code = SourceField(help_text="The program's text.")
    timeout_ms = WholeNumberField(
        required=False, allow_null=True, help_text="Wall time, without compiling; the language's own where left out."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """What may run, at most as long as its language allows."""
        language, timeout_ms = attrs["language"], attrs.get("timeout_ms")
        caps = caps_of(language, has_key=self.context["has_key"], within=self.context["caps"])
        if timeout_ms is not None and not 1 <= timeout_ms <= caps.wall_ms:
            message = f"timeout_ms must be between 1 and {caps.wall_ms}"
            raise serializers.ValidationError({"timeout_ms": ErrorDetail(message, code="limit_exceeded")})
        limits = effective(language, AskedLimits(wall_ms=timeout_ms), caps)
        return {"submission": single_file(language, attrs["source_code"], limits)}


def submission_in(data: Mapping[str, Any], *, has_key: bool, caps: Mapping[str, int] = _NO_CAPS) -> Submission:
    """The submission in a request's JSON object, with an API key or without one. Raises ValidationError.

    `caps` are the client's, by the names of executions.limits.
    """
    submission: Submission = _serializer(has_key, frozenset(caps.items())).run_validation(data)["submission"]
    return submission


@lru_cache(maxsize=256)
def _serializer(has_key: bool, caps: frozenset[tuple[str, int]]) -> SubmissionSerializer:
    """One for all requests of a kind, as DRF has one for all entries of a list: making fields costs more than using."""
    return SubmissionSerializer(context={"has_key": has_key, "caps": dict(caps)})
