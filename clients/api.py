"""/api/v1/me, /usage and /keys: what a client's own keys may know of it, and do to it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, cast

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from clients import authentication, quotas, usage
from clients.authentication import usable
from clients.caller import Caller
from clients.models import Client, Key
from clients.permissions import MayCall, NeedsKey
from clients.rights import PUBLISHABLE, USUAL, Right
from rest.fields import Flag, Text
from rest.lists import PARAMETERS, page_of
from rest.openapi import LIST_PARAMETERS, list_of, parameter
from rest.permissions import KeyWhereRequired
from rest.text import encodable, printable
from rest.times import TimeField
from rest.unknown import StrictSerializer, parameters_in, refuse_unknown
from rest.views import ApiEndpoint

MAX_KEYS = 200
"""Valid ones of a client at one time."""
MAX_DAYS = 366
_USUAL_DAYS = 30
_TAG = "tag."
_DATE = {"type": "string", "format": "date", "example": "2026-11-25"}
_READS = {"GET": Right.READ, "HEAD": Right.READ}
_MANAGES = dict.fromkeys(("GET", "HEAD", "POST", "DELETE"), Right.MANAGE_KEYS)


class OfAClient(ApiEndpoint):
    """A view of what belongs to a client: closed without a key."""

    permission_classes = [KeyWhereRequired, NeedsKey, MayCall]


def caller_of(request: Request) -> Caller:
    """Who calls a view that is closed without a key."""
    return cast("Caller", request.auth)


class KeySerializer(serializers.Serializer[Key]):
    """A key. Its secret is told once, in the answer that made it."""

    object = serializers.CharField(default="key", read_only=True, help_text="Always `key`.")
    id = serializers.CharField(source="prefix", read_only=True, help_text="Its public part, which executions carry.")
    name = serializers.CharField(read_only=True, help_text="What it is for.")
    rights = serializers.ListField(
        child=serializers.ChoiceField([right.value for right in Right]),
        read_only=True,
        help_text="What it may do, as far as its client may.",
    )
    publishable = serializers.BooleanField(read_only=True, help_text="Whether it is for web pages.")
    created_at = TimeField(read_only=True, help_text="When it was made.")
    expires_at = TimeField(read_only=True, allow_null=True, help_text="From when on it is refused; null: never.")
    revoked_at = TimeField(read_only=True, allow_null=True, help_text="When it was revoked; null: it was not.")
    last_used_at = TimeField(read_only=True, allow_null=True, help_text="To the minute; null: never.")


class MadeKeySerializer(KeySerializer):
    """A key with its secret."""

    secret = serializers.CharField(
        read_only=True, help_text="The key itself, to be sent as `Authorization: Api-Key …`."
    )


class NewKeySerializer(StrictSerializer):
    """A key that is to be made, for the client of the key that asks."""

    name = Text(max_length=50, help_text="What it is for.")
    rights = serializers.ListField(
        child=serializers.ChoiceField(choices=[right.value for right in Right]),
        required=False,
        max_length=len(Right),
        help_text="What it may do: no more than the key that makes it. Left out: the usual of these.",
    )
    publishable = Flag(
        default=False, help_text="For web pages of the client's origins: execute, stream and read, with low caps."
    )
    expires_at = TimeField(required=False, allow_null=True, default=None, help_text="From when on it is refused.")

    def validate_expires_at(self, value: Any) -> Any:
        """What has expired already is a mistake."""
        if value is not None and value <= timezone.now():
            raise ValidationError("is over already", code="invalid")
        return value


class CallingKeySerializer(serializers.Serializer[Any]):
    """The key that asks."""

    prefix = serializers.CharField(help_text="Its public part.")
    name = serializers.CharField(help_text="What it is for.")
    rights = serializers.ListField(
        child=serializers.ChoiceField([right.value for right in Right]), help_text="What it may do."
    )
    publishable = serializers.BooleanField(help_text="Whether it is for web pages.")
    expires_at = TimeField(allow_null=True, help_text="From when on it is refused; null: never.")


class ClientLimitsSerializer(serializers.Serializer[Any]):
    """What bounds the client; null: nothing but the server's own limits."""

    languages = serializers.ListField(child=serializers.CharField(), allow_null=True, help_text="Those it may use.")
    caps = serializers.DictField(
        child=serializers.IntegerField(min_value=0),
        help_text="The most that a request may ask for, by the limit's name.",
    )
    rate = serializers.CharField(allow_null=True, help_text="Requests that execute, such as 60/m.")
    burst = serializers.IntegerField(allow_null=True, min_value=1, help_text="Of those, in one second.")
    max_concurrent = serializers.IntegerField(allow_null=True, min_value=1, help_text="Executions open at one time.")
    max_queued = serializers.IntegerField(
        allow_null=True, min_value=0, help_text="Executions that wait in the background at one time."
    )


