"""Numbers that an address carries without telling them: a permutation of the numbers below 2**38 by a secret key.

A Feistel network: each round adds a digest of one half to the other half, and can be taken back.
"""

from __future__ import annotations

import hmac

HALF = 19
"""Bits. Two halves hold every phone number of eleven digits."""

MASK = (1 << HALF) - 1
ROUNDS = range(8)


def seal(number: int, key: bytes, about: int) -> int:
    """`about`: a public number; the same number is sealed otherwise beside another one."""
    left, right = number >> HALF, number & MASK
    for turn in ROUNDS:
        left, right = right, left ^ _digest(key, about, turn, right)
    return left << HALF | right


def unseal(number: int, key: bytes, about: int) -> int:
    left, right = number >> HALF & MASK, number & MASK
    for turn in reversed(ROUNDS):
        left, right = right ^ _digest(key, about, turn, left), left
    return left << HALF | right


def _digest(key: bytes, *parts: int) -> int:
    return int.from_bytes(hmac.digest(key, repr(parts).encode(), "sha256")[:4], "big") & MASK
