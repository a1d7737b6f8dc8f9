"""What addresses and forms of the admin bring: where it can be nothing that is meant, it is refused, not a fault."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import BadRequest, FieldDoesNotExist, ValidationError
from django.db import models
from django.http import HttpRequest

from rest.display import check_name
from rest.text import StorableDecoder


class _Chosen(AutocompleteSelect):
    """Django looks up what was sent as it is, also to show a form again that was refused for it."""

    def optgroups(self, name: str, value: Iterable[Any], attrs: Any = None) -> Any:
        key = self.field.target_field
        return super().optgroups(name, [each for each in value if not each or _can_be(key, each)], attrs)


class Checked:
    """Put before every class of the admin's."""

    opts: Any
    admin_site: Any

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """JSON is such as can be stored, and of a line of text every character is seen."""
        if isinstance(db_field, models.JSONField):
            kwargs.setdefault("decoder", StorableDecoder)
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]  # of ModelAdmin
        if field is not None and isinstance(db_field, models.CharField):
            field.validators = [*field.validators, check_name]
        return field

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A row that is searched for may be any text."""
        if db_field.name in self.get_autocomplete_fields(request):  # type: ignore[attr-defined]  # of ModelAdmin
            kwargs.setdefault("widget", _Chosen(db_field, self.admin_site, using=kwargs.get("using")))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]  # of ModelAdmin

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Of what an address proposes for a new row, what can be its value."""
        proposed: dict[str, Any] = super().get_changeform_initial_data(request)  # type: ignore[misc]  # of ModelAdmin
        return {name: value for name, value in proposed.items() if self._may_have(name, value)}

    def response_action(self, request: HttpRequest, queryset: Any) -> Any:
        """What is chosen in a list has the form of a row's key."""
        if not all(_can_be(self.opts.pk, each) for each in request.POST.getlist(ACTION_CHECKBOX_NAME)):
            raise BadRequest("what was chosen are no rows of this list")
        return super().response_action(request, queryset)  # type: ignore[misc]  # of ModelAdmin

    def _may_have(self, name: str, value: Any) -> bool:
        try:
            return _can_be(self.opts.get_field(name), value)
        except FieldDoesNotExist:
            return True


def _can_be(field: Any, value: Any) -> bool:
    try:
        field.to_python(value)
    except (ValidationError, RecursionError):
        return False
    except ValueError:
        # A list of words is one of JSON to its column, and words with commas to its form, which says what it thinks.
        return True
    return "\x00" not in str(value)
