import ctypes
import errno
import fcntl
import mmap
import os
import platform
import re
import resource
import select
import signal
import socket
import struct
import sys
import threading
import time

TOKEN = "gexec-attack-@TOKEN@"
X86 = platform.machine() == "x86_64"
libc = ctypes.CDLL(None, use_errno=True)


def breach(text):
    print("BREACH", text, flush=True)


def held(text):
    print("HELD", text, flush=True)


def syscall(number, *arguments):
    """The result, and the errno where it is -1."""
    ctypes.set_errno(0)
    words = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    result = libc.syscall(ctypes.c_long(number), *words)
    return result, ctypes.get_errno()


def refused(name, number, *arguments):
    """A system call (its number on x86_64) that must fail, and not for want of a better argument."""
    if not X86:
        return
    result, code = syscall(number, *arguments)
    if result >= 0:
        breach(f"{name} succeeded: {result}")
    elif code in (errno.EFAULT, errno.EINVAL, errno.EBADF):
        breach(f"{name} got as far as {errno.errorcode[code]}")
    else:
        held(f"{name}: {errno.errorcode.get(code, code)}")


def blocked(name, function, *arguments):
    """A call that must raise OSError."""
    try:
        result = function(*arguments)
    except OSError as error:
        held(f"{name}: {errno.errorcode.get(error.errno, error)}")
    else:
        breach(f"{name} succeeded: {result!r:.100}")


def others():
    """The processes beside the runner and this one."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) not in (1, os.getpid())]


def users_of(pid):
    """Its user, in the four ways that the kernel knows."""
    lines = [line for line in open(f"/proc/{pid}/status") if line.startswith("Uid")]
    return [int(word) for word in lines[0].split()[1:]]


def read(path, size=200):
    with open(path, "rb") as file:
        return file.read(size)


def write(path, data=b"1"):
    fd = os.open(path, os.O_WRONLY)
    try:
        return os.write(fd, data)
    finally:
        os.close(fd)


def container():
    """Say which container this is: its user, and when its first process started."""
    try:
        start = open("/proc/1/stat").read().rpartition(")")[2].split()[19]
    except OSError:  # Hidden in gVisor, where each container has a kernel of its own that was started with it.
        start = re.search("btime ([0-9]+)", open("/proc/stat").read())[1]
    print(f"CONTAINER {os.getuid()}-{start}", flush=True)


def done():
    print("DONE", flush=True)


