"""How many executions a language had, for those who ask the languages."""

from __future__ import annotations

from executions.models import Execution


def rows_of(slug: str, at_most: int) -> int:
    """Rows that carry this language's name; `at_most` where there are more."""
    return Execution.objects.filter(language_slug=slug).order_by()[:at_most].count()
