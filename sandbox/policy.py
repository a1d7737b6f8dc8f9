"""The sandbox's whole policy in one place: from limits to container options. Pure: no Docker, no clock, no settings."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.types import Profile

RUNNER_PATH = "/.gexec/runner"
WORK_DIRECTORY = "/box"

# What the runner keeps: to change user, to kill what that user started, and to hand over and wipe its files.
RUNNER_CAPABILITIES = ("SETUID", "SETGID", "KILL", "CHOWN", "DAC_OVERRIDE", "FOWNER")

# What the runner needs once, before it reads its first frame: SYS_ADMIN to leave the holder's network namespace for
# one of its own, NET_ADMIN to bring up the loopback there, SYS_NICE to get to run before what it watches, SETPCAP to
# give all of this up for good.
START_CAPABILITIES = ("SYS_ADMIN", "NET_ADMIN", "SYS_NICE", "SETPCAP")

# The OCI runtime has threads in the container until it becomes the runner; where it may not make one, the start fails.
START_PROCESSES = 16

APPARMOR_PROFILE = "gexec-runner"
"""Of sandbox/apparmor/gexec: like Docker's own, but for the mounts that the runner does at its start."""

KERNEL_BYTES = 64 << 20
"""Of memory for gVisor itself, and for what a program takes between two of the runner's looks."""
KERNEL_TASKS = 256
"""Threads of gVisor's own."""
TASKS_PER_TASK = 4
"""For each task of a program, threads of gVisor's that stand for it."""

_HOLDER_BYTES = 16 << 20
"""Of memory for the holder of the network namespace: a static program that waits, and the runtime that starts it."""
_PREFERRED_VICTIM = 500
"""oom_score_adj, from 0 (a service of the host) to 1000 (always first)."""
_BYTES_PER_INODE = 2048
"""An empty file costs the kernel about a kilobyte for its inode and its name: all of them half of the size."""
_LEAST_INODES = 1024
_SHM_PART = 4
"""/dev/shm has a quarter of what /box has: few programs use it, and Docker's own default is 64 MiB."""


@dataclass(frozen=True, slots=True)
class SandboxPolicy:
    """What the operator decides about every container."""

    runtime: str = ""
    """The OCI runtime's name, such as runsc; empty for the best that Docker has, see `runtimes`."""
    apparmor: str = ""
    """The AppArmor profile of containers in whose namespaces the runner mounts; empty for Docker's own."""
    first_uid: int = 20_000
    """Above the users of any image (Debian gives numbers from 1000), and with `uid_count` below nobody's 65534."""
    uid_count: int = 40_000
    """Each container's program gets a user of its own from this range, because the kernel counts inotify watches,
    pipe pages and pending signals by user over all containers."""

    @property
    def ahead_uid(self) -> int:
        """Whose an interpreter is that is started ahead: no program's."""
        return self.first_uid - 1

    @property
    def cell_root_uid(self) -> int:
        """Who the root of a cell is outside of it: no program's, and of no rights."""
        return self.first_uid - 2

    def runtimes(self, *, default: str, known: Collection[str]) -> tuple[str, ...]:
        """What to start containers with, best first, on an engine with this default and these registered.

        crun does what runc does in a fraction of its time. It takes the place of no other runtime: whoever made gVisor
        the default wants that.
        """
        if self.runtime:
            return (self.runtime,)
        return ("crun", default) if default == "runc" and "crun" in known else (default,)

    @property
    def shared_network_setup(self) -> bool:
        """Whether containers start in a holder's network namespace and unshare their own.

        Docker's set-up of the network `none` re-executes the daemon's binary for each container and is the largest
        part of a start. Other runtimes than runc have network stacks of their own and keep `none`.
        """
        return self.runtime in ("", "runc", "crun", "io.containerd.runc.v2")

    @property
    def kernel_in_user_space(self) -> bool:
        """Whether the runtime is gVisor, by the name that it is registered with.

        Its kernel is a process among those that the engine counts and limits, and holds no limits inside by itself.
        """
        return "runsc" in self.runtime


