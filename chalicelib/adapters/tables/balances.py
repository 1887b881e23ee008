"""The balances that gateways have told: one row for all of them. It is used only if BALANCE_ALARM is set."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist
from pynamodb.models import Model

from ...domain.money import Amount
from ..clock import Clock
from .base import bind_table, conflicts

BALANCES = "balances"
"""The role of the API may read this row only."""

KEPT = timedelta(days=30)
"""An older balance says nothing."""

Known = Mapping[str, tuple[Amount, datetime]]
"""By the name of the gateway, with the time at which it was told."""


class BalancesRow(Model):
    """Beside the rate limits: like their state, it expires, and the senders write it."""

    class Meta:
        table_name = "rates"

    name = UnicodeAttribute(hash_key=True)
    asked_at = NumberAttribute()
    balances = JSONAttribute(null=True)
    expires_at = NumberAttribute()

    @property
    def known(self) -> dict[str, tuple[Amount, datetime]]:
        rows: dict[str, dict[str, Any]] = self.balances or {}
        return {
            name: (Amount(int(row["value"]), row["currency"]), datetime.fromtimestamp(row["at"], UTC))
            for name, row in rows.items()
        }


class Balances:
    def __init__(self, stack_name: str, clock: Clock) -> None:
        bind_table(BalancesRow, stack_name, clock)

    def begin_to_ask(self, now: datetime, interval: timedelta) -> Known:
        """What is known. Raises RowChanged if the last one has begun to ask less than `interval` ago."""
        row, asked_at = BalancesRow(BALANCES), now.timestamp()
        earlier = BalancesRow.asked_at.does_not_exist() | (BalancesRow.asked_at <= asked_at - interval.total_seconds())
        expires_at = int((now + KEPT).timestamp())
        with conflicts():
            row.update(
                actions=[BalancesRow.asked_at.set(asked_at), BalancesRow.expires_at.set(expires_at)], condition=earlier
            )
        return row.known

    def keep(self, known: Known) -> None:
        rows = {
            name: {"value": amount.value, "currency": amount.currency, "at": at.timestamp()}
            for name, (amount, at) in known.items()
        }
        BalancesRow(BALANCES).update(actions=[BalancesRow.balances.set(rows)])

    def known(self) -> Known:
        """Empty if nothing was told. Raises NotRead."""
        try:
            return BalancesRow.get(BALANCES).known
        except DoesNotExist:
            return {}
