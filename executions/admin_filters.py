"""The filters of the list of executions: what is chosen in all of them together is one range of one index.

Left to itself the planner looks for the rows of a common language or outcome from the list's end on, which is quick
where they are spread evenly and reads the whole history where they are not. So a range names all columns of its index,
and is asked for in their order, which no other index has: a row of ten million is found as a row of ten thousand.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib.admin import FieldListFilter, SimpleListFilter
from django.contrib.admin.filters import DateFieldListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.db.models.expressions import Combinable
from django.http import HttpRequest

from clients.models import Client
from executions import totals
from executions.doors import PLACES, Door
from executions.models import Execution, Status
from executions.outcomes import ENDINGS
from executions.ranges import HIGHEST, LOWEST, Range
from languages.models import Language
from rest.ids import first_at

STATUS, OUTCOME = "status__exact", "outcome__exact"
LANGUAGE, CLIENT, DOOR = "language_slug", "client_id", "door"
SINCE, UNTIL = "created_at__gte", "created_at__lt"
LOOKUPS = frozenset((STATUS, OUTCOME, LANGUAGE, CLIENT, DOOR, SINCE, UNTIL))
"""All that an address of the list may ask for, beside the search."""

OFFERED_CLIENTS = 30
"""Beside the list; each other one is found in the list of clients, which leads to its executions."""

_UNFINISHED = tuple(status for status in Status if status is not Status.FINISHED)
"""All finished ones at once are not offered: no index has them in order, and each outcome is there."""


class EndingFilter(FieldListFilter):
    """How it ended or, of what did not end by itself, where it is: status and outcome are one choice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "how it ended"

    def expected_parameters(self) -> list[str | None]:
        return [STATUS, OUTCOME]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset

    def chosen(self) -> dict[str, object]:
        """Status and outcome, where something is chosen. Raises IncorrectLookupParameters."""
        status, outcome = self._asked()
        if status and status not in _UNFINISHED:
            raise IncorrectLookupParameters(f"{status} is no choice")
        if status:
            return {"status": status, "outcome": ""}
        return {"status": Status.FINISHED, "outcome": outcome} if outcome else {}

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """All, each outcome, each status of what is not finished."""
        status, outcome = self._asked()

        def choice(display: str, *, selected: bool, **parameters: str) -> dict[str, Any]:
            query = changelist.get_query_string(parameters, [STATUS, OUTCOME])
            return {"selected": selected, "query_string": query, "display": display}

        yield choice("All", selected=not status and not outcome)
        for value, ending in ENDINGS.items():
            selected = not status and outcome == value
            yield choice(ending.label, selected=selected, **{OUTCOME: value.value})
        for each in _UNFINISHED:
            yield choice(each.label.lower(), selected=status == each, **{STATUS: each.value})

    def _asked(self) -> tuple[str, str]:
        return _last(self.used_parameters, STATUS), _last(self.used_parameters, OUTCOME)


