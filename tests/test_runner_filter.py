"""The system call filter, judged call by call as the kernel would, for both kinds of machine."""

from __future__ import annotations

import errno
import struct
from dataclasses import dataclass

import docker
import pytest

from tests.runner_lab import lab_image

ALLOWED = 0x7FFF0000
REFUSED = 0x00050000
ASKED = 0x7FC00000
NEWEST_JUDGED = 462
# AUDIT_ARCH_I386, _X86_64, _ARM, _AARCH64, _RISCV64, and what is none.
ENTRIES = (0x40000003, 0xC000003E, 0x40000028, 0xC00000B7, 0xC00000F3, 0)

# Name, number on x86_64, number on aarch64, what every use of it is told; 0: that it is done.
REFUSED_CALLS: tuple[tuple[str, int, int | None, int], ...] = (
    ("shmget", 29, 194, errno.ENOSYS),
    ("shmat", 30, 196, errno.ENOSYS),
    ("shmctl", 31, 195, errno.ENOSYS),
    ("semget", 64, 190, errno.ENOSYS),
    ("semop", 65, 193, errno.ENOSYS),
    ("semctl", 66, 191, errno.ENOSYS),
    ("shmdt", 67, 197, errno.ENOSYS),
    ("msgget", 68, 186, errno.ENOSYS),
    ("msgsnd", 69, 189, errno.ENOSYS),
    ("msgrcv", 70, 188, errno.ENOSYS),
    ("msgctl", 71, 187, errno.ENOSYS),
    ("syslog", 103, 116, errno.EPERM),
    ("uselib", 134, None, errno.ENOSYS),
    ("ustat", 136, None, errno.ENOSYS),
    ("sysfs", 139, None, errno.ENOSYS),
    ("vhangup", 153, 58, errno.EPERM),
    ("modify_ldt", 154, None, errno.EPERM),
    ("pivot_root", 155, 41, errno.EPERM),
    ("_sysctl", 156, None, errno.ENOSYS),
    ("chroot", 161, 51, errno.EPERM),
    ("sync", 162, 81, 0),
    ("acct", 163, 89, errno.EPERM),
    ("settimeofday", 164, 170, errno.EPERM),
    ("mount", 165, 40, errno.EPERM),
    ("umount2", 166, 39, errno.EPERM),
    ("swapon", 167, 224, errno.EPERM),
    ("swapoff", 168, 225, errno.EPERM),
    ("reboot", 169, 142, errno.EPERM),
    ("sethostname", 170, 161, errno.EPERM),
    ("setdomainname", 171, 162, errno.EPERM),
    ("iopl", 172, None, errno.EPERM),
    ("ioperm", 173, None, errno.EPERM),
    ("create_module", 174, None, errno.ENOSYS),
    ("init_module", 175, 105, errno.EPERM),
    ("delete_module", 176, 106, errno.EPERM),
    ("get_kernel_syms", 177, None, errno.ENOSYS),
    ("query_module", 178, None, errno.ENOSYS),
    ("quotactl", 179, 60, errno.EPERM),
    ("nfsservctl", 180, 42, errno.ENOSYS),
    ("io_setup", 206, 0, errno.ENOSYS),
    ("io_destroy", 207, 1, errno.ENOSYS),
    ("io_getevents", 208, 4, errno.ENOSYS),
    ("io_submit", 209, 2, errno.ENOSYS),
    ("io_cancel", 210, 3, errno.ENOSYS),
    ("lookup_dcookie", 212, 18, errno.EPERM),
    ("semtimedop", 220, 192, errno.ENOSYS),
    ("clock_settime", 227, 112, errno.EPERM),
    ("mq_open", 240, 180, errno.ENOSYS),
    ("mq_unlink", 241, 181, errno.ENOSYS),
    ("mq_timedsend", 242, 182, errno.ENOSYS),
    ("mq_timedreceive", 243, 183, errno.ENOSYS),
    ("mq_notify", 244, 184, errno.ENOSYS),
    ("mq_getsetattr", 245, 185, errno.ENOSYS),
    ("kexec_load", 246, 104, errno.EPERM),
    ("add_key", 248, 217, errno.ENOSYS),
    ("request_key", 249, 218, errno.ENOSYS),
    ("keyctl", 250, 219, errno.ENOSYS),
    ("perf_event_open", 298, 241, errno.EPERM),
    ("fanotify_init", 300, 262, errno.EPERM),
    ("name_to_handle_at", 303, 264, errno.EPERM),
    ("open_by_handle_at", 304, 265, errno.EPERM),
    ("clock_adjtime", 305, 266, errno.EPERM),
    ("syncfs", 306, 267, 0),
    ("setns", 308, 268, errno.EPERM),
    ("finit_module", 313, 273, errno.EPERM),
    ("kexec_file_load", 320, 294, errno.EPERM),
    ("bpf", 321, 280, errno.EPERM),
    ("userfaultfd", 323, 282, errno.EPERM),
    ("io_uring_setup", 425, 425, errno.ENOSYS),
    ("io_uring_enter", 426, 426, errno.ENOSYS),
    ("io_uring_register", 427, 427, errno.ENOSYS),
    ("open_tree", 428, 428, errno.EPERM),
    ("move_mount", 429, 429, errno.EPERM),
    ("fsopen", 430, 430, errno.EPERM),
    ("fsconfig", 431, 431, errno.EPERM),
    ("fsmount", 432, 432, errno.EPERM),
    ("fspick", 433, 433, errno.EPERM),
    ("clone3", 435, 435, errno.ENOSYS),
    ("mount_setattr", 442, 442, errno.EPERM),
    ("quotactl_fd", 443, 443, errno.EPERM),
    ("memfd_secret", 447, 447, errno.ENOSYS),
    ("statmount", 457, 457, errno.EPERM),
    ("listmount", 458, 458, errno.EPERM),
    ("seccomp", 317, 277, errno.EPERM),
    ("process_vm_readv", 310, 270, errno.EPERM),
    ("process_vm_writev", 311, 271, errno.EPERM),
    ("kcmp", 312, 272, errno.EPERM),
    ("process_madvise", 440, 440, errno.EPERM),
    ("pidfd_getfd", 438, 438, errno.EPERM),
    ("get_mempolicy", 239, 236, errno.EPERM),
    ("set_mempolicy", 238, 237, errno.EPERM),
    ("set_mempolicy_home_node", 450, 450, errno.EPERM),
    ("mbind", 237, 235, errno.EPERM),
    ("migrate_pages", 256, 238, errno.EPERM),
    ("move_pages", 279, 239, errno.EPERM),
    ("fanotify_mark", 301, 263, errno.EPERM),
    ("io_pgetevents", 333, 292, errno.ENOSYS),
    ("cachestat", 451, 451, errno.ENOSYS),
    ("futex_wake", 454, 454, errno.ENOSYS),
    ("futex_wait", 455, 455, errno.ENOSYS),
    ("futex_requeue", 456, 456, errno.ENOSYS),
    ("lsm_get_self_attr", 459, 459, errno.ENOSYS),
    ("lsm_set_self_attr", 460, 460, errno.ENOSYS),
    ("lsm_list_modules", 461, 461, errno.ENOSYS),
    ("landlock_create_ruleset", 444, 444, errno.ENOSYS),
    ("landlock_add_rule", 445, 445, errno.ENOSYS),
    ("landlock_restrict_self", 446, 446, errno.ENOSYS),
    ("fadvise64", 221, 223, 0),
    ("readahead", 187, 213, 0),
    ("sync_file_range", 277, 84, 0),
)
# Calls that are refused by their arguments.
CLONE = {"x86_64": 56, "aarch64": 220}
UNSHARE = {"x86_64": 272, "aarch64": 97}
PERSONALITY = {"x86_64": 135, "aarch64": 92}
SOCKET = {"x86_64": 41, "aarch64": 198}
SOCKETPAIR = {"x86_64": 53, "aarch64": 199}
SETSOCKOPT = {"x86_64": 54, "aarch64": 208}
FCNTL = {"x86_64": 72, "aarch64": 25}
IOCTL = {"x86_64": 16, "aarch64": 29}
PRCTL = {"x86_64": 157, "aarch64": 167}
PREADV2 = {"x86_64": 327, "aarch64": 286}
PWRITEV2 = {"x86_64": 328, "aarch64": 287}
MADVISE = {"x86_64": 28, "aarch64": 233}
BY_ARGUMENTS = (
    CLONE,
    UNSHARE,
    PERSONALITY,
    SOCKET,
    SOCKETPAIR,
    SETSOCKOPT,
    FCNTL,
    IOCTL,
    PRCTL,
    PREADV2,
    PWRITEV2,
    MADVISE,
)

