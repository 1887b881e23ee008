"""What receipts change: messages, and with them in one transaction the counts of their mailing and the totals."""

from __future__ import annotations

from collections.abc import Sequence

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from ...domain.mailing import COUNTED, Counts, Mailing
from ...domain.message import Message
from .base import conflicts, place, set_all, transaction
from .counters import TOTALS, CounterRow, totals_change
from .mailing_row import MailingRow
from .messages import MessageRow, row_of

CHANGED = ("status", "reported_at", "sent_at", "last_error", "claimed_until")


class Receipts:
    """A transaction writes a row for twice the price of a plain update; in return nobody has to mend a count."""

    def __init__(self, stack_name: str) -> None:
        place(MessageRow, stack_name, "messages")
        place(MailingRow, stack_name, "mailings")
        place(CounterRow, stack_name, "counters")

    def record(self, mailing: Mailing, changes: Sequence[tuple[Message, Message]], moved: Counts) -> None:
        """Messages of one mailing as they were and as they become, and what that moves in its counts.

        RowChanged when one of them is not as it was any more, or the mailing was ended, reopened or deleted.
        """
        with conflicts(), transaction() as whole:
            for before, after in changes:
                _write(whole, before, after)
            whole.update(MailingRow(mailing.id), actions=_mailing_actions(moved), condition=_as_open_as(mailing))
            if not mailing.is_open:
                whole.update(CounterRow(TOTALS), actions=totals_change(0, moved))


def _write(whole: TransactWrite, before: Message, after: Message) -> None:
    unchanged = (MessageRow.status == before.status) & (MessageRow.attempts == before.attempts)
    values = {name: getattr(after, name) for name in CHANGED}
    whole.update(row_of(before.key), actions=set_all(MessageRow, values), condition=unchanged)


def _mailing_actions(moved: Counts) -> list[Action]:
    """Its version changes, so that nobody decides by counts of before; of its other fields nothing does.

    A round of recounting that may have seen a message as it was concludes nothing any more.
    """
    actions: list[Action] = [getattr(MailingRow, name).add(getattr(moved, name)) for name in COUNTED]
    actions.append(MailingRow.version.add(1))
    if moved.sent:
        actions.append(MailingRow.first_valid_round.set(MailingRow.rounds + 1))
    return actions


def _as_open_as(mailing: Mailing) -> Condition:
    if mailing.is_open:
        return MailingRow.open.exists()
    condition: Condition = MailingRow.id.exists() & MailingRow.open.does_not_exist()
    return condition
