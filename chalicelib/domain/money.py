"""Amounts of money: whole millionths of the currency's unit, so that sums of many small prices are exact."""

from __future__ import annotations

import re

DECIMALS = 6
UNIT = 1_000_000
MAX_AMOUNT = 10**9
"""Units of the currency."""

AMOUNT = re.compile(rf"[0-9]{{1,10}}(\.[0-9]{{1,{DECIMALS}}})?")
CURRENCY = re.compile(r"[A-Z]{3}")
"""The form of ISO 4217, such as RUB."""


def read_amount(text: str) -> int:
    """`12.5` as 12,500,000. Raises ValueError."""
    if not AMOUNT.fullmatch(text):
        raise ValueError("an amount such as 3.50 is expected")
    units, _, decimals = text.partition(".")
    amount = int(units) * UNIT + int(decimals.ljust(DECIMALS, "0"))
    if amount > MAX_AMOUNT * UNIT:
        raise ValueError(f"an amount of at most {MAX_AMOUNT} is expected")
    return amount


def shown_amount(amount: int) -> str:
    """12,500,000 as `12.50`: two decimals, or as many as it has. `amount` is not negative."""
    units, decimals = divmod(amount, UNIT)
    return f"{units}.{f'{decimals:0{DECIMALS}}'.rstrip('0').ljust(2, '0')}"
