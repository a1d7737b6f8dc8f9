"""Ways out: rights, mounts, namespaces, the runner, the kernel's interfaces, devices and the network."""

from __future__ import annotations

from attacks.attack import Attack, Run


def _probe(name: str, tries: str, guest: str, timeout_ms: int = 10_000) -> Attack:
    return Attack(name, tries, (Run(guest, timeout_ms=timeout_ms),))


ATTACKS = (
    _probe("rights", "every capability, another user, no_new_privs off, open descriptors", "rights.py"),
    _probe("setuid", "setuid and file-capability binaries, hard links, LD_PRELOAD", "setuid_binaries.py"),
    _probe("mounts", "mount in every way, chroot, pivot_root, writes outside the scratch places", "mounts.py"),
    _probe("namespaces", "unshare, setns, clone and clone3 of every namespace", "namespaces.py"),
    _probe("the runner", "ptrace, memory, descriptors, signals and limits of process 1", "runner_process.py"),
    _probe("kernel settings", "/proc/sys, /sys, control groups, core_pattern, kernel secrets", "proc_sys.py"),
    _probe("devices", "device nodes, TIOCSTI, consoles, I/O ports", "devices.py"),
    _probe("terminals", "pseudo-terminals, line disciplines, keys pressed", "terminals.py"),
    _probe("kernel calls", "bpf, perf, io_uring, keys, userfaultfd, kexec, modules, IPC", "kernel_calls.py"),
    _probe("newer calls", "memory of others, descriptors of others, filters, cachestat", "kernel_calls_newer.py"),
    _probe("32-bit calls", "int 0x80 past the filter", "kernel_calls_32bit.py"),
    _probe("network", "raw, netlink, vsock; metadata, DNS, the host, the Docker socket", "network.py", 20_000),
    _probe("priority", "real time, locked memory, huge pages, raised limits", "priority.py"),
    _probe("the kernel's victim", "oom_score_adj below the host's own services", "oom_score.py"),
)
