"""The one place where a self-test meets what runs it: a job goes in, its result comes out."""

from __future__ import annotations

from dispatch import active
from dispatch.base import Task, result_of
from rest.ids import uuid7
from sandbox.types import Job, JobResult, Profile

WAIT_MS = 120_000
"""Users' programs go first; a self-test has time."""


def run_job(profile: Profile, job: Job) -> JobResult:
    """Run it as a user's program would be run, started ahead where the profile has it. Raises SandboxError."""
    task = Task(id=f"selftest-{uuid7()}", profile=profile, job=job, wait_ms=WAIT_MS, start_ahead=True)
    return result_of(active.backend().submit(task))
