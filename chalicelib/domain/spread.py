"""Numbers from 0 up to 1 that are evenly spread however many of them are taken."""

from __future__ import annotations

GOLDEN = 0.618033988749895
"""The golden ratio's fraction, whose multiples keep out of each other's way."""


def spread(index: int) -> float:
    return index * GOLDEN % 1
