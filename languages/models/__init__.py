"""The rows of languages, and of what is done to them."""

from languages.models.language import Language
from languages.models.task import LanguageTask, TaskKind, TaskStatus

__all__ = ["Language", "LanguageTask", "TaskKind", "TaskStatus"]
