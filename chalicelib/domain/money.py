"""Amounts of money: whole millionths of the currency's unit, so that sums of many small prices are exact."""

from __future__ import annotations

import re
from dataclasses import dataclass

DECIMALS = 6
UNIT = 1_000_000
MAX_AMOUNT = 10**9
"""Units of the currency."""

AMOUNT = re.compile(rf"[0-9]{{1,10}}(\.[0-9]{{1,{DECIMALS}}})?")
CURRENCY = re.compile(r"[A-Z]{3}")
"""The form of ISO 4217, such as RUB."""

TOLD = re.compile(r"(-?)([0-9]{1,10})(?:[.]([0-9]{1,20}))?")
"""An amount in the answer of a provider."""


@dataclass(frozen=True, slots=True)
class Amount:
    """What a provider tells. `value`: in millionths; below 0 for a debt. `currency`: empty if it is not told."""

    value: int
    currency: str = ""

    @property
    def units(self) -> float:
        return self.value / UNIT


def read_amount(text: str) -> int:
    """`12.5` as 12,500,000. Raises ValueError."""
    if not AMOUNT.fullmatch(text):
        raise ValueError("an amount such as 3.50 is expected")
    units, _, decimals = text.partition(".")
    amount = int(units) * UNIT + int(decimals.ljust(DECIMALS, "0"))
    if amount > MAX_AMOUNT * UNIT:
        raise ValueError(f"an amount of at most {MAX_AMOUNT} is expected")
    return amount


def read_level(text: str) -> int:
    """As `read_amount`; it may be below zero. Raises ValueError."""
    return -read_amount(text[1:]) if text.startswith("-") else read_amount(text)


def told_amount(told: object) -> int | None:
    """A number, or a number in quotes, as providers write it, rounded. None if it is neither, or too large."""
    if isinstance(told, bool) or not isinstance(told, int | float | str):
        return None
    found = TOLD.fullmatch(f"{told:.{DECIMALS + 2}f}" if isinstance(told, float) else str(told))
    if found is None:
        return None
    sign, units, decimals = found[1], found[2], (found[3] or "").ljust(DECIMALS + 1, "0")
    amount = int(units) * UNIT + int(decimals[:DECIMALS]) + (decimals[DECIMALS] >= "5")
    return None if amount > MAX_AMOUNT * UNIT else -amount if sign else amount


def shown_amount(amount: int) -> str:
    """12,500,000 as `12.50`: two decimals, or as many as it has."""
    if amount < 0:
        return f"-{shown_amount(-amount)}"
    units, decimals = divmod(amount, UNIT)
    return f"{units}.{f'{decimals:0{DECIMALS}}'.rstrip('0').ljust(2, '0')}"
