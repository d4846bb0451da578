"""What the worker needs of the system beyond `os`; nothing is done where it is missing."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from typing import Iterable, List, Optional, Set

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

_libc = ctypes.CDLL(None, use_errno=True)
_kill = os.kill
_killpg = os.killpg
_waitpid = os.waitpid
_sleep = time.sleep
_exit = os._exit
_getpid = os.getpid
_run: Optional[int] = None


def die_with_parent(parent: int) -> bool:
    """Have the kernel kill this process when `parent` dies. Leaves at once if it has already."""
    if not sys.platform.startswith("linux"):
        return False
    done = bool(_libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) == 0)
    if os.getppid() != parent:
        os._exit(0)
    return done


def adopt_orphans() -> bool:
    """Become the parent of every descendant whose own parent dies."""
    if not sys.platform.startswith("linux"):
        return False
    return bool(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def children() -> Set[int]:
    """The processes whose parent this one is; empty where the system does not tell."""
    try:
        found: Set[int] = set()
        for task in os.listdir("/proc/self/task"):
            with open("/proc/self/task/%s/children" % task) as file:
                found.update(int(pid) for pid in file.read().split())
        return found
    except OSError:
        return _children_by_scan()


def _children_by_scan() -> Set[int]:
    try:
        names = [name for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return set()
    return {int(name) for name in names if _parent_of(name) == os.getpid()}


def _parent_of(pid: str) -> Optional[int]:
    try:
        with open("/proc/%s/stat" % pid) as file:
            return int(file.read().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return None


def end_children(keep: Iterable[int]) -> None:
    """Kill and reap every child that is not in `keep`, and whatever falls to us as they die."""
    kept = set(keep)
    for _ in range(200):
        doomed = children() - kept
        if not doomed:
            return
        for pid in doomed:
            end(pid)


def end(pid: int) -> Optional[int]:
    """Kill a child and the group it leads, reap it; its status, None if there was none."""
    for kill in (_killpg, _kill):
        with contextlib.suppress(OSError):
            kill(pid, signal.SIGKILL)
    return reap(pid)


def reap(pid: int) -> Optional[int]:
    """Wait for a child that is ending; its status, None if there was none."""
    try:
        return _waitpid(pid, 0)[1]
    except OSError:
        return None


def has_ended(pid: int) -> bool:
    """Whether a child has ended. It is left to be reaped, so that its group can still be named."""
    try:
        waitid = getattr(os, "waitid", None)
        if waitid is None:
            return False
        ended = waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except OSError:
        return True
    return ended is not None


def limit_memory(limit: int) -> bool:
    """Let the address space grow by `limit` bytes beyond what it is now."""
    import resource

    size = _address_space()
    if size is None:
        return False
    try:
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        wanted = size + limit
        if hard != resource.RLIM_INFINITY:
            wanted = min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
    except (OSError, ValueError):
        return False
    return True


def lift_memory_limit() -> None:
    """Give back what `limit_memory` took, so that an answer can still be written."""
    import resource

    try:
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    except (OSError, ValueError):
        pass


def begin_run() -> None:
    """From now on `end_stray_fork` ends every process but this one."""
    global _run
    _run = _getpid()


def end_stray_fork() -> None:
    """End a fork that the model made and that came out of it: it would run, and fork, again."""
    if _run is not None and _getpid() != _run:
        _exit(0)


def taken_by_children(pid: int, base: int) -> int:
    """Bytes of memory that a process and its descendants hold beyond `base` each; 0 without any.

    `base`: what a fork of this process starts with, which they share.
    """
    family = _descendants(pid)
    if not family:
        return 0
    return sum(max(0, resident(one) - base) for one in [pid, *family])


def _descendants(pid: int) -> List[int]:
    found: List[int] = []
    waiting = [pid]
    while waiting:
        try:
            with open("/proc/%d/task/%d/children" % (waiting[0], waiting.pop(0))) as file:
                children = [int(one) for one in file.read().split()]
        except OSError:
            continue
        found += children
        waiting += children
    return found


def resident(pid: int) -> int:
    """Bytes of a process that are in memory, but for mapped files; 0 where the system is silent."""
    try:
        with open("/proc/%d/statm" % pid) as file:
            all, of_files = file.read().split()[1:3]
            return (int(all) - int(of_files)) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def limit_files(limit: int) -> None:
    """No core dumps, and no file larger than `limit` bytes."""
    import resource

    for kind, wanted in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, limit)):
        try:
            _, hard = resource.getrlimit(kind)
            if hard != resource.RLIM_INFINITY:
                wanted = min(wanted, hard)
            resource.setrlimit(kind, (wanted, hard))
        except (OSError, ValueError):
            pass


def _address_space() -> Optional[int]:
    try:
        with open("/proc/self/statm") as file:
            pages = int(file.read().split()[0])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def silence() -> None:
    """Point descriptors 0, 1 and 2 at /dev/null."""
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    if null > 2:
        os.close(null)


def close_all(fds: Iterable[int]) -> None:
    """Close descriptors, whatever has become of them."""
    for fd in fds:
        with contextlib.suppress(OSError):
            os.close(fd)


def set_apart(fd: int) -> int:
    """Move a descriptor up, out of the way of code that closes or reopens low ones."""
    import fcntl

    for least in (900, 200):
        try:
            moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, least)
        except OSError:
            continue
        os.close(fd)
        return moved
    return fd


def end_gently(pid: int, seconds: float = 1.0) -> Optional[int]:
    """The status of a child that seems to be ending by itself; it is killed if it does not."""
    for _ in range(int(seconds * 100)):
        if has_ended(pid):
            break
        _sleep(0.01)
    return end(pid)
