"""The one place where a self-test meets the sandbox: a job goes in, its result comes out."""

from __future__ import annotations

from dispatch import runtime
from sandbox.types import Job, JobResult, Profile

LEASE_WAIT_MS = 120_000
"""Users' programs go first; a self-test has time."""


def run_job(profile: Profile, job: Job) -> JobResult:
    """Run it as a user's program would be run, started ahead where the profile says so. Raises SandboxError."""
    with runtime.pool().lease(profile, owner=None, wait_ms=LEASE_WAIT_MS) as lease:
        lease.start_ahead()
        return lease.run(job)
