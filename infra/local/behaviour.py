"""How the simulator of the gateway behaves: its latency, its failures and its delivery receipts."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, replace
from typing import Any

from chalicelib.domain.outcome import Kind

from .reporter import ReceiptBehaviour

KINDS = {
    "unauthorized": Kind.CREDENTIALS,
    "throttle": Kind.THROTTLED,
    "error_rate": Kind.AMBIGUOUS,
    "no_balance": Kind.BALANCE,
    "sender_refused": Kind.SENDER,
    "refuse": Kind.PERMANENT,
    "opted_out": Kind.OPTED_OUT,
    "fail_for": Kind.AMBIGUOUS,
    "garbage": Kind.AMBIGUOUS,
}
"""What the behaviours that are answers mean, unless the form of a provider names another answer. The first one wins."""


@dataclass(frozen=True)
class Behaviour:
    """`latency` is in seconds; `error_rate` is the part of posts, from 0 to 1, that meet a fault of the gateway.

    `throttle`: every post is too fast; its Retry-After is so many seconds, if the provider has one; 0 is never.
    `balance`: of the account, in the provider's currency; with `no_balance` it is 0.
    `refuse`, `opted_out` and `fail_for`: phone numbers that are refused for good, want no messages, or always meet a
    fault. `drops_idle`: a connection that was idle for longer than these seconds is closed when its next post arrives,
    and the post is not read; 0 is never. The other fields are about delivery receipts (reporter.ReceiptBehaviour):
    `receipts` is the part of messages that get one.
    """

    latency: float = 0.0
    error_rate: float = 0.0
    outage: bool = False
    hang: bool = False
    garbage: bool = False
    unauthorized: bool = False
    throttle: int = 0
    no_balance: bool = False
    balance: float = 1000.0
    sender_refused: bool = False
    refuse: tuple[int, ...] = ()
    opted_out: tuple[int, ...] = ()
    fail_for: tuple[int, ...] = ()
    drops_idle: float = 0.0
    receipts: float = 0.0
    undelivered: float = 0.0
    receipt_delay: float = 0.0
    receipt_repeats: int = 0
    receipt_disorder: bool = False
    receipt_forgery: float = 0.0

    def failure(self, phone: int) -> str | None:
        """The field by which a post to this phone number fails; None if it succeeds."""
        return next((name for name in KINDS if self._is_met(name, phone)), None)

    def _is_met(self, name: str, phone: int) -> bool:
        value = getattr(self, name)
        if isinstance(value, tuple):
            return phone in value
        return random.random() < value if name in RATES else bool(value)  # noqa: S311

    @property
    def receipt_behaviour(self) -> ReceiptBehaviour:
        return ReceiptBehaviour(
            self.receipts,
            self.undelivered,
            self.receipt_delay,
            self.receipt_repeats,
            self.receipt_disorder,
            self.receipt_forgery,
        )


RATES = ("error_rate", "receipts", "undelivered", "receipt_forgery")


def changed_behaviour(behaviour: Behaviour, changes: dict[str, Any]) -> Behaviour:
    """Apply the changes; raises ValueError with what is expected."""
    known = asdict(Behaviour())
    for name, value in changes.items():
        if name not in known:
            raise ValueError(f'"{name}" is unknown: one of {", ".join([*known, "reset"])} is expected.')
        if isinstance(known[name], tuple):
            changes = {**changes, name: tuple(int(phone) for phone in value)}
        elif isinstance(known[name], bool) != isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f'"{name}": a {type(known[name]).__name__} is expected.')
        elif value < 0 or (name in RATES and value > 1):
            raise ValueError(f'"{name}": {value} is out of range.')
    return replace(behaviour, **changes)
