"""Mailings with their counts, and indexes of the open and the scheduled mailings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pynamodb.exceptions import DoesNotExist
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from ...domain.audit_record import AuditRecord
from ...domain.counts import COUNT_NAMES, NO_COUNTS, Counts
from ...domain.mailing import RUNNING, Mailing
from ...errors import DraftChanged
from ..clock import Clock
from .audit import Audit
from .base import bind_table, conflicts, set_actions, transaction
from .batches import Batches
from .counters import TOTALS, CounterRow, totals_change
from .mailing_progress import MailingProgress, no_answers, no_refusals
from .mailing_row import OPEN_KEY, SCHEDULED_KEY, MailingRow, decisions

if TYPE_CHECKING:
    from ...domain.draft import Draft
    from ...domain.mailing_outline import MailingOutline
    from ...domain.mailing_search import ListedMailing
    from .drafts import Drafts

SMALLEST = timedelta(microseconds=1)

DRAFT_POSITION = 1
"""The launched draft is the second row that a launch puts."""


class Mailings(MailingProgress):
    """The audit record of a decision is written in the same transaction.

    `drafts`: opened for a launch and for the undo of one. Drafts and the parts of rows are loaded where they are used,
    because a sender uses neither.
    """

    def __init__(self, stack_name: str, audit: Audit, drafts: Callable[[], Drafts], clock: Clock) -> None:
        bind_table(MailingRow, stack_name, clock)
        bind_table(CounterRow, stack_name, clock)
        self._audit = audit
        self._drafts = drafts
        self._batches = Batches(clock)

    def add(self, mailing: Mailing, record: AuditRecord | None = None, draft: Draft | None = None) -> None:
        """`draft`: as the launch leaves it. Raises DraftChanged if its row has another version."""
        with conflicts({DRAFT_POSITION: DraftChanged} if draft else None), transaction(MailingRow) as writes:
            write_new(writes, mailing)
            if draft is not None:
                self._drafts().write(writes, draft)
            self._audit.write(writes, record)

    def get(self, mailing_id: int) -> Mailing | None:
        try:
            return MailingRow.get(mailing_id, consistent_read=True).mailing()
        except DoesNotExist:
            return None

    def get_many(self, mailing_ids: Iterable[int]) -> dict[int, Mailing]:
        """The existing mailings by id. One call reads a hundred."""
        rows = self._batches.get(MailingRow, mailing_ids)
        return {int(row.id): row.mailing() for row in rows}

    def outlines(self, mailing_ids: Iterable[int]) -> dict[int, MailingOutline]:
        """As `get_many`, with little processor time: parts of the rows are read."""
        from .mailing_parts import OUTLINE, outline_of

        items = self._batches.get_items(MailingRow, mailing_ids, OUTLINE)
        return {outline.id: outline for outline in map(outline_of, items)}

    def listed(self, mailing_ids: Iterable[int]) -> list[ListedMailing]:
        """As `outlines`, of what a search needs, in no order."""
        from .mailing_parts import LISTED, listed_of

        return [listed_of(item) for item in self._batches.get_items(MailingRow, mailing_ids, LISTED)]

    def active_ids(self, now: datetime) -> list[int]:
        """Ids of the mailings that can need work: those that have started and are open, and those that are to start."""
        due = MailingRow.scheduled_index.query(SCHEDULED_KEY, MailingRow.datetime_start <= now)
        return [int(row.id) for rows in (MailingRow.open_index.query(OPEN_KEY), due) for row in rows]

    def scheduled_number(self, now: datetime) -> int:
        """How many mailings start later. Reads a hundred bytes for each of them."""
        return MailingRow.scheduled_index.count(SCHEDULED_KEY, MailingRow.datetime_start > now)

    def scheduled_ids(self, start_from: datetime, start_before: datetime, limit: int) -> list[int]:
        """Ids of the mailings that start at `start_from` or later and before `start_before`, the next one first."""
        starts = MailingRow.datetime_start.between(start_from, start_before - SMALLEST)
        return [int(row.id) for row in MailingRow.scheduled_index.query(SCHEDULED_KEY, starts, limit=limit)]

    def change(self, before: Mailing, after: Mailing, record: AuditRecord | None = None) -> Mailing:
        """Write a decision. Raises RowChanged if another decision was written first. Does not change the counts.

        Reconciliation rounds that have already begun become invalid. A decision that moves the counts into the totals
        or out of them also raises RowChanged if receipts changed the counts.
        """
        actions = set_actions(MailingRow, {**decisions(after), "version": before.version + 1})
        actions.append(MailingRow.first_valid_round.set(MailingRow.rounds + 1))
        if after.progress_at is not None and after.progress_at != before.progress_at:
            actions.append(MailingRow.progress_at.set(after.progress_at))
        if after.posting_since is not None and after.posting_since != before.posting_since:
            actions.append(MailingRow.posting_since.set(after.posting_since))
        # Workers change the next attributes at any time: a decision writes them only if it changes them.
        if after.status == RUNNING != before.status:
            actions += no_answers() + no_refusals()
        if before.is_feeding and not after.is_feeding:
            actions.append(MailingRow.is_feeding.set(False))
        if before.releases and not after.releases:
            actions.append(MailingRow.releases.remove())
        if after.canary and before.canary and after.canary.admitted != before.canary.admitted:
            actions.append(MailingRow.canary_admitted.set(after.canary.admitted))
        self._write_decision(before, actions, _ended_counts(after) + -_ended_counts(before), record)
        return replace(after, version=before.version + 1, first_valid_round=before.rounds + 1)

    def end(self, before: Mailing, after: Mailing) -> Mailing:
        """End a mailing: write its reconciled counts and add them to the totals.

        Raises RowChanged if another decision was written first, or if receipts changed the counts.
        """
        counts = {name: getattr(after.counts, name) for name in COUNT_NAMES}
        found = {"last_post_at": after.last_post_at, "attempts": after.attempts}
        reconciled = {**counts, **found, "concluded_rounds": after.concluded_rounds}
        values = {**decisions(after), **reconciled, "version": before.version + 1}
        self._write_decision(before, set_actions(MailingRow, values), after.counts)
        return replace(after, version=before.version + 1)

    def remove(self, mailing: Mailing, record: AuditRecord | None = None, draft: Draft | None = None) -> None:
        """Raises RowChanged if another decision was written first, or if receipts changed counts that the totals have.

        The time to live deletes the messages. `draft`: as the undo of the launch leaves it.
        """
        with conflicts(), transaction(MailingRow) as writes:
            writes.delete(MailingRow(mailing.id), condition=_unchanged(mailing, with_counts=not mailing.is_open))
            if draft is not None:
                self._drafts().write(writes, draft)
            self._audit.write(writes, record)
            writes.update(CounterRow(TOTALS), actions=totals_change(-1, -_ended_counts(mailing)))

    def _write_decision(
        self, before: Mailing, actions: list[Action], ended: Counts, record: AuditRecord | None = None
    ) -> None:
        """Write a decision together with its audit record. `ended`: the counts that it adds to the totals."""
        row, unchanged = MailingRow(before.id), _unchanged(before, with_counts=ended != NO_COUNTS)
        if ended == NO_COUNTS and record is None:
            with conflicts():
                row.update(actions=actions, condition=unchanged)
            return
        with conflicts(), transaction(MailingRow) as writes:
            self._audit.write(writes, record)
            writes.update(row, actions=actions, condition=unchanged)
            if ended != NO_COUNTS:
                writes.update(CounterRow(TOTALS), actions=totals_change(0, ended))


def row_of(mailing: Mailing) -> MailingRow:
    """The row of a mailing that is not written yet."""
    return MailingRow(mailing.id, **decisions(mailing), version=mailing.version)


def write_new(writes: TransactWrite, mailing: Mailing) -> None:
    """Add the mailing and its part of the totals to a transaction. It fails if the mailing exists."""
    writes.save(row_of(mailing), condition=MailingRow.id.does_not_exist())
    writes.update(CounterRow(TOTALS), actions=totals_change(1, _ended_counts(mailing)))


def _unchanged(mailing: Mailing, with_counts: bool) -> Condition:
    """The optimistic lock. `with_counts`: receipts must not have changed the counts either."""
    condition: Condition = MailingRow.version == mailing.version
    if not with_counts:
        return condition
    version = MailingRow.receipts_version
    condition &= version == mailing.receipts_version if mailing.receipts_version else version.does_not_exist()
    return condition


def _ended_counts(mailing: Mailing) -> Counts:
    """The mailing's part of the totals: its counts if it has ended, otherwise nothing."""
    return NO_COUNTS if mailing.is_open else mailing.counts
