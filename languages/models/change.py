"""What was done to languages, as rows that stay when the language goes."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from languages.acting import LONGEST, actor
from languages.models.language import Language

SHOWN_CHARACTERS = 300
"""Of a value. The row has all of it."""
_DIGEST_CHARACTERS = 12
_OF_A_TEST = {"tested_at", "tested", "image_digest", "version", "packages"}


class ChangeKind(models.TextChoices):
    """What happened. A note tells of what changed outside of the row: an image, a self-test that failed."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    NOTED = "noted"


class LanguageChange(models.Model):
    """Who did what to a language, and when. Written by a trigger on its row, and by `note`; never changed."""

    at = models.DateTimeField(default=timezone.now)
    who = models.CharField(max_length=LONGEST)
    language_key = models.BigIntegerField(help_text="The language's own key. Another may have its slug later.")
    slug = models.CharField("language", max_length=64, db_index=True)
    kind = models.CharField(max_length=8, choices=ChangeKind.choices)
    what = models.TextField(blank=True, default="", help_text="Of a note: its text.")
    changes = models.JSONField(blank=True, default=dict, help_text="By field: the old value and the new one.")

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name = "change of a language"
        verbose_name_plural = "changes of languages"

    def __str__(self) -> str:
        return f"{self.slug}: {' '.join(self.lines())}"

    def lines(self) -> list[str]:
        """What happened, for people: a line for each field, or for what several fields say together."""
        if self.kind != ChangeKind.CHANGED:
            return [self.what or f"{self.get_kind_display()}."]
        return [*self._verdict(), *self._switch(), *self._values()]

    def _verdict(self) -> list[str]:
        if not self._is_a_pass:
            return []
        # Of the same image again, or in the same version, neither has changed.
        digest, version = self._new("image_digest"), self._new("version")
        on = f" on {digest.removeprefix('sha256:')[:_DIGEST_CHARACTERS]}" if digest else ""
        return [f"Self-test passed{on}{f', version {version}' if version else ''}."]

    def _switch(self) -> list[str]:
        return ["Enabled." if self._new("enabled") else "Disabled."] if "enabled" in self.changes else []

    def _values(self) -> list[str]:
        told = {"enabled", *(_OF_A_TEST if self._is_a_pass else ())}
        return [
            f"{name}: {_shown(old)} → {_shown(new)}" for name, (old, new) in self.changes.items() if name not in told
        ]

    @property
    def _is_a_pass(self) -> bool:
        return bool(self._new("tested_at"))

    def _new(self, name: str) -> Any:
        return self.changes[name][1] if name in self.changes else None


def note(language: Language, what: str) -> None:
    """Write down what was done to a language's image, or what a self-test said."""
    LanguageChange.objects.create(
        who=actor(), language_key=language.pk, slug=language.slug, kind=ChangeKind.NOTED, what=what
    )


def changes_of(language: Language) -> models.QuerySet[LanguageChange]:
    """The newest first: its own, and those of languages that had its name before it."""
    return LanguageChange.objects.filter(Q(language_key=language.pk) | Q(slug=language.slug))


def was_removed(slug: str) -> bool:
    """Whether somebody took the language of this name away, and nobody added it again."""
    last = LanguageChange.objects.filter(slug=slug).exclude(kind=ChangeKind.NOTED).first()
    return last is not None and last.kind == ChangeKind.REMOVED


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]} …"
