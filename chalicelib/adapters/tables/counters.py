"""Counters of integer ids, the position of the copy of the audit, and the totals over ended mailings."""

from __future__ import annotations

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.expressions.update import Action
from pynamodb.models import Model

from ...domain.counts import COUNT_NAMES, Counts
from ..clock import Clock
from .base import CountsRow, bind_table
from .batches import Batches

TOTALS = "totals"
AUDIT_COPY = "audit_copy"
"""The role of the function that copies the audit may write this row only."""


class CounterRow(CountsRow, Model):  # type: ignore[misc]
    """An id counter or a position (`value`), or the row of totals."""

    class Meta:
        table_name = "counters"

    name = UnicodeAttribute(hash_key=True)
    value = NumberAttribute(default=0)
    mailings = NumberAttribute(default=0)


class Counters:
    """A repeated write, after a lost answer, leaves a gap of ids: harmless. The totals are written in transactions."""

    def __init__(self, stack_name: str, clock: Clock) -> None:
        bind_table(CounterRow, stack_name, clock)
        self._batches = Batches(clock)

    def next_id(self, name: str) -> int:
        """1, 2, 3, ... No id is given twice; an unused id leaves a gap."""
        row = CounterRow(name)
        row.update(actions=[CounterRow.value.add(1)])
        return int(row.value)

    def lease_ids(self, name: str, number: int) -> int:
        """Reserves `number` consecutive ids and returns the first."""
        row = CounterRow(name)
        row.update(actions=[CounterRow.value.add(number)])
        return int(row.value) - number + 1

    def last_id(self, name: str) -> int:
        """The highest id given; 0 if there is none."""
        return sum(int(row.value) for row in self._batches.get(CounterRow, [name]))

    def copied_audit_until(self) -> int:
        """The number up to which audit records are copied; 0 before the first copy."""
        try:
            return int(CounterRow.get(AUDIT_COPY, consistent_read=True).value)
        except CounterRow.DoesNotExist:
            return 0

    def move_audit_copy(self, until: int) -> None:
        """A move back is harmless: a repeated copy meets its own object."""
        CounterRow(AUDIT_COPY).update(actions=[CounterRow.value.set(until)])

    def totals(self) -> tuple[int, Counts]:
        """The number of mailings, and the sum of the counts of ended ones."""
        [row] = self._batches.get(CounterRow, [TOTALS]) or [CounterRow(TOTALS)]
        return int(row.mailings), Counts(*(int(getattr(row, name)) for name in COUNT_NAMES))


def totals_change(mailings: int, counts: Counts) -> list[Action]:
    """The actions by which a transaction changes the row of totals."""
    changes = {"mailings": mailings, **{name: getattr(counts, name) for name in COUNT_NAMES}}
    return [getattr(CounterRow, name).add(number) for name, number in changes.items()]