class QuotaSerializer(serializers.Serializer[Any]):
    """What may be used in a time, and what was."""

    name = serializers.CharField(help_text="executions_day, cpu_s_day, cpu_s_month or storage_bytes; more may come.")
    used = serializers.FloatField(min_value=0, help_text="So far.")
    limit = serializers.FloatField(allow_null=True, min_value=0, help_text="At most; null: as much as it will.")
    resets_at = TimeField(help_text="When it begins anew.")


class MeSerializer(serializers.Serializer[Any]):
    """Who calls, and what it may do."""

    object = serializers.CharField(default="me", read_only=True, help_text="Always `me`.")
    client = serializers.CharField(help_text="The client's name.")
    key = CallingKeySerializer()
    limits = ClientLimitsSerializer()
    quotas = QuotaSerializer(many=True, help_text="Those that the client has; a publishable key is told of none.")


class SumsSerializer(serializers.Serializer[Any]):
    """What was used."""

    executions = serializers.IntegerField(min_value=0, help_text="Executions that have ended.")
    cpu_ms = serializers.FloatField(min_value=0, help_text="CPU time of their programs.")
    wall_ms = serializers.FloatField(min_value=0, help_text="Time of their programs by the clock.")
    stored_bytes = serializers.IntegerField(min_value=0, help_text="What was stored of them.")


class UsageGroupSerializer(SumsSerializer):
    """What was used of one group; the groups that were asked for are told apart by what follows, or by `tag.NAME`."""

    day = serializers.DateField(required=False, help_text="In UTC.")
    language = serializers.CharField(required=False, help_text="A language's slug.")
    key = serializers.CharField(required=False, help_text="A key's public part.")
    outcome = serializers.CharField(required=False, help_text="How they ended.")
    door = serializers.CharField(required=False, help_text="By which path they came.")


class UsageSerializer(serializers.Serializer[Any]):
    """What the client has used."""

    object = serializers.CharField(default="usage", read_only=True, help_text="Always `usage`.")
    to = serializers.DateField(help_text="The last day.")
    group_by = serializers.ListField(child=serializers.CharField(), help_text="What is told apart.")
    total = SumsSerializer(help_text="Of all together.")

    def get_fields(self) -> dict[str, Any]:
        """With `from`, which is no name in Python, and `data`, which a serializer has already."""
        return {
            "from": serializers.DateField(help_text="The first day."),
            **super().get_fields(),
            "data": UsageGroupSerializer(many=True, help_text="The sums of each group."),
        }


class UsageQuery(StrictSerializer):
    """Which days, and what is told apart."""

    to = serializers.DateField(required=False, help_text="The last day (UTC); left out: today.")
    group_by = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=200,
        help_text=f"Of {', '.join(usage.GROUPS)} and tag.NAME, between commas; left out: day.",
    )

    def get_fields(self) -> dict[str, Any]:
        """With `from`, which is no name in Python."""
        first = serializers.DateField(required=False, help_text=f"The first day (UTC); left out: {_USUAL_DAYS} days.")
        return {"from": first, **super().get_fields()}


