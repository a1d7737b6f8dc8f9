"""GET /api/v1/languages: what programs can be written in, and what they get."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from languages import programs
from languages.in_force import InForce, in_force, told
from languages.lookup import unsupported
from languages.models import Language
from languages.options import options_of
from languages.warm import warm_profiles
from rest.views import Revalidated


class ColumnsSerializer(serializers.Serializer[Language]):
    """Columns that are JSON as they stand: read as they are, which takes half the time of DRF's own way."""

    def to_representation(self, instance: Language) -> dict[str, Any]:
        return {
            name: getattr(instance, source) if source else field.to_representation(instance)
            for name, source, field in self._columns
        }

    @cached_property
    def _columns(self) -> list[tuple[str, str, serializers.Field[Any, Any, Any, Any]]]:
        """Name, column and field; no column where the field takes the whole row."""
        return [(name, str(field.source).removesuffix("*"), field) for name, field in self.fields.items()]


class LimitsSerializer(ColumnsSerializer):
    """What a program gets where the request names nothing, and how long it may ask for."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Those options of a language that its users may know."""
        return {
            option.name: serializers.IntegerField(
                help_text=option.help_text,
                min_value=option.low,
                max_value=option.high,
                allow_null=option.default is None,
            )
            for option in options_of(Language)
            if option.in_api
        }


class VersionSerializer(serializers.Serializer[Language]):
    """A version of a language."""

    slug = serializers.CharField(help_text="Its name in a request.")
    version = serializers.CharField(help_text="What its own interpreter or compiler says.")


class LanguageSerializer(ColumnsSerializer):
    """A language. The context has the enabled ones by family, and the profiles that a container is ready for."""

    slug = serializers.CharField(help_text="Its name in a request, with the version after an @ where it has several.")
    name = serializers.CharField(help_text="Its name for people.")
    aliases = serializers.ListField(child=serializers.CharField(), help_text="Other names in a request.")
    version = serializers.CharField(help_text="What its own interpreter or compiler says.")
    versions = serializers.SerializerMethodField(help_text="All that can be asked for of this language.")
    source_file = serializers.CharField(help_text="What the program's file is called.")
    compile_args = serializers.ListField(
        source="allowed_compile_args",
        child=serializers.CharField(),
        help_text="What may be given to its compiler; * at the end stands for anything.",
    )
    example = serializers.CharField(help_text="A program that runs.")
    limits = LimitsSerializer(source="*")
    warm = serializers.SerializerMethodField(help_text="Whether a container is ready for it.")
    isolation = serializers.SerializerMethodField(
        help_text="What is made anew for each execution, on this host: a container; a cell within one that serves the "
        "same API key; or a cell within one that serves everybody. null: cells, as far as the host lets them be made, "
        "which is not known yet."
    )

    @extend_schema_field(VersionSerializer(many=True))
    def get_versions(self, language: Language) -> list[dict[str, Any]]:
        """The enabled versions of the same language, this one among them."""
        family = self.context["families"][language.family]
        return [{"slug": other.slug, "version": other.version} for other in family]

    def get_warm(self, language: Language) -> bool:
        """Whether the process that answers has one."""
        return programs.profile_of(language) in self.context["warm"]

    @extend_schema_field(serializers.ChoiceField(choices=[each.value for each in InForce], allow_null=True))
    def get_isolation(self, language: Language) -> str | None:
        """As the containers have told that this process has started."""
        return in_force(programs.profile_of(language), self.context["told"])


class PackageSerializer(serializers.Serializer[Any]):
    """A package of a language's image."""

    name = serializers.CharField(help_text="As its own manager calls it: numpy, libboost-dev.")
    version = serializers.CharField(help_text="The one that is there.")


class OneLanguageSerializer(LanguageSerializer):
    """A language with what else it has to offer."""

    packages = serializers.SerializerMethodField(
        help_text="What is there beside the language itself, by name, as the last self-test found it. "
        "Empty where nothing is known."
    )

    @extend_schema_field(PackageSerializer(many=True))
    def get_packages(self, language: Language) -> list[Any]:
        """Of the image that its programs run in."""
        return language.packages or []


class LanguagesSerializer(serializers.Serializer[Any]):
    """All enabled languages."""

    languages = LanguageSerializer(many=True, help_text="By slug.")


class LanguagesView(Revalidated):
    """All enabled languages, by slug."""

    http_method_names = ["get", "head"]
    for_pages = ("GET", "HEAD")

    @extend_schema(
        summary="List languages",
        responses={200: OpenApiResponse(LanguagesSerializer, "All that are enabled."), 304: None},
    )
    def get(self, request: Request) -> Response:
        """The list, or 304."""
        enabled = _enabled()
        serializer = LanguageSerializer(context=_context(enabled))
        return Response({"languages": [serializer.to_representation(language) for language in enabled]})


class LanguageView(Revalidated):
    """One enabled language."""

    http_method_names = ["get", "head"]
    for_pages = ("GET", "HEAD")

    @extend_schema(
        summary="One language",
        responses={200: OpenApiResponse(OneLanguageSerializer, "The one of this name."), 304: None},
    )
    def get(self, request: Request, name: str) -> Response:
        """The one with this slug, alias or version, as /execute would take it."""
        language = Language.objects.matching(name)
        if language is None or not language.enabled:
            raise NotFound(unsupported(name))
        return Response(OneLanguageSerializer(language, context=_context(_enabled())).data)


def _enabled() -> list[Language]:
    return [language for language in Language.objects.catalogued() if language.enabled]


def _context(enabled: Iterable[Language]) -> dict[str, Any]:
    families: defaultdict[str, list[Language]] = defaultdict(list)
    for language in enabled:
        families[language.family].append(language)
    return {"families": families, "warm": warm_profiles(), "told": told()}
