"""The paths of clients, below /api/v1/."""

from __future__ import annotations

from django.urls import path

from clients.api import KeysView, KeyView, MeView, UsageView

urlpatterns = [
    path("me", MeView.as_view(), name="me"),
    path("usage", UsageView.as_view(), name="usage"),
    path("keys", KeysView.as_view(), name="keys"),
    path("keys/<str:prefix>", KeyView.as_view(), name="key"),
]
