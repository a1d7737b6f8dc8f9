"""Executions: what was submitted, how it was run, and what came out."""

from __future__ import annotations

from django.apps import AppConfig

from executions.doors import Door
from languages import usage
from periodic.tasks import register


class ExecutionsConfig(AppConfig):
    name = "executions"
    verbose_name = "Executions"

    def ready(self) -> None:
        """The languages' pages say how many executions each had, and the clients' usage what those with a tag used."""
        from clients.usage import tagged_by  # noqa: PLC0415 (applications must be loaded first)
        from executions import announcements, batch_ends, counted  # noqa: PLC0415
        from executions.api.batches import resource_of  # noqa: PLC0415
        from executions.api.resource import resource  # noqa: PLC0415
        from executions.compat.judge0.callbacks import callback_of  # noqa: PLC0415
        from executions.periodic_tasks import TASKS  # noqa: PLC0415

        usage.counted_by(counted.rows_of)
        tagged_by(counted.by_tag)
        announcements.told_by(resource)
        announcements.called_back_by(Door.JUDGE0.value, callback_of)
        batch_ends.told_by(resource_of)
        register(*TASKS)
