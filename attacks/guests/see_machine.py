# What the kernel shows of the whole machine: facts of the host, and what neighbours do.
with open("/box/lock", "w") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    for path in (
        "/proc/locks", "/proc/cmdline", "/proc/config.gz", "/proc/diskstats", "/proc/partitions", "/proc/interrupts", "/proc/softirqs",
        "/proc/schedstat", "/proc/vmstat", "/proc/zoneinfo", "/proc/buddyinfo", "/proc/key-users", "/proc/modules", "/proc/devices",
        "/proc/sys/kernel/random/boot_id", "/proc/pressure/cpu", "/proc/pressure/memory", "/proc/tty/drivers", "/proc/irq/0/spurious",
        "/proc/sys/fs/dentry-state", "/proc/sys/fs/file-nr", "/proc/sys/fs/inode-nr", "/proc/sys/fs/inode-state", "/proc/sys/fs/quota/syncs",
        "/sys/kernel/uevent_seqnum", "/sys/devices/system/node/node0/vmstat", "/sys/devices/system/node/node0/numastat",
    ):
        try:
            found = read(path)
        except OSError as error:
            held(f"{path}: {error.strerror}")
        else:
            (breach if found else held)(f"{path}: {found[:40]!r}")
for folder in ("/proc/fs", "/proc/driver", "/proc/bus", "/sys/block", "/sys/bus", "/sys/class", "/sys/dev", "/sys/module", "/sys/devices/virtual",
               "/sys/kernel/irq", "/sys/kernel/slab"):
    found = os.listdir(folder) if os.path.isdir(folder) else []
    (breach if found else held)(f"{folder}: {found[:5]}")
for where, folders, names in os.walk("/sys/devices"):
    if "system" in folders:
        folders.remove("system")
    for name in names:
        breach(f"{where}/{name}")
done()
