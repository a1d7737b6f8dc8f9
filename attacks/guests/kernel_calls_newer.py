# Calls that Docker's own profile allows or not, by its version: they must not depend on it.
ZERO = ctypes.create_string_buffer(256)
ME = os.getpid()
for name, number, arguments in (
    ("process_vm_readv", 310, (ME, ZERO, 0, ZERO, 0, 0)), ("process_vm_writev", 311, (ME, ZERO, 0, ZERO, 0, 0)),
    ("kcmp", 312, (ME, ME, 0, 0, 0)), ("process_madvise", 440, (-1, ZERO, 0, 4, 0)), ("pidfd_getfd", 438, (-1, 0, 0)),
    ("cachestat", 451, (0, ZERO, ZERO, 0)), ("mbind", 237, (None, 0, 0, None, 0, 0)), ("set_mempolicy", 238, (0, None, 0)),
    ("get_mempolicy", 239, (ZERO, None, 0, None, 0)), ("migrate_pages", 256, (0, 0, None, None)), ("move_pages", 279, (0, 0, None, None, None, 0)),
    ("io_pgetevents", 333, (0, 0, 0, None, None, None)), ("fanotify_mark", 301, (-1, 0, 0, 0, None)), ("landlock", 444, (None, 0, 1)),
    ("seccomp", 317, (1, 0, None)), ("lsm_list_modules", 461, (ZERO, ZERO, 0)), ("futex_wake", 454, (ZERO, 1, 1, 2)),
):
    refused(name, number, *arguments)
allow = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0x7FFF0000))
if libc.prctl(22, 2, struct.pack("HxxxxxxP", 1, ctypes.addressof(allow))) == 0:
    breach("a filter of its own")
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
    kept = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))
    blocked("SO_ATTACH_FILTER", one.setsockopt, socket.SOL_SOCKET, 26, struct.pack("HxxxxxxP", 1, ctypes.addressof(kept)))
done()
