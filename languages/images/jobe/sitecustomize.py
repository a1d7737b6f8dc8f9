"""Run at the start of every program: what was printed is out with its line, and the rest when the time is over.

SIGRTMAX comes a moment before a program is killed for its time. What is still in a buffer goes out then, and the signal
does what it would have done. The module `signal` is not needed: its import costs more than all of this.

And at its end. To take an interpreter apart object by object costs more than a small program does, above all in a fork,
which gets a copy of each page that it touches. Where nothing is left that would notice, the process just ends. Programs
may have given their objects whatever attributes: what is looked at is read past these.
"""

import _io
import _signal
import _thread
import _weakref
import atexit
import gc
import os
import sys

_MANY_BLOCKS = 200_000
"""Of memory, beyond which it would take a moment to look at all objects."""
_HARMLESS_LIBRARIES = ("_bz2", "_contextvars", "_decimal", "_hashlib", "_lzma", "_queue", "_uuid")
"""Modules of the standard library in C that do nothing when a process ends."""
_VARIABLES = ("LD_PRELOAD", "PYTHONINSPECT")
"""A library that may do something at the end; and more to come after the script."""
_COLLECTED = 1 << 14
"""Of a type's flags: the collector knows its objects (Py_TPFLAGS_HAVE_GC)."""

_streams = (sys.stdout, sys.stderr)
_ancestors = type.__dict__["__mro__"].__get__
_attributes = type.__dict__["__dict__"].__get__
_flags = type.__dict__["__flags__"].__get__
_names = type(sys).__dict__["__dict__"].__get__


def _last_words(number, _frame):
    for stream in (sys.__stdout__, sys.__stderr__, sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, RuntimeError, ValueError):
            # Closed, none at all, or interrupted in the middle of this very thing.
            pass
    _signal.signal(number, _signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _came_to_its_end():
    """Whether the script did, so that the exit code is 0.

    The interpreter takes these two names back after the last line, and has not where SystemExit has ended the script.
    """
    names = _names(sys.modules["__main__"])
    return (
        type(names.get("__loader__")).__name__ == "SourceFileLoader"
        and "__file__" not in names
        and "__cached__" not in names
        and "last_exc" not in _names(sys)
        and "last_type" not in _names(sys)
    )


def _is_plain():
    """Whether it is one thread, with the streams and in the ways that it began with, and not too large to look at."""
    return (
        _thread._count() == 0
        and sys.stdout is _streams[0]
        and sys.stderr is _streams[1]
        and sys.gettrace() is None
        and sys.getprofile() is None
        and "_interpreters" not in sys.modules
        and not any(name in os.environ for name in _VARIABLES)
        and sys.getallocatedblocks() < _MANY_BLOCKS
    )


def _is_library(name, module):
    file = _names(module).get("__file__")
    return bool(file) and file.endswith(".so") and name not in _HARMLESS_LIBRARIES


def _is_a(kind, base):
    return any(each is base for each in _ancestors(kind))


def _notices(kind):
    """Whether its objects do something when they are taken apart: files, generators, what has a `__del__`."""
    if kind is _io.BytesIO or kind is _io.StringIO:
        return False
    return any("__del__" in _attributes(each) for each in _ancestors(kind))


def _hears(reference):
    """Whether a weak reference tells somebody of its object's end who does not belong to the standard library."""
    hearer = reference.__callback__
    if hearer is None:
        return False
    if type(hearer) is type(len):
        # Abstract base classes forget what they know of others by a function in C, which is bound to a reference.
        return type(hearer.__self__) is not _weakref.ref
    return type(hearer) is not type(_hears) or hearer.__module__.partition(".")[0] not in sys.stdlib_module_names


def _somebody_notices():
    """Whether anything that was made since the start would notice the end of the others, or its own."""
    objects = gc.get_objects()
    if not any(item is _unfrozen for item in objects):
        # The program has hidden its objects as well.
        return True
    kinds = {id(kind): kind for kind in map(type, objects)}
    if any(map(_notices, kinds.values())):
        return True
    classes = {number for number, kind in kinds.items() if _is_a(kind, type)}
    references = {number for number, kind in kinds.items() if _is_a(kind, _weakref.ref)}
    for item in objects:
        number = id(type(item))
        # Of a class whose objects the collector does not know, the class itself is there.
        if number in classes and not _flags(item) & _COLLECTED and _notices(item):
            return True
        if number in references and _hears(item):
            return True
    return False


def _may_just_end():
    if not _came_to_its_end() or not _is_plain():
        return False
    if any(_is_library(*each) for each in list(sys.modules.items())) or _somebody_notices():
        return False
    for stream in _streams:
        stream.flush()
    return True


def _end():
    """The last of what was asked for at the end. Where anything is in doubt, the interpreter ends as it always does."""
    try:
        if _may_just_end():
            os._exit(0)
    except Exception:
        # Nothing has happened yet that the interpreter does not do again.
        pass
    # What is frozen, the names of the script's among it, would keep alive what it refers to.
    gc.unfreeze()


if sys.stdout is not None:
    sys.stdout.reconfigure(line_buffering=True)
_signal.signal(_signal.SIGRTMAX, _last_words)
# The first that asks is the last to be called.
if None not in _streams and not sys.flags.interactive:
    atexit.register(_end)
    # What every program has is looked at no more, neither here nor by the collector.
    gc.freeze()
    _unfrozen = []
