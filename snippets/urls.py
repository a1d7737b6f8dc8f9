"""The paths of snippets, below /api/v1/."""

from __future__ import annotations

from django.urls import path

from snippets.api import SnippetsView, SnippetView

urlpatterns = [
    path("snippets", SnippetsView.as_view(), name="snippets"),
    path("snippets/<str:snippet_id>", SnippetView.as_view(), name="snippet"),
]
