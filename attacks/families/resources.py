"""Programs that want more than there is: processes, memory, output, files, CPU, and the compiler's share of them."""

from __future__ import annotations

from attacks.attack import Attack, Run
from attacks.endings import ANY_LIMIT, Ending

_NO_WORDS: tuple[str, ...] = ()
_COMPILER = (Ending.FAILED, Ending.OUT_OF_MEMORY, Ending.TIMED_OUT, Ending.OUTPUT_LIMIT)
_KILLED = (Ending.OUT_OF_MEMORY,)
_BOMB = (Ending.TIMED_OUT, Ending.OUT_OF_MEMORY)
"""As many copies of an interpreter as there may be processes do not always fit into its memory."""


def _greedy(guest: str, *ends: Ending, timeout_ms: int = 5000, prints: tuple[str, ...] = _NO_WORDS) -> tuple[Run, ...]:
    return (Run(guest, timeout_ms=timeout_ms, ends=ends or ANY_LIMIT, prints=prints),)


def _sockets(kind: str) -> tuple[Run, ...]:
    return (Run("memory_sockets.py", timeout_ms=8000, ends=ANY_LIMIT, prints=_NO_WORDS, kind=kind),)


ATTACKS = (
    Attack("fork bomb", "forks until nothing is left", _greedy("fork_bomb.py", *_BOMB, timeout_ms=1500)),
    Attack(
        "eight bombs at once",
        "fork bombs in every slot, and more that wait",
        8 * _greedy("fork_bomb.py", *_BOMB, timeout_ms=1500),
        together=True,
    ),
    Attack(
        "fork bomb of daemons",
        "forks twice, leaves the session, ignores SIGTERM; the parent ends",
        _greedy("fork_bomb_daemons.py", Ending.CLEAN, timeout_ms=10_000, prints=("DONE",)),
        # 128 of them come to life and are killed at half a core: two seconds where nothing else is to be done.
        at_most_s=12,
    ),
    Attack("thread bomb", "starts threads until refused", _greedy("thread_bomb.py", Ending.CLEAN, prints=("DONE",))),
    Attack("memory, one process", "allocates without end", _greedy("memory_one.py", *_KILLED)),
    Attack(
        "memory, many processes",
        "thirty processes allocate without end",
        _greedy("memory_many.py", Ending.CLEAN, Ending.OUT_OF_MEMORY, timeout_ms=15_000),
    ),
    Attack("memory, tmpfs", "fills every scratch directory", _greedy("memory_tmpfs.py", *_KILLED, timeout_ms=10_000)),
    Attack(
        "memory, the runner's",
        "writers smaller than the runner, so that the kernel ends that",
        _greedy("memory_tiny.py", Ending.OUT_OF_MEMORY, Ending.TIMED_OUT, timeout_ms=4000),
    ),
    Attack("memory, shared", "maps shared memory without end", _greedy("memory_shared.py", *_KILLED)),
    Attack("memory, memfd", "fills files that have no name", _greedy("memory_memfd.py", *_KILLED)),
    Attack("memory, pipes", "fills the largest pipes in fifty processes", _greedy("memory_pipes.py", timeout_ms=8000)),
    Attack("memory, Unix sockets", "fills Unix sockets in ten processes", _sockets("Unix")),
    Attack("memory, TCP", "fills TCP connections over the loopback", _sockets("TCP")),
    Attack("memory, UDP", "fills UDP sockets over the loopback", _sockets("UDP")),
    Attack(
        "stack overflow",
        "recurses without end",
        _greedy("stack_overflow.py", Ending.FAILED, Ending.OUT_OF_MEMORY),
    ),
    Attack(
        "stack overflow in Go",
        "recurses without end",
        _greedy("stack_overflow.go", Ending.FAILED, timeout_ms=10_000),
    ),
    Attack("flood, both streams", "prints on both streams without end", _greedy("flood_both.py", Ending.OUTPUT_LIMIT)),
    Attack("flood, many processes", "32 processes print without end", _greedy("flood_many.py", Ending.OUTPUT_LIMIT)),
    Attack("flood, one line", "prints one line without end", _greedy("flood_no_newline.py", Ending.OUTPUT_LIMIT)),
    Attack("flood, binary", "prints NUL and invalid UTF-8", _greedy("flood_binary.py", Ending.OUTPUT_LIMIT)),
    Attack(
        "flood, cut characters",
        "prints characters of four bytes on stderr",
        (Run("flood_cut.py", ends=(Ending.OUTPUT_LIMIT,), prints=(), never=("\ufffd",)),),
    ),
    Attack("file, huge", "writes 1 GB in every place", _greedy("file_huge.py", timeout_ms=10_000)),
    Attack("file, sparse", "makes files of 1 PB", _greedy("file_sparse.py", Ending.CLEAN, prints=("DONE",))),
    Attack("files, a million", "makes empty files until refused", _greedy("file_million.py", timeout_ms=15_000)),
    Attack("files, locks", "locks every other byte of a file", (Run("file_locks.py", timeout_ms=30_000),)),
    Attack("CPU, many processes", "64 processes spin", _greedy("cpu_many.py", Ending.TIMED_OUT, timeout_ms=1500)),
    Attack("arguments, huge", "execs with megabytes of arguments", _greedy("allocations_by_name.py", Ending.CLEAN)),
    Attack(
        "signals and timers, queued",
        "queues 100,000 real-time signals and timers",
        _greedy("signals_queued.py", Ending.CLEAN, prints=("DONE",)),
    ),
    Attack("Go: constant bomb", "a constant of 1 GB", _greedy("compile_const.go", *_COMPILER)),
    Attack("Go: array bomb", "an array of 2 GB with values", _greedy("compile_array.go", *_COMPILER)),
    Attack("Go: endless message", "an error that names an exponential type", _greedy("compile_types.go", *_COMPILER)),
    Attack("C: include /dev/zero", "a source without end", _greedy("compile_include_zero.c", *_COMPILER)),
    Attack("C: include bomb", "a file that includes itself twice", _greedy("compile_include_self.c", *_COMPILER)),
    Attack("C: macro bomb", "a macro that becomes 2^32 words", _greedy("compile_macros.c", *_COMPILER)),
    Attack("C: endless warnings", "a compiler that prints forever", _greedy("compile_warnings.c", *_COMPILER)),
    Attack("C: array bomb", "an executable of 8 GB", _greedy("compile_array.c", *_COMPILER)),
    Attack(
        "C: compiler reads",
        "includes what the compiler should not see",
        (Run("compile_reads_host.c", ends=_COMPILER, prints=(), never=("root:", "HOSTNAME=", "PATH=/")),),
    ),
)
