"""Who may see which executions: those of the key's client, or the one that a token opens. All others do not exist."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request

from clients import policy
from clients.rights import Right
from executions.api.tokens import is_short, opens
from executions.models import Execution
from executions.origins import caller_of

TOKEN_PARAMETER = "access_token"  # noqa: S105 (a parameter's name)
_TOKEN_HEADER = "X-Access-Token"  # noqa: S105 (a header's name)


def visible(request: Request) -> QuerySet[Execution]:
    """All executions of the caller's client; none without a key."""
    return policy.visible(caller_of(request), Execution.objects.all())


def sees_hidden(request: Request, execution: Execution) -> bool:
    """Whether the caller may see its hidden tests: with a key of the same client that has the right for it.

    What was submitted without a key its submitter sees, who has the access token. A token of a client's execution, or a
    short one, may be in anybody's browser; whatever key comes beside it may be one of that person's own.
    """
    if execution.client_id is None:
        return not is_short(token_of(request))
    caller = caller_of(request)
    return caller is not None and caller.client_id == execution.client_id and Right.SEE_HIDDEN in caller.rights


def token_of(request: Request) -> str:
    """The token that it brings, or an empty string."""
    return request.headers.get(_TOKEN_HEADER) or request.query_params.get(TOKEN_PARAMETER, "")


def check_may_act(request: Request, execution: Execution) -> None:
    """PermissionDenied where only a short token opens the execution: it is for reading, and makes no other."""
    if is_short(token_of(request)) and not visible(request).filter(pk=execution.pk).exists():
        raise PermissionDenied("a short token is for reading alone", "forbidden_right")


def owned(request: Request, execution_id: UUID) -> Execution:
    """As `found`, by the caller's key alone: a token is for reading. Raises NotFound."""
    return _first(visible(request), execution_id)


def found(request: Request, execution_id: UUID) -> Execution:
    """The execution, where the caller may see it. NotFound, the same for one of others as for none at all."""
    rows = visible(request)
    token = token_of(request)
    if token and opens(token, execution_id):
        rows = Execution.objects.all()
    return _first(rows, execution_id)


def _first(rows: QuerySet[Execution], execution_id: UUID) -> Execution:
    execution = rows.filter(pk=execution_id).first()
    if execution is None:
        raise NotFound(f"there is no execution {execution_id}")
    return execution