# The bits above an int's, which the kernel ignores; so must the filter.
HIGH_HALVES = (0, 1 << 32, 0xFFFFFFFF << 32)
# Every small value, every single bit, everything below each bit, and flags that come with others.
INTS = sorted(
    {*range(64), *(1 << bit for bit in range(32)), *((1 << bit) - 1 for bit in range(33))}
    | {kind | flags for kind in range(16) for flags in (0x800, 0x80000, 0x80800)}
    | {0x10000011, 0x20011, 0x40400, 0xFFFBFFFF}
    | {*range(1024, 1050)}
)


@dataclass(frozen=True, slots=True)
class Filter:
    """The program for one kind of machine."""

    machine: str
    entry: int
    program: list[tuple[int, int, int, int]]

    def verdict(self, number: int, *arguments: int, entry: int | None = None) -> int:
        """What the kernel would do: the classic BPF that a filter is made of, with the kernel's record of a call."""
        padded = [*arguments, *[0] * (6 - len(arguments))]
        call = struct.pack("<IIQ6Q", number, self.entry if entry is None else entry, 0, *padded)
        accumulator = at = 0
        while True:
            code, then, otherwise, operand = self.program[at]
            at += 1
            match code:
                case 0x20:  # load a word of the record
                    (accumulator,) = struct.unpack_from("<I", call, operand)
                case 0x54:  # and
                    accumulator &= operand
                case 0x05:  # jump
                    at += operand
                case 0x15:  # jump if equal
                    at += then if accumulator == operand else otherwise
                case 0x25:  # jump if greater
                    at += then if accumulator > operand else otherwise
                case 0x35:  # jump if greater or equal
                    at += then if accumulator >= operand else otherwise
                case 0x06:  # return
                    return operand
                case _:
                    pytest.fail(f"an instruction that no filter of ours has: {code:#x}")


