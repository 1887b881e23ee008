"""Attempts to sign in, counted by period: an attempt counts before it is checked, and a right one is taken back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from .tokens import digest

if TYPE_CHECKING:
    from ..adapters.services import Services

ATTEMPT_PERIOD = timedelta(minutes=15)
ADDRESS, USER_FROM_ADDRESS = "address", "user from address"
MAX_ATTEMPTS = {ADDRESS: 50, USER_FROM_ADDRESS: 10}
"""Sign-in attempts with a wrong password per period. No limit counts by user alone: twenty addresses could lock a user
out with it, and it would protect nothing, because the service makes the passwords, of 120 random bits."""


@dataclass(frozen=True)
class SignInAttempt:
    """An attempt to sign in, counted under each of `keys` in the period that ends at `ends_at`."""

    keys: tuple[str, ...]
    ends_at: datetime
    is_above_limit: bool
    seconds_left: int

    @classmethod
    def begin(cls, services: Services, counted: Mapping[str, str]) -> SignInAttempt:
        """`counted`: what is counted, by names of MAX_ATTEMPTS."""
        now = services.clock.now()
        period = int(now.timestamp() // ATTEMPT_PERIOD.total_seconds())
        ends_at = datetime.fromtimestamp((period + 1) * ATTEMPT_PERIOD.total_seconds(), UTC)
        keys = {kind: f"{kind}#{digest(of)}#{period}" for kind, of in counted.items()}
        numbers = {kind: services.users.count_attempt(key, ends_at) for kind, key in keys.items()}
        is_above = any(number > MAX_ATTEMPTS[kind] for kind, number in numbers.items())
        return cls(tuple(keys.values()), ends_at, is_above, int((ends_at - now).total_seconds()) + 1)

    def take_back(self, services: Services) -> None:
        for key in self.keys:
            services.users.count_attempt(key, self.ends_at, by=-1)