class MeView(OfAClient):
    """GET /me: who calls, and what it may do."""

    http_method_names = ["get", "head"]
    for_pages = ("GET", "HEAD")

    @extend_schema(summary="Who calls", responses={200: OpenApiResponse(MeSerializer, "The client and its key.")})
    def get(self, request: Request) -> Response:
        """The key, the client's limits, and where its quotas stand."""
        refuse_unknown(request.query_params, (), what="parameter")
        caller = caller_of(request)
        key = {
            "prefix": caller.prefix,
            "name": caller.key_name,
            "rights": sorted(caller.rights),
            "publishable": caller.publishable,
            "expires_at": TimeField().to_representation(caller.expires_at),
        }
        # Every reader of a page has a publishable key; how much its client uses is none of their business.
        told = [] if caller.publishable else [_quota(each) for each in quotas.quotas_of(caller)]
        return Response(
            {"object": "me", "client": caller.client_name, "key": key, "limits": _limits(caller), "quotas": told}
        )


class UsageView(OfAClient):
    """GET /usage: what the client has used, day by day."""

    http_method_names = ["get", "head"]
    rights = _READS

    @extend_schema(
        summary="What the client has used",
        parameters=[
            parameter("from", f"The first day (UTC); left out: {_USUAL_DAYS} days.", _DATE),
            parameter("to", "The last day (UTC); left out: today.", _DATE),
            parameter(
                "group_by",
                f"Of {', '.join(usage.GROUPS)} and tag.NAME, between commas; left out: day.",
                {"type": "string", "maxLength": 200, "example": "day,language"},
            ),
        ],
        responses={200: OpenApiResponse(UsageSerializer, "By group, and in all.")},
    )
    def get(self, request: Request) -> Response:
        """Sums of each group, and of all together."""
        asked = parameters_in(request, UsageQuery)
        first, last = _days(asked)
        groups = _groups(asked.get("group_by", "day"))
        client_id = caller_of(request).client_id
        tags = [group for group in groups if group.startswith(_TAG)]
        plain = [group for group in groups if not group.startswith(_TAG)]
        if tags:
            rows = _tagged(usage.by_tag(client_id, first, last, tags[0].removeprefix(_TAG), plain), tags[0])
        else:
            rows = usage.by_groups(client_id, first, last, plain)
        if len(rows) > usage.MAX_GROUPS:
            raise _wrong("group_by", f"makes more than {usage.MAX_GROUPS} groups: ask for fewer days", "limit_exceeded")
        return Response(
            {
                "object": "usage",
                "from": str(first),
                "to": str(last),
                "group_by": groups,
                "data": [{**row, **{name: round(row[name], 3) for name in usage.SUMS}} for row in rows],
                "total": {name: round(sum(row[name] for row in rows), 3) for name in usage.SUMS},
            }
        )


class KeysView(OfAClient):
    """The client's keys."""

    http_method_names = ["get", "head", "post"]
    rights = _MANAGES

    @extend_schema(
        summary="List keys, newest first",
        parameters=LIST_PARAMETERS,
        responses={200: OpenApiResponse(list_of({"$ref": "#/components/schemas/Key"}), "A page.")},
    )
    def get(self, request: Request) -> Response:
        """All of them, revoked ones too, newest first."""
        refuse_unknown(request.query_params, PARAMETERS, what="parameter")
        return Response(page_of(_keys_of(caller_of(request)), request, represent=lambda key: KeySerializer(key).data))

    @extend_schema(
        summary="Make a key",
        request=NewKeySerializer,
        examples=[OpenApiExample("A key for a worker", {"name": "worker", "rights": ["execute"]}, request_only=True)],
        responses={201: OpenApiResponse(MadeKeySerializer, "Its secret is told here alone.")},
    )
    def post(self, request: Request) -> Response:
        """Make one; 201, with the key itself as `secret`, this once."""
        refuse_unknown(request.query_params, (), what="parameter")
        serializer = NewKeySerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked, caller = serializer.validated_data, caller_of(request)
        rights = _rights_for(asked, caller)
        if _keys_of(caller).filter(usable()).count() >= MAX_KEYS:
            raise _wrong("name", f"this client has {MAX_KEYS} valid keys already: revoke one", "limit_exceeded")
        text, key = authentication.create_for(
            Client.objects.get(pk=caller.client_id),
            asked["name"],
            rights=rights,
            publishable=asked["publishable"],
            expires_at=asked["expires_at"],
        )
        return Response({**KeySerializer(key).data, "secret": text}, status=201)