@pytest.fixture(scope="module", params=[("x86_64", 0xC000003E), ("aarch64", 0xC00000B7)], ids=lambda param: param[0])
def syscalls(request: pytest.FixtureRequest) -> Filter:
    return filter_of(*request.param)


@pytest.fixture(scope="module")
def with_terminal() -> Filter:
    return filter_of("x86_64", 0xC000003E, "--terminal")


@pytest.fixture(scope="module")
def of_the_maker(syscalls: Filter) -> Filter:
    return filter_of(syscalls.machine, syscalls.entry, "--maker")


@pytest.fixture(scope="module")
def of_a_cell(syscalls: Filter) -> Filter:
    return filter_of(syscalls.machine, syscalls.entry, "--cell")


def filter_of(machine: str, entry: int, *options: str) -> Filter:
    client = docker.from_env()
    # As text, because what a container prints goes through a log that is text.
    command = ["sh", "-c", f"filter {' '.join(options)} {machine} | od -An -v -tx1"]
    printed = client.containers.run(lab_image(), command, network_mode="none", remove=True)
    client.close()
    return Filter(machine, entry, list(struct.iter_unpack("<HBBI", bytes.fromhex(printed.decode()))))


def action(error: int | None) -> int:
    """The verdict that this error is; None is no refusal."""
    return ALLOWED if error is None else REFUSED | error


def socket_error(domain: int, kind: int, protocol: int) -> int | None:
    if domain == 1:
        return None
    if domain not in {2, 10}:
        return errno.EAFNOSUPPORT
    if kind & 0xF not in {1, 2}:
        return errno.EPERM
    return None if protocol in {0, 6, 17} else errno.EPROTONOSUPPORT


def test_every_call_has_the_answer_of_the_table(syscalls: Filter) -> None:
    column = 1 if syscalls.machine == "x86_64" else 2
    expected = {row[column]: row[3] for row in REFUSED_CALLS}
    looked_into = {numbers[syscalls.machine] for numbers in BY_ARGUMENTS}
    for number in set(range(NEWEST_JUDGED + 1)) - looked_into:
        for argument in (0, 1, 0x7FFFFFFF, (1 << 64) - 1):
            assert syscalls.verdict(number, *[argument] * 6) == action(expected.get(number)), number


def test_calls_newer_than_the_table_and_those_of_x32_are_unknown(syscalls: Filter) -> None:
    for number in (*range(NEWEST_JUDGED + 1, 2000), *range(1 << 30, (1 << 30) + 600), (1 << 31) - 1, (1 << 32) - 1):
        assert syscalls.verdict(number) == action(errno.ENOSYS), number


