"""What an adapter costs the sender: processor time to make a request of a message and to read the accepted answer.

Beside the adapter of the contract, in turns. No connection is made.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from statistics import median

from chalicelib.domain.outcome import Kind
from chalicelib.gateways.answer import Answer
from chalicelib.gateways.registry import NAMES, provider
from infra.local.deployment import LOCAL_AWS
from infra.local.providers.case import SMS, Table

from .measure import Row

MESSAGES, ROUNDS = 500, 9
MOST_MICROSECONDS = 100.0
"""More than the adapter of the contract, a message."""

TEXT = "Ваш заказ готов, мы ждём вас до воскресенья. " * 3
BASELINE = "contract"


def run() -> list[Row]:
    os.environ.update(LOCAL_AWS)  # the adapter of AWS signs
    now = datetime.now(UTC)
    posts = {name: _Posts(name, now) for name in NAMES}
    taken: dict[str, list[float]] = {name: [] for name in NAMES}
    for _ in range(ROUNDS):
        for name, one in posts.items():
            taken[name].append(one.microseconds())
    base = median(taken[BASELINE])
    rows = []
    for name in sorted(set(NAMES) - {BASELINE}):
        more = median(one - other for one, other in zip(taken[name], taken[BASELINE], strict=True))
        rows.append(
            Row(f"adapter {name}: request and outcome, above the contract", "µs", more, base, most=MOST_MICROSECONDS)
        )
    return rows


class _Posts:
    """The same messages through the adapter of one provider."""

    def __init__(self, name: str, now: datetime) -> None:
        table: Table = import_module(f"infra.local.providers.{name}").TABLE
        accepted = next(case for case in table.answers if case.kind is Kind.ACCEPTED)
        self._adapter = provider(name).make_adapter(table.options)
        self._secret, self._now = table.secret, now
        self._answer = Answer(accepted.status, accepted.body, accepted.header)
        self._messages = [
            replace(SMS, id=SMS.id + number, phone_number=f"7977{number:07d}", text=f"{TEXT}{number}")
            for number in range(MESSAGES)
        ]

    def microseconds(self) -> float:
        """Of the processor, for each message."""
        began = time.process_time()
        for sms in self._messages:
            self._adapter.request(sms, self._secret)
            self._adapter.outcome(self._answer, self._now)
        return (time.process_time() - began) / MESSAGES * 1e6
