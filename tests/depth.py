"""How deep the tests go: `make check` runs its tests with fewer seeds and examples than `make test`, and
`make hostile` with more."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from typing import TypeVar

T = TypeVar("T")

DEPTH = os.environ.get("TEST_DEPTH", "full")
"""Set by `make check` to quick, and by `make hostile` to deep. All other runs are full."""


def crash_points() -> Iterator[int]:
    """The calls at which a process crashes, one simulation each, from the first on. The check takes every third."""
    return count(1, depth(full=1, quick=3))


def depth(full: T, quick: T, deep: T | None = None) -> T:
    """The number of seeds, examples or messages, or the size of what is simulated."""
    chosen = {"quick": quick, "deep": deep}.get(DEPTH)
    return full if chosen is None else chosen