def test_entries_of_other_machines_are_closed(syscalls: Filter) -> None:
    for entry in set(ENTRIES) - {syscalls.entry}:
        for number in range(600):
            assert syscalls.verdict(number, entry=entry) == action(errno.ENOSYS), (entry, number)


def test_no_flag_of_clone_and_unshare_makes_a_namespace(syscalls: Filter) -> None:
    # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET; NEWTIME is a flag of unshare only.
    namespaces = {0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000}
    for numbers, flags in ((CLONE, namespaces), (UNSHARE, namespaces | {0x80})):
        for value in INTS:
            refused = any(value & flag for flag in flags)
            for high in HIGH_HALVES:
                verdict = syscalls.verdict(numbers[syscalls.machine], value | high)
                assert verdict == action(errno.EPERM if refused else None), hex(value | high)


def test_a_personality_is_the_ordinary_one(syscalls: Filter) -> None:
    for value in INTS:
        error = None if value in {0, 0x40000, 0xFFFFFFFF} else errno.EPERM
        for high in HIGH_HALVES:
            assert syscalls.verdict(PERSONALITY[syscalls.machine], value | high) == action(error), hex(value | high)


def test_pairs_of_sockets_are_local(syscalls: Filter) -> None:
    for domain in INTS:
        for high in HIGH_HALVES:
            verdict = syscalls.verdict(SOCKETPAIR[syscalls.machine], domain | high, 1, 0)
            assert verdict == action(None if domain == 1 else errno.EAFNOSUPPORT), hex(domain | high)


def test_sockets_are_local_tcp_and_udp(syscalls: Filter) -> None:
    calls = [(domain, kind, protocol) for domain in INTS for kind in (1, 3) for protocol in (0, 1)]
    calls += [(domain, kind, protocol) for domain in (1, 2, 10) for kind in INTS for protocol in INTS]
    for place, (domain, kind, protocol) in enumerate(calls):
        high = HIGH_HALVES[place % len(HIGH_HALVES)]
        verdict = syscalls.verdict(SOCKET[syscalls.machine], domain | high, kind | high, protocol | high)
        assert verdict == action(socket_error(domain, kind, protocol)), (domain, kind, protocol, high)


def test_a_program_has_no_filter_of_its_own(syscalls: Filter) -> None:
    for option in INTS:
        error = errno.EINVAL if option == 22 else None
        for high in HIGH_HALVES:
            assert syscalls.verdict(PRCTL[syscalls.machine], option | high, 2) == action(error), option


def test_the_sizes_of_a_sockets_buffers_stay(syscalls: Filter) -> None:
    for level in INTS:
        for option in INTS:
            kept = level == 1 and option in {7, 8}
            # SO_ATTACH_FILTER, SO_ATTACH_BPF, and for a group of sockets.
            filtered = level == 1 and option in {26, 50, 51, 52}
            verdict = syscalls.verdict(SETSOCKOPT[syscalls.machine], 3, level, option)
            assert verdict == action(0 if kept else errno.EPERM if filtered else None), (level, option)


def test_the_runner_is_asked_for_locks(syscalls: Filter) -> None:
    # F_SETLK and F_SETLKW; F_OFD_SETLK, F_OFD_SETLKW, F_SETLEASE and F_NOTIFY.
    asked, unknown = {6, 7}, {37, 38, 1024, 1026}
    for command in INTS:
        for high in HIGH_HALVES:
            verdict = syscalls.verdict(FCNTL[syscalls.machine], 3, command | high, 0)
            expected = ASKED if command in asked else action(errno.EINVAL if command in unknown else None)
            assert verdict == expected, command


def test_what_is_asked_of_a_terminal_is_answered_as_for_a_pipe(syscalls: Filter) -> None:
    # FIONREAD, TIOCOUTQ (of sockets: SIOCOUTQ), FIONBIO, FIOASYNC, FIOCLEX, FIONCLEX and FIOQSIZE.
    everybodys = {0x541B, 0x5411, 0x5421, 0x5452, 0x5451, 0x5450, 0x5460}
    # TIOCGPTN, TIOCSPTLCK, TCGETS2.
    of_size = {0x80045430, 0x40045431, 0x802C542A}
    for request in (*range(0x5300, 0x5600), *of_size, *INTS):
        refused = request >> 8 & 0xFF == 0x54 and request & 0xFFFF not in everybodys
        for high in HIGH_HALVES:
            verdict = syscalls.verdict(IOCTL[syscalls.machine], 0, request | high, 0)
            assert verdict == action(errno.ENOTTY if refused else None), hex(request)


