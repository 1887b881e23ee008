"""The processes of Lambdas: which one has a connection, and its freezing. Needs Linux: it reads /proc."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SOCKETS = Path("/proc/net/tcp")


def owner_of(port: int, pids: Iterable[int]) -> int | None:
    """The process of `pids` whose end of a connection on 127.0.0.1 is `port`."""
    inodes = {f"socket:[{inode}]" for inode in _inodes(port)}
    return next((pid for pid in pids if inodes & _open_files(pid)), None)


def _inodes(port: int) -> list[str]:
    rows = [line.split() for line in SOCKETS.read_text().splitlines()[1:]]
    return [row[9] for row in rows if row[1] == f"0100007F:{port:04X}"]


def _open_files(pid: int) -> set[str]:
    """Empty if the process has ended."""
    found = set()
    folder = f"/proc/{pid}/fd"
    with suppress(OSError):
        for name in os.listdir(folder):
            with suppress(OSError):
                found.add(os.readlink(f"{folder}/{name}"))
    return found


@contextmanager
def frozen(pids: Iterable[int]) -> Iterator[None]:
    """Inside the block the processes stand still, as a container between two invocations."""
    stopped = [pid for pid in pids if _sent(pid, signal.SIGSTOP)]
    try:
        yield
    finally:
        for pid in stopped:
            _sent(pid, signal.SIGCONT)


def _sent(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
