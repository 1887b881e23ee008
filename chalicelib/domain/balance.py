"""The balance of an account at a gateway, as it was last told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .money import Amount


@dataclass(frozen=True)
class Balance:
    """At the gateway of this name. `at`: when it was told. `least`: an alarm goes off below it, in its currency."""

    gateway: str
    amount: Amount
    at: datetime
    least: int

    @property
    def is_low(self) -> bool:
        return self.amount.value < self.least
