"""The changes of delivery receipts: messages, the counts of their mailing and the totals, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from ...domain.counts import COUNT_NAMES, Counts
from ...domain.mailing import Mailing
from ...domain.message import Message
from ..clock import Clock
from .base import bind_table, conflicts, set_actions, transaction
from .counters import TOTALS, CounterRow, totals_change
from .mailing_row import MailingRow, is_open
from .message_row import NOT_CLAIMED, MessageRow, row_of

CHANGED = ("status", "reported_at", "sent_at", "last_error")


class Receipts:
    """A transaction costs twice as much as plain updates, but no count needs a repair after a crash."""

    def __init__(self, stack_name: str, clock: Clock) -> None:
        bind_table(MessageRow, stack_name, clock)
        bind_table(MailingRow, stack_name, clock)
        bind_table(CounterRow, stack_name, clock)

    def record(self, mailing: Mailing, changes: Sequence[tuple[Message, Message]], added: Counts) -> None:
        """Write messages of one mailing, each given before and after its change, and add to the mailing's counts.

        Raises RowChanged if one of the messages has changed, or the mailing was ended, reopened or deleted.
        """
        with conflicts(), transaction(MailingRow) as writes:
            for before, after in changes:
                _write(writes, before, after)
            writes.update(MailingRow(mailing.id), actions=_mailing_actions(added), condition=_is_still(mailing))
            if not mailing.is_open:
                writes.update(CounterRow(TOTALS), actions=totals_change(0, added))


def _write(writes: TransactWrite, before: Message, after: Message) -> None:
    unchanged = (MessageRow.status == before.status) & (MessageRow.attempts == before.attempts)
    values = {name: getattr(after, name) for name in CHANGED}
    values["claimed_until"] = after.claimed_until or NOT_CLAIMED
    writes.update(row_of(before.key), actions=set_actions(MessageRow, values), condition=unchanged)


def _mailing_actions(added: Counts) -> list[Action]:
    """Change the counts, and their version, so that a write that depends on the old counts fails. Other fields stay.

    If messages become sent, the reconciliation rounds that may have read them before become invalid.
    """
    actions: list[Action] = [getattr(MailingRow, name).add(getattr(added, name)) for name in COUNT_NAMES]
    actions.append(MailingRow.receipts_version.add(1))
    if added.sent:
        actions.append(MailingRow.first_valid_round.set(MailingRow.rounds + 1))
    return actions


def _is_still(mailing: Mailing) -> Condition:
    """The mailing is still open, or still ended."""
    if mailing.is_open:
        return is_open()
    condition: Condition = MailingRow.id.exists() & ~is_open()
    return condition
