"""What the texts of a day cost: one row for each day. It is used only if DAILY_BUDGET is set."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist, UpdateError
from pynamodb.expressions.update import Action
from pynamodb.models import Model

from ...errors import NotWritten
from .. import aws
from ..clock import Clock
from .base import bind_table

KEPT = timedelta(days=3)
"""The row of a past day has no effect."""


class SpendingRow(Model):
    """Beside the rate limits: like their state, it expires, and senders write it."""

    class Meta:
        table_name = "rates"

    name = UnicodeAttribute(hash_key=True)
    spent = NumberAttribute(default=0)
    expires_at = NumberAttribute(null=True)


class Spending:
    """Amounts are as in domain/money.py."""

    def __init__(self, stack_name: str, clock: Clock) -> None:
        bind_table(SpendingRow, stack_name, clock)

    def of_day(self, day: date) -> int:
        """Raises NotRead."""
        try:
            return int(SpendingRow.get(_name(day), consistent_read=True).spent)
        except DoesNotExist:
            return 0

    def add(self, day: date, cost: int, now: datetime) -> int:
        """Add to the day, and return its sum. Raises NotWritten: the write may have taken effect nevertheless."""
        row = SpendingRow(_name(day))
        expires_at = int((now + KEPT).timestamp())
        actions: list[Action] = [SpendingRow.spent.add(cost), SpendingRow.expires_at.set(expires_at)]
        try:
            with aws.never_repeated():
                row.update(actions=actions)
        except UpdateError as error:
            raise NotWritten(f"spending of {day}") from error
        return int(row.spent)


def _name(day: date) -> str:
    return f"spent#{day.isoformat()}"
