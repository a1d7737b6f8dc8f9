"""The paths of the pages, at the root."""

from __future__ import annotations

from django.urls import path

from pages import embed, root_files, views

urlpatterns = [
    path("", views.front, name="front"),
    path("run", views.RunView.as_view(), name="run"),
    path("examples/<str:name>", views.examples, name="examples"),
    path("languages", views.languages, name="languages"),
    path("embed", embed.embed, name="embed"),
    path("s/<str:snippet_id>", views.snippet, name="snippet-page"),
    path("robots.txt", root_files.robots),
    path("favicon.ico", root_files.favicon),
    path(".well-known/security.txt", root_files.security),
]