class KeyView(OfAClient):
    """One key of the client."""

    http_method_names = ["get", "head", "delete"]
    rights = _MANAGES

    @extend_schema(summary="One key", responses={200: OpenApiResponse(KeySerializer, "As it is now.")})
    def get(self, request: Request, prefix: str) -> Response:
        """The key with this public part."""
        refuse_unknown(request.query_params, (), what="parameter")
        return Response(KeySerializer(self._found(request, prefix)).data)

    @extend_schema(summary="Revoke a key", responses={204: None})
    def delete(self, request: Request, prefix: str) -> Response:
        """Refuse it from now on, for good; again does no harm. It stays in the list: executions carry its name."""
        key = self._found(request, prefix)
        authentication.revoke(key.prefix)
        return Response(status=204)

    def _found(self, request: Request, prefix: str) -> Key:
        key = _keys_of(caller_of(request)).filter(prefix=encodable(prefix)).first()
        if key is None:
            raise NotFound(f"there is no key {printable(prefix)}")
        return key


def _keys_of(caller: Caller) -> QuerySet[Key]:
    return Key.objects.filter(client_id=caller.client_id)


def _rights_for(asked: dict[str, Any], caller: Caller) -> list[Right]:
    """Those of the new key. PermissionDenied where they are more than the caller's own."""
    possible = PUBLISHABLE if asked["publishable"] else frozenset(Right)
    if "rights" not in asked:
        usual = PUBLISHABLE if asked["publishable"] else USUAL
        return sorted(right for right in usual if caller.has(right))
    rights = {Right(right) for right in asked["rights"]}
    for right in sorted(rights):
        if right not in possible:
            raise _wrong("rights", f"a publishable key cannot have the right {right.value}", "invalid")
        if not caller.has(right):
            raise PermissionDenied(f"a key gives no right that it has not: {right.value}", "forbidden_right")
    return sorted(rights)


def _limits(caller: Caller) -> dict[str, Any]:
    return {
        "languages": sorted(caller.languages) or None,
        "caps": dict(caller.caps),
        "rate": caller.rate or None,
        "burst": caller.burst,
        "max_concurrent": caller.max_concurrent,
        "max_queued": caller.max_queued,
    }


def _quota(quota: quotas.Quota) -> dict[str, Any]:
    return {
        "name": quota.name,
        "used": quota.used,
        "limit": quota.limit,
        "resets_at": TimeField().to_representation(quota.resets_at),
    }


def _tagged(rows: list[usage.Row] | None, name: str) -> list[usage.Row]:
    if rows is None:
        message = f"{name} is in more than {usage.MAX_TAGGED} executions: ask for fewer days"
        raise _wrong("group_by", message, "limit_exceeded")
    return [{name: row["tag"], **{key: value for key, value in row.items() if key != "tag"}} for row in rows]


def _days(asked: dict[str, Any]) -> tuple[date, date]:
    last = asked.get("to") or timezone.now().date()
    first = asked.get("from") or last - timedelta(days=min(_USUAL_DAYS - 1, last.toordinal() - 1))
    if first > last:
        raise _wrong("from", "is after `to`", "invalid")
    if (last - first).days >= MAX_DAYS:
        raise _wrong("from", f"is more than {MAX_DAYS} days before `to`", "limit_exceeded")
    return first, last


def _groups(text: str) -> list[str]:
    groups = [part.strip() for part in text.split(",") if part.strip()]
    for group in groups:
        if group not in usage.GROUPS and not (group.startswith(_TAG) and len(group) > len(_TAG)):
            known = ", ".join(usage.GROUPS)
            raise _wrong("group_by", f"{printable(group)} is none of {known} and tag.NAME", "invalid")
    if len(set(groups)) < len(groups) or sum(group.startswith(_TAG) for group in groups) > 1:
        raise _wrong("group_by", "names a group twice, or more than one tag", "invalid")
    return groups


def _wrong(name: str, message: str, code: str) -> ValidationError:
    return ValidationError({name: ErrorDetail(message, code=code)})