def container_options(
    profile: Profile, policy: SandboxPolicy, *, uid: int, network: str, labels: Mapping[str, str], volume: str
) -> dict[str, Any]:
    """Keyword arguments for the SDK's create_container and create_host_config, under `container` and `host`."""
    unshare = network != "none"
    command = ["--uid", str(uid), "--gid", str(uid)]
    if profile.ahead is not None:
        command += ["--ahead-uid", str(policy.ahead_uid)]
    command += ["--net", "unshare" if unshare else "keep"]
    if profile.stack_bytes:
        command += ["--stack", str(profile.stack_bytes)]
    if not unshare:
        command += ["--processes", str(_tasks(profile))]
    if profile.cells and unshare and not profile.terminal:
        command += ["--cells", str(policy.cell_root_uid)]
    if profile.terminal:
        command += ["--terminal"]
    command += ["--work", WORK_DIRECTORY]
    for directory in (WORK_DIRECTORY, "/tmp", "/dev/shm"):
        command += ["--wipe", directory]
    capabilities = RUNNER_CAPABILITIES + (START_CAPABILITIES if unshare else ("SETPCAP",))
    if policy.kernel_in_user_space:
        # To mount, in gVisor's own kernel; of the host it has none of these.
        capabilities += ("SYS_ADMIN",)
    options = _options(policy, command, capabilities, network, labels, volume)
    memory_bytes, tasks = profile.memory_bytes, max(START_PROCESSES, _tasks(profile))
    if policy.kernel_in_user_space:
        memory_bytes, tasks = memory_bytes + KERNEL_BYTES, TASKS_PER_TASK * tasks + KERNEL_TASKS
    options["host"] |= {
        "mem_limit": memory_bytes,
        "memswap_limit": memory_bytes,
        "cpu_quota": profile.cpu_quota_us,
        "cpu_period": profile.cpu_period_us,
        "pids_limit": tasks,
        "tmpfs": {
            WORK_DIRECTORY: _tmpfs(profile.tmpfs_bytes),
            "/tmp": _tmpfs(profile.tmpfs_bytes),
            # Docker's own has a size, but as many files as the machine has memory for.
            "/dev/shm": _tmpfs(max(1 << 20, profile.tmpfs_bytes // _SHM_PART), "noexec"),
        },
    }
    return options


def _tasks(profile: Profile) -> int:
    """The program's, the runner, the moment in which it starts a program, what it has started ahead, and, with cells,
    who makes these and process 1."""
    return profile.processes + (2 if profile.ahead is None else 3) + (2 if profile.cells else 0)


def holder_options(policy: SandboxPolicy, *, labels: Mapping[str, str], volume: str) -> dict[str, Any]:
    """Options for the container that does nothing but own the network namespace that others start in."""
    options = _options(policy, ["--hold"], (), "none", labels, volume)
    options["host"] |= {"mem_limit": _HOLDER_BYTES, "memswap_limit": _HOLDER_BYTES, "pids_limit": START_PROCESSES}
    return options


def _options(
    policy: SandboxPolicy,
    command: list[str],
    capabilities: tuple[str, ...],
    network: str,
    labels: Mapping[str, str],
    volume: str,
) -> dict[str, Any]:
    apparmor = [f"apparmor={policy.apparmor}"] if policy.apparmor and policy.shared_network_setup else []
    return {
        "container": {
            "command": command,
            "entrypoint": [RUNNER_PATH],
            "user": "0:0",
            "working_dir": "/",
            "environment": {},
            "labels": dict(labels),
            "stdin_open": True,
            "tty": False,
            # Not detached: the SDK then sets StdinOnce, and the container ends with this server's connection.
            "detach": False,
            "healthcheck": {"test": ["NONE"]},
        },
        "host": {
            "network_mode": network,
            "read_only": True,
            "cap_drop": ["ALL"],
            "cap_add": list(capabilities),
            "security_opt": ["no-new-privileges:true", *apparmor],
            "ipc_mode": "private",
            # When the host itself runs out of memory, programs go before its services, and cannot change that.
            "oom_score_adj": _PREFERRED_VICTIM,
            "cgroupns": "private",
            "auto_remove": True,
            "log_config": {"Type": "none", "Config": {}},
            "mounts": [
                {
                    "Type": "volume",
                    "Source": volume,
                    "Target": "/.gexec",
                    "ReadOnly": True,
                    "VolumeOptions": {"NoCopy": True},
                }
            ],
            **({"runtime": policy.runtime} if policy.runtime else {}),
        },
    }


def _tmpfs(size_bytes: int, programs: str = "exec") -> str:
    """Mount options. Inodes are bounded, so that a million empty files end before the kernel's memory does."""
    inodes = max(_LEAST_INODES, size_bytes // _BYTES_PER_INODE)
    return f"rw,nosuid,nodev,{programs},size={size_bytes},nr_inodes={inodes},mode=0700"
