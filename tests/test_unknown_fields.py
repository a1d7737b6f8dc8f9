"""Fields and parameters that nobody knows are refused by name, and what was meant is guessed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import RequestFactory
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from rest.unknown import StrictSerializer, parameters_in
from rest.views import Endpoint


class _Limits(StrictSerializer):
    wall_ms = serializers.IntegerField(required=False)


class _Body(StrictSerializer):
    id = serializers.CharField(read_only=True)
    limits = _Limits(required=False)
    tests = _Limits(many=True, required=False)


class _Query(StrictSerializer):
    status = serializers.ChoiceField(choices=["queued", "finished"], required=False)


class StrictView(Endpoint):
    authentication_classes = []
    permission_classes = []

    def get(self, request: Request) -> Response:
        return Response(parameters_in(request, _Query, also=("limit", "cursor"), under="tag."))

    def post(self, request: Request) -> Response:
        serializer = _Body(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response(serializer.validated_data)


def post(body: object) -> Any:
    return StrictView.as_view()(RequestFactory().post("/", json.dumps(body), "application/json")).data


def get(query: str) -> Any:
    return StrictView.as_view()(RequestFactory().get(f"/?{query}")).data


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"limit": {}}, "#/limit"),
        ({"limits": {"wall": 1}}, "#/limits/wall"),
        ({"tests": [{}, {"wall": 1}]}, "#/tests/1/wall"),
        ({"id": "x"}, "#/id"),
        ({"a/b~": 1}, "#/a~1b~0"),
        ({"": 1}, "#/"),
    ],
)
def test_an_unknown_field(body: object, pointer: str) -> None:
    problem = post(body)
    assert (problem["status"], problem["code"]) == (400, "unknown_field")
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [(pointer, "unknown_field")]


def test_a_slip_of_the_pen_is_told() -> None:
    assert post({"limit": {}})["detail"] == "limit: there is no such field; did you mean limits?"
    assert get("statsu=queued")["detail"] == "statsu: there is no such parameter; did you mean status?"


def test_the_answer_to_very_many_is_short() -> None:
    problem = post({f"{number}" * 100: 0 for number in range(1000)})
    assert problem["code"] == "unknown_field"
    assert len(json.dumps(problem)) < 4000


def test_what_is_known_passes() -> None:
    assert post({"limits": {"wall_ms": 3}, "tests": [{}]}) == {"limits": {"wall_ms": 3}, "tests": [{}]}
    assert get("status=queued&limit=3&cursor=x&tag.interview=42") == {"status": "queued"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("status=x", "invalid_field"),
        ("Status=queued", "unknown_field"),
        ("tags.a=1", "unknown_field"),
        ("status=queued&status=queued", "invalid_field"),
        ("tag.a=1&tag.a=2", "invalid_field"),
        ("tag.a=%00", "nul_character"),
        ("%00=1", "unknown_field"),
    ],
)
def test_a_parameter_that_is_wrong(query: str, code: str) -> None:
    problem = get(query)
    assert (problem["status"], problem["code"]) == (400, code)
