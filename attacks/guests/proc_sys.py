# Writes to the kernel's settings, and reads of what a stranger should not know.
for path in (
    "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/hostname", "/proc/sys/kernel/panic",
    "/proc/sys/kernel/randomize_va_space", "/proc/sys/kernel/yama/ptrace_scope", "/proc/sys/kernel/unprivileged_bpf_disabled",
    "/proc/sys/kernel/sysrq", "/proc/sys/kernel/pid_max", "/proc/sys/kernel/ns_last_pid", "/proc/sys/vm/overcommit_memory",
    "/proc/sys/vm/drop_caches", "/proc/sys/vm/panic_on_oom", "/proc/sys/fs/suid_dumpable", "/proc/sys/fs/file-max",
    "/proc/sys/fs/binfmt_misc/register", "/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv4/ip_unprivileged_port_start",
    "/proc/sys/net/core/bpf_jit_enable", "/proc/sys/user/max_user_namespaces", "/proc/sys/kernel/usermodehelper/bset",
    "/proc/sysrq-trigger", "/proc/irq/0/smp_affinity", "/proc/mtrr", "/proc/bus/pci/devices", "/proc/acpi/wakeup",
    "/sys/kernel/mm/transparent_hugepage/enabled", "/sys/kernel/uevent_helper", "/sys/power/state", "/sys/power/mem_sleep",
    "/sys/devices/system/cpu/cpu1/online", "/sys/module/kernel/parameters/panic", "/sys/kernel/profiling", "/sys/kernel/kexec_loaded",
    "/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/cpu.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.oom_control", "/sys/fs/cgroup/memory/cgroup.event_control",
    "/sys/fs/cgroup/memory/release_agent", "/sys/fs/cgroup/memory/notify_on_release", "/sys/fs/cgroup/rdma/release_agent",
    "/sys/fs/cgroup/devices/devices.allow", "/sys/fs/cgroup/pids/pids.max", "/sys/fs/cgroup/pids/cgroup.procs",
    "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpuset/cpuset.cpus", "/sys/fs/cgroup/freezer/freezer.state",
):
    try:
        masked = os.stat(path).st_rdev == os.stat("/dev/null").st_rdev
    except OSError:
        masked = False
    # What hides a file of a cell's control group is the null device, which takes whatever is written.
    if masked and read(path) == b"":
        held(f"write {path}: the null device")
    else:
        blocked(f"write {path}", write, path)
for folder in ("/sys/fs/cgroup", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/pids", "/sys/fs/cgroup/systemd"):
    blocked(f"a cgroup in {folder}", os.mkdir, f"{folder}/{TOKEN}")
for path in (
    "/proc/kcore", "/proc/kmsg", "/proc/keys", "/proc/key-users", "/proc/timer_list", "/proc/sched_debug", "/proc/latency_stats",
    "/proc/slabinfo", "/proc/vmallocinfo", "/proc/pagetypeinfo", "/proc/iomem", "/proc/kpagecount", "/proc/kpageflags",
    "/sys/kernel/debug/.", "/sys/kernel/tracing/trace", "/sys/kernel/security/.", "/sys/firmware/dmi/tables/DMI", "/sys/fs/bpf/.",
    "/sys/kernel/notes/.", "/etc/shadow", "/etc/gshadow",
):
    try:
        found = read(path)
    except OSError as error:
        held(f"{path}: {error.strerror}")
    else:
        # A masked file is empty; addresses are shown as zeros.
        secret = path != "/proc/key-users" and found.replace(b"0", b"").strip() and b"00000000-00" not in found
        (breach if secret else held)(f"{path}: {found[:40]!r}")
symbols = read("/proc/kallsyms", 2000) if os.path.exists("/proc/kallsyms") else b""
if any(line.split()[0].strip(b"0") for line in symbols.splitlines()[:-1]):
    breach("kernel addresses in /proc/kallsyms")
for name in ("cap_last_cap", "core_pattern"):
    if os.path.exists(f"/proc/sys/kernel/{name}"):
        held(f"{name}: {read('/proc/sys/kernel/' + name)!r}")
done()
