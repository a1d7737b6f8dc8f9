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
    """Whether the caller may see hidden tests: by its key's right, or because it has submitted them without a key.

    A token, which somebody's browser may have, opens an execution of a client without them.
    """
    caller = caller_of(request)
    return execution.client_id is None if caller is None else Right.SEE_HIDDEN in caller.rights


def token_of(request: Request) -> str:
    """The token that it brings, or an empty string."""
    return request.headers.get(_TOKEN_HEADER) or request.query_params.get(TOKEN_PARAMETER, "")


def check_may_hand_on(request: Request) -> None:
    """PermissionDenied where it is only a short token that opens the execution: else one would make the next."""
    if policy.reads_by_token(caller_of(request)) and is_short(token_of(request)):
        raise PermissionDenied("a short token makes no other", "forbidden_right")


def found(request: Request, execution_id: UUID) -> Execution:
    """The execution, where the caller may see it. NotFound, the same for one of others as for none at all."""
    rows = visible(request)
    token = token_of(request)
    if token and opens(token, execution_id):
        rows = Execution.objects.all()
    execution = rows.filter(pk=execution_id).first()
    if execution is None:
        raise NotFound(f"there is no execution {execution_id}")
    return execution