class LanguageFilter(SimpleListFilter):
    """By the name that a row carries, also of languages that are there no more."""

    title = "language"
    parameter_name = LANGUAGE

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Names of languages, and those that were ever counted: no row of an execution is read for it."""
        slugs = {*Language.objects.values_list("slug", flat=True), *totals.languages()}
        return [(slug, slug) for slug in sorted(slugs)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset

    def chosen(self) -> dict[str, object]:
        """The name, where one is chosen."""
        return {"language_slug": self.value()} if self.value() else {}


class ClientFilter(SimpleListFilter):
    """By the client whose key it came with."""

    title = "client"
    parameter_name = CLIENT

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The first by name, and the one that is chosen."""
        clients = Client.objects.order_by("name").values_list("pk", "name")
        offered = dict(clients[:OFFERED_CLIENTS])
        if (asked := self._asked()) is not None:
            offered |= dict(clients.filter(pk=asked))
        return [(str(pk), name) for pk, name in offered.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset

    def has_output(self) -> bool:
        """Also what is chosen by hand is this filter's to judge."""
        return super().has_output() or bool(self.value())

    def chosen(self) -> dict[str, object]:
        """Its id, where one is chosen. Raises IncorrectLookupParameters."""
        if not self.value():
            return {}
        if (asked := self._asked()) is None:
            raise IncorrectLookupParameters(f"{self.value()} is no client")
        return {"client_id": asked}

    def _asked(self) -> UUID | None:
        try:
            return UUID(self.value() or "")
        except ValueError:
            return None


class DoorFilter(SimpleListFilter):
    """By the door that they came through. POST /execute is not offered: no index has its rows apart."""

    title = "door"
    parameter_name = DOOR

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """All others, whether they are open or not."""
        return [(door.value, place.title) for door, place in PLACES.items() if door is not Door.EXECUTE]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset

    def chosen(self) -> dict[str, object]:
        """Its name, where one is chosen. Raises IncorrectLookupParameters."""
        name = self.value()
        if name and name not in dict(self.lookup_choices):
            raise IncorrectLookupParameters(f"{name} is no choice")
        return {DOOR: name} if name else {}


class CreatedFilter(DateFieldListFilter):
    """Days, as ranges of the primary key, which begins with the time."""

    def expected_parameters(self) -> list[str | None]:
        return [SINCE, UNTIL]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset

    def bounds(self) -> tuple[UUID, UUID]:
        """From which id on, and up to which one. Raises IncorrectLookupParameters."""
        try:
            since, until = (self.field.to_python(_last(self.used_parameters, name) or None) for name in (SINCE, UNTIL))
        except ValidationError as error:
            raise IncorrectLookupParameters(error) from error
        return first_at(since) if since else LOWEST, first_at(until) if until else HIGHEST


class ExecutionList(ChangeList):
    """The list, with its filters' choices as one range in the direction that was asked for."""

    range: Range
    rows_in_no_order: QuerySet[Any]
    """Of the whole range, whatever the order in which the list has them."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str | Combinable]:
        """By id, which is in the order of time: whatever else the address asks for, no index has it."""
        asked = super().get_ordering(request, queryset)
        return [each for each in asked if str(each).removeprefix("-") in {"id", "pk"}][:1]

    def get_queryset(self, request: HttpRequest, exclude_parameters: list[str | None] | None = None) -> QuerySet[Any]:
        rows: QuerySet[Execution] = super().get_queryset(request, exclude_parameters)
        chosen: dict[str, object] = {}
        low, high = LOWEST, HIGHEST
        for each in self.filter_specs:
            if isinstance(each, CreatedFilter):
                low, high = each.bounds()
            elif isinstance(each, EndingFilter | LanguageFilter | ClientFilter | DoorFilter):
                chosen |= each.chosen()
        descending = str(rows.query.order_by[0]).startswith("-")
        if DOOR in chosen:
            # Its index has few rows; all else that was chosen is looked at in them. It is partial, and named for that.
            rows, chosen = rows.filter(**chosen), {DOOR: chosen[DOOR]}
        self.range = Range(chosen, low, high)
        self.rows_in_no_order = rows
        return self.range.of(rows, descending=descending)

    def get_results(self, request: HttpRequest) -> None:
        """A list that fits on its page has no LIMIT of its own, and the planner would prepare for many more rows."""
        super().get_results(request)
        if not self.result_list.query.is_sliced:
            self.result_list = self.result_list[: self.list_max_show_all if self.show_all else self.list_per_page]
        self.result_list = _with_client_names(self.result_list)


def _with_client_names(rows: QuerySet[Execution]) -> list[Execution]:
    """The rows, each with the name of its client."""
    found = list(rows)
    ids = {row.client_id for row in found if row.client_id is not None}
    names = dict(Client.objects.filter(pk__in=ids).values_list("pk", "name"))
    for row in found:
        if row.client_id is not None:
            row.client_name = names.get(row.client_id)  # type: ignore[attr-defined]  # of this list alone
    return found


def _last(parameters: dict[str, Any], name: str) -> str:
    """What the address says last; empty where it says nothing."""
    values = parameters.get(name) or [""]
    return str(values[-1])
