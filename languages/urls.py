"""The paths of languages, below /api/v1/."""

from __future__ import annotations

from django.urls import path

from languages.api import LanguagesView, LanguageView

urlpatterns = [
    path("languages", LanguagesView.as_view(), name="languages"),
    path("languages/<str:name>", LanguageView.as_view(), name="language"),
]
