"""What django-axes shows of log-ins, with every character seen: strangers have sent these names and addresses."""

from __future__ import annotations

from typing import Any

from axes import admin as of_axes
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import CharField, Model, TextField
from django.http import HttpRequest

from rest.display import plain


class _SeenList(ChangeList):
    """Of rows whose texts are `_seen`."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = [_seen(row) for row in self.result_list]


class _Seen(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Put before a class of axes': it reads rows alone."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return _SeenList

    def get_list_filter(self, request: HttpRequest) -> Any:
        """Without one that has what was sent as its choices: there is one page for log-ins."""
        return [each for each in super().get_list_filter(request) if each != "path_info"]

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        row = super().get_object(request, object_id, from_field)
        return row and _seen(row)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _seen(row: Model) -> Model:
    for field in row._meta.concrete_fields:
        if isinstance(field, (CharField, TextField)) and (text := getattr(row, field.attname)):
            setattr(row, field.attname, plain(text))
    return row


for _model, _admin in (
    (AccessAttempt, of_axes.AccessAttemptAdmin),
    (AccessFailureLog, of_axes.AccessFailureLogAdmin),
    (AccessLog, of_axes.AccessLogAdmin),
):
    admin.site.unregister(_model)
    admin.site.register(_model, type(_admin.__name__, (_Seen, _admin), {}))
