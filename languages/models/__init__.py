"""The rows of languages, and of what is done to them."""

from languages.models.language import CPU_PERIOD_US, MIB, Language
from languages.models.task import LanguageTask, TaskKind, TaskStatus

__all__ = ["CPU_PERIOD_US", "MIB", "Language", "LanguageTask", "TaskKind", "TaskStatus"]
