"""The rows of languages, of what is done to them, and of what was."""

from languages.models.change import ChangeKind, LanguageChange, changes_of, note, was_removed
from languages.models.language import Isolation, Language
from languages.models.task import LanguageTask, TaskKind, TaskStatus

__all__ = [
    "ChangeKind",
    "Isolation",
    "Language",
    "LanguageChange",
    "LanguageTask",
    "TaskKind",
    "TaskStatus",
    "changes_of",
    "note",
    "was_removed",
]
