"""How deep the tests go: `make check` runs its tests with fewer seeds and examples than `make test`."""

from __future__ import annotations

import os
from typing import TypeVar

T = TypeVar("T")

IS_QUICK = os.environ.get("TEST_DEPTH") == "quick"
"""Set by `make check`. All other runs are full."""


def depth(full: T, quick: T) -> T:
    """The number of seeds, examples or messages, or the size of what is simulated."""
    return quick if IS_QUICK else full
