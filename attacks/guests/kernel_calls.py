# Parts of the kernel that have been the way out before.
ZERO = ctypes.create_string_buffer(256)
AT = ctypes.addressof(ZERO)
for name, number, arguments in (
    ("bpf map", 321, (0, struct.pack("IIII", 2, 4, 4, 1) + b"\0" * 100, 116)), ("bpf program", 321, (5, ZERO, 128)),
    ("perf_event_open", 298, (struct.pack("IIQ", 1, 112, 0) + b"\0" * 96, 0, -1, -1, 0)), ("userfaultfd", 323, (0,)),
    ("userfaultfd in user mode", 323, (1,)), ("io_uring_setup", 425, (8, ZERO)), ("io_uring_enter", 426, (0, 1, 0, 0, None, 0)),
    ("io_uring_register", 427, (0, 0, None, 0)), ("add_key", 248, (b"user", b"a", b"b", 1, -4)),
    ("request_key", 249, (b"user", b"a", None, -4)), ("keyctl session", 250, (1, None)), ("keyctl read", 250, (11, -4, ZERO, 256)),
    ("kexec_load", 246, (0, 0, None, 0)), ("kexec_file_load", 320, (0, 0, 0, None, 0)), ("init_module", 175, (ZERO, 64, b"")),
    ("finit_module", 313, (0, b"", 0)), ("delete_module", 176, (b"ext4", 0)), ("syslog read", 103, (3, ZERO, 256)),
    ("syslog clear", 103, (5, None, 0)), ("acct", 163, (b"/tmp/acct",)), ("reboot", 169, (0xFEE1DEAD, 672274793, 0x01234567, 0)),
    ("settimeofday", 164, (struct.pack("qq", 1, 0), None)), ("clock_settime", 227, (0, struct.pack("qq", 1, 0))),
    ("clock_adjtime", 305, (0, ZERO)), ("fanotify_init", 300, (0, 0)), ("lookup_dcookie", 212, (0, ZERO, 256)),
    ("modify_ldt", 154, (1, ZERO, 16)), ("vhangup", 153, ()), ("shmget", 29, (0x6765, 4096, 0o1666)), ("semget", 64, (0x6765, 1, 0o1666)),
    ("msgget", 68, (0x6765, 0o1666)), ("mq_open", 240, (b"gexec", 0o102, 0o666, None)), ("memfd_secret", 447, (0,)),
    ("io_setup", 206, (1, ZERO)), ("uselib", 134, (b"/bin/true",)), ("nfsservctl", 180, (0, None, None)), ("create_module", 174, (b"a", 4096)),
    ("personality: read implies exec", 135, (0x0400000,)), ("personality: 32 bits", 135, (8,)), ("set_mempolicy_home_node", 450, (0, 0, 0, 0)),
    ("a call of tomorrow", 900, ()), ("getpid by the x32 entry", 0x40000000 + 39, ()), ("ptrace by the x32 entry", 0x40000000 + 521, (16, 1, 0, 0)),
):
    refused(name, number, *arguments)
done()
