"""A host: a process that runs jobs of web processes in containers of this machine. `python -m sandbox.host`.

Theory of operation. It needs NATS and Docker, and has neither a database nor anybody's keys. Each of its slots asks
JetStream for one job when it is free, and for no other before that one has ended (`host`): so jobs are where there is
room, without a scheduler. Interactive jobs come before batch ones; batch never has the last slot, and after a few
interactive ones in a row a free slot asks for batch first.

One thread has the event loop, with the connection; a job is carried out by a thread of its own (`run`), which reads
its container and hands over what it tells. Every second the host says of each job that it has it still. What it cannot
say for UNREACHABLE_S, because NATS is away or this process stood still, somebody else may have been given: then it
ends its programs and forgets the jobs. A result is stored before its job is taken off the stream.
"""

from __future__ import annotations

from sandbox.host.host import Host, HostConfig

__all__ = ["Host", "HostConfig"]