def test_who_has_a_terminal_may_ask_what_its_users_do(with_terminal: Filter) -> None:
    everybodys = {0x541B, 0x5411, 0x5421, 0x5452, 0x5451, 0x5450, 0x5460}
    # TCGETS, TCSETS, TCSETSW, TCSETSF and their second generation, TCSBRK, TCFLSH, TIOCGPGRP, TIOCSPGRP, TIOCGWINSZ,
    # TIOCSWINSZ, TIOCGSID.
    users = {0x5401, 0x5402, 0x5403, 0x5404, *range(0x542A, 0x542E), 0x5409, 0x540B, 0x540F, 0x5410, 0x5413, 0x5414}
    users.add(0x5429)
    # TIOCGPTN, TIOCSPTLCK; TCGETS2 as it really is.
    of_size = {0x80045430, 0x40045431, 0x802C542A}
    for request in (*range(0x5300, 0x5600), *of_size, *INTS):
        refused = request >> 8 & 0xFF == 0x54 and request & 0xFFFF not in everybodys | users
        for high in HIGH_HALVES:
            verdict = with_terminal.verdict(IOCTL["x86_64"], 0, request | high, 0)
            assert verdict == action(errno.ENOTTY if refused else None), hex(request)


def test_what_was_printed_to_a_terminal_cannot_be_thrown_away(with_terminal: Filter) -> None:
    for queue in INTS:
        for high in HIGH_HALVES:
            verdict = with_terminal.verdict(IOCTL["x86_64"], 0, 0x540B, queue | high)
            assert verdict == action(0 if queue in {1, 2} else None), queue


def test_a_terminal_opens_nothing_but_its_own_calls(with_terminal: Filter, syscalls: Filter) -> None:
    if syscalls.machine != "x86_64":
        return
    for number in set(range(NEWEST_JUDGED + 1)) - {IOCTL["x86_64"]}:
        for argument in (0, 1, 2, 6, 0x7FFFFFFF, (1 << 64) - 1):
            assert with_terminal.verdict(number, *[argument] * 6) == syscalls.verdict(number, *[argument] * 6), number


def test_reads_do_not_tell_of_the_page_cache(syscalls: Filter) -> None:
    for numbers in (PREADV2, PWRITEV2):
        for flags in INTS:
            # RWF_NOWAIT and RWF_DONTCACHE.
            error = errno.EOPNOTSUPP if flags & 0x88 else None
            assert syscalls.verdict(numbers[syscalls.machine], 3, 0, 1, 0, 0, flags) == action(error), flags


def test_no_advice_on_memory_reaches_a_neighbour(syscalls: Filter) -> None:
    for advice in INTS:
        error = errno.EINVAL if advice in {12, 20, 21} else None
        for high in HIGH_HALVES:
            assert syscalls.verdict(MADVISE[syscalls.machine], 0, 4096, advice | high) == action(error), advice


def test_who_makes_cells_and_what_is_in_them_have_the_whole_in_two_parts(
    syscalls: Filter, of_the_maker: Filter, of_a_cell: Filter
) -> None:
    """The kernel asks both, and the stricter answer counts, which is the smaller number."""
    clone = CLONE[syscalls.machine]
    calls = [
        (number, argument) for number in range(NEWEST_JUDGED + 60) for argument in (0, 6, 22, 0x5423, (1 << 64) - 1)
    ]
    calls += [(numbers[syscalls.machine], value) for numbers in BY_ARGUMENTS for value in INTS]
    opened = set()
    for number, argument in calls:
        whole = syscalls.verdict(number, argument, argument, argument)
        maker = of_the_maker.verdict(number, argument, argument, argument)
        assert min(maker, of_a_cell.verdict(number, argument, argument, argument)) == whole, (number, argument)
        if maker != whole:
            opened.add(number)
    # setns, mount, umount2, seccomp, and clone with a flag of a namespace.
    assert opened == ({308, 165, 166, 317} if syscalls.machine == "x86_64" else {268, 40, 39, 277}) | {clone}
    for entry in set(ENTRIES) - {syscalls.entry}:
        assert of_the_maker.verdict(40, entry=entry) == action(errno.ENOSYS)
