"""The paths below /api/v1/."""

from __future__ import annotations

from django.urls import path, re_path

from languages.api import LanguagesView, LanguageView
from rest.views import NoSuchPath

urlpatterns = [
    path("languages", LanguagesView.as_view(), name="languages"),
    path("languages/<str:name>", LanguageView.as_view(), name="language"),
    re_path("", NoSuchPath.as_view()),
]
