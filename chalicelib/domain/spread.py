"""A low-discrepancy sequence: numbers from 0 to 1 (exclusive) that are evenly spread for any count."""

from __future__ import annotations

GOLDEN_RATIO = 0.618033988749895
"""The fractional part of the golden ratio: its multiples modulo 1 are evenly spread."""


def spread(index: int) -> float:
    return index * GOLDEN_RATIO % 1
