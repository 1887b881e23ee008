"""Mailings with their counts, and indexes of the open and the scheduled mailings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from pynamodb.exceptions import DoesNotExist, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from ...domain import rounds
from ...domain.audit_record import AuditRecord
from ...domain.brake import Answers
from ...domain.mailing import COUNT_NAMES, NO_COUNTS, RUNNING, Counts, Mailing
from ...errors import NotWritten
from .. import aws
from ..clock import Clock
from .audit import Audit
from .base import bind_table, code_of, conflicts, set_actions, transaction
from .batches import Batches
from .counters import TOTALS, CounterRow, totals_change
from .mailing_row import OPEN_KEY, SCHEDULED_KEY, MailingRow, decisions, is_open


class Mailings:
    """The audit record of a decision is written in the same transaction."""

    def __init__(self, stack_name: str, audit: Audit, clock: Clock) -> None:
        bind_table(MailingRow, stack_name, clock)
        bind_table(CounterRow, stack_name, clock)
        self._audit = audit
        self._batches = Batches(clock)

    def add(self, mailing: Mailing, record: AuditRecord | None = None) -> None:
        row = MailingRow(mailing.id, **decisions(mailing), version=mailing.version)
        with conflicts(), transaction(MailingRow) as writes:
            writes.save(row, condition=MailingRow.id.does_not_exist())
            self._audit.write(writes, record)
            writes.update(CounterRow(TOTALS), actions=totals_change(1, _ended_counts(mailing)))

    def get(self, mailing_id: int) -> Mailing | None:
        try:
            return MailingRow.get(mailing_id, consistent_read=True).mailing()
        except DoesNotExist:
            return None

    def get_many(self, mailing_ids: Iterable[int]) -> dict[int, Mailing]:
        """The existing mailings by id. One call reads a hundred."""
        rows = self._batches.get(MailingRow, mailing_ids)
        return {int(row.id): row.mailing() for row in rows}

    def active_ids(self, now: datetime) -> list[int]:
        """Ids of the mailings that can need work: those that have started and are open, and those that are to start."""
        due = MailingRow.scheduled_index.query(SCHEDULED_KEY, MailingRow.datetime_start <= now)
        return [int(row.id) for rows in (MailingRow.open_index.query(OPEN_KEY), due) for row in rows]

    def scheduled_number(self, now: datetime) -> int:
        """How many mailings start later. Reads a hundred bytes for each of them."""
        return MailingRow.scheduled_index.count(SCHEDULED_KEY, MailingRow.datetime_start > now)

    def change(self, before: Mailing, after: Mailing, record: AuditRecord | None = None) -> Mailing:
        """Write a decision. Raises RowChanged if another decision was written first. Does not change the counts.

        Reconciliation rounds that have already begun become invalid. A decision that moves the counts into the totals
        or out of them also raises RowChanged if receipts changed the counts.
        """
        actions = set_actions(MailingRow, {**decisions(after), "version": before.version + 1})
        actions.append(MailingRow.first_valid_round.set(MailingRow.rounds + 1))
        if after.progress_at is not None and after.progress_at != before.progress_at:
            actions.append(MailingRow.progress_at.set(after.progress_at))
        # Workers change the next attributes at any time: a decision writes them only if it changes them.
        if after.status == RUNNING != before.status:
            actions += _no_answers()
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

    def remove(self, mailing: Mailing, record: AuditRecord | None = None) -> None:
        """Raises RowChanged if another decision was written first, or if receipts changed counts that the totals have.

        The time to live deletes the messages.
        """
        with conflicts(), transaction(MailingRow) as writes:
            writes.delete(MailingRow(mailing.id), condition=_unchanged(mailing, with_counts=not mailing.is_open))
            self._audit.write(writes, record)
            writes.update(CounterRow(TOTALS), actions=totals_change(-1, -_ended_counts(mailing)))

    def add_counts(
        self,
        mailing_id: int,
        counts: Counts,
        now: datetime,
        last_post_at: datetime | None = None,
        reached_at: datetime | None = None,
    ) -> Mailing | None:
        """Add to the counts and return the changed mailing. Raises NotWritten.

        A write whose answer is lost is not repeated: it would count twice, and with too few queued messages every batch
        would begin a reconciliation round. If it did not take effect, the next round counts the rows.
        Returns None if the mailing was deleted or has ended: its last reconciliation round has counted these messages.
        `last_post_at`: when the latest post of these messages began. `reached_at`: when the latest of them was queued.
        """
        row = MailingRow(mailing_id)
        actions: list[Action] = [MailingRow.progress_at.set(now)]
        if last_post_at is not None:
            actions.append(MailingRow.last_post_at.set(last_post_at))
        if reached_at is not None:
            actions.append(MailingRow.reached_at.set(reached_at))
        with aws.never_repeated():
            return self._update_open(row, actions + _add_actions(counts))

    def correct_counts(self, mailing_id: int, counts: Counts) -> None:
        """Add to the counts for a reconciliation round, which is no progress of the mailing. Raises NotWritten."""
        with aws.never_repeated():
            self._update_open(MailingRow(mailing_id), _add_actions(counts))

    def record_wait(self, mailing_id: int, waits_until: datetime) -> None:
        """Record until when messages wait that senders gave back without an attempt. Raises NotWritten."""
        self._update_open(MailingRow(mailing_id), [MailingRow.waits_until.set(waits_until)])

    def add_answers(self, mailing_id: int, answers: Answers, now: datetime) -> Mailing | None:
        """Add to the answers that the brake counts, and return the changed mailing. Raises NotWritten.

        Returns None if the mailing was deleted or has ended.
        """
        actions: list[Action] = [MailingRow.answers_since.set(MailingRow.answers_since | now)]  # if_not_exists
        actions += [
            getattr(MailingRow, f"answers_{name}").add(number)
            for name in ("clear", "doubtful", "off_contract")
            if (number := getattr(answers, name))
        ]
        return self._update_open(MailingRow(mailing_id), actions)

    def clear_answers(self, mailing_id: int) -> Mailing | None:
        """The brake counts answers anew."""
        return self._update_open(MailingRow(mailing_id), _no_answers())

    def admit_to_canary(self, mailing_id: int, now: datetime) -> Mailing | None:
        """Admit one more message to the canary. Returns the changed mailing, or None if the canary is full.

        A repeated write may count the message twice. A reconciliation round corrects the number (`canary_checked`).
        """
        actions: list[Action] = [MailingRow.canary_admitted.add(1), MailingRow.progress_at.set(now)]
        has_room = (MailingRow.status == RUNNING) & (MailingRow.canary_admitted < MailingRow.canary)
        return self._update_open(MailingRow(mailing_id), actions, has_room)

    def mark_fanned_out(self, mailing_id: int, total: int, now: datetime) -> Mailing | None:
        """Record that all slices are walked. `total` replaces the number of clients that was counted until now."""
        row = MailingRow(mailing_id)
        actions: list[Action] = [
            MailingRow.is_fanned_out.set(True),
            MailingRow.total.set(total),
            MailingRow.progress_at.set(now),
        ]
        return self._update_open(row, actions)

    def await_release(self, mailing_id: int, opens_at: datetime) -> None:
        """Record that messages wait for local hours that open at this moment."""
        self._update_open(MailingRow(mailing_id), [MailingRow.releases.add({opens_at.timestamp()})])

    def mark_released(self, mailing_id: int, opens_at: datetime) -> None:
        """Record that no message waits for this moment any more."""
        actions: list[Action] = [MailingRow.releases.delete({opens_at.timestamp()}), MailingRow.awaits_hours.set(False)]
        self._update_open(MailingRow(mailing_id), actions)

    def await_feed(self, mailing_id: int) -> None:
        """Record that messages wait in their rows for a feed. Raises NotWritten."""
        self._update_open(MailingRow(mailing_id), [MailingRow.awaits_feed.set(True)])

    def begin_feed(self, mailing: Mailing) -> Mailing | None:
        """Begin the next feed, in place of the present one. Returns None if another one has begun."""
        actions: list[Action] = [
            MailingRow.feed.set(mailing.feed + 1),
            MailingRow.is_feeding.set(True),
            MailingRow.awaits_feed.set(False),
        ]
        unchanged = MailingRow.feed == mailing.feed if mailing.feed else MailingRow.feed.does_not_exist()
        return self._update_open(MailingRow(mailing.id), actions, unchanged)

    def end_feed(self, mailing: Mailing) -> None:
        """Record that the feed has walked all rows, unless another one has begun."""
        unchanged = MailingRow.feed == mailing.feed
        self._update_open(MailingRow(mailing.id), [MailingRow.is_feeding.set(False)], unchanged)

    def begin_round(self, mailing: Mailing, now: datetime, requeues: str = "") -> Mailing:
        """Begin the next reconciliation round. Raises RowChanged if another one has begun."""
        begun = rounds.begun(mailing, now, requeues)
        row = MailingRow(mailing.id)
        actions = set_actions(MailingRow, {name: getattr(begun, name) for name in rounds.ROUND_FIELDS})
        actions.append(MailingRow.concluded_rounds.set(MailingRow.concluded_rounds | mailing.concluded_rounds))
        with conflicts():
            row.update(actions=actions, condition=MailingRow.rounds == mailing.rounds)
        return row.mailing()

    def continue_round(self, mailing: Mailing, now: datetime) -> None:
        """Record that jobs of the running round are queued again. Raises RowChanged if others have continued it."""
        is_same = (MailingRow.rounds == mailing.rounds) & (MailingRow.round_queued_at == mailing.round_queued_at)
        with conflicts():
            MailingRow(mailing.id).update(actions=[MailingRow.round_queued_at.set(now)], condition=is_same)

    def conclude_round(self, before: Mailing, after: Mailing) -> Mailing:
        """Conclude the current reconciliation round and correct the counts. Returns the changed mailing.

        Raises RowChanged if a decision was written, another round has begun, or this one is concluded: a write whose
        answer is lost is repeated, and must not correct the counts twice.
        """
        row = MailingRow(before.id)
        values = {"concluded_rounds": after.concluded_rounds, "round_requeues": after.round_requeues}
        if before.has_orders:
            values |= {"requeue": after.requeue, "resend": list(after.resend)}
        if before.window is not None:
            values |= {"awaits_hours": after.awaits_hours}
        actions = set_actions(MailingRow, values) + _add_actions(after.counts + -before.counts)
        is_same = (MailingRow.version == before.version) & (MailingRow.rounds == before.rounds)
        concluded = MailingRow.concluded_rounds
        is_running = concluded.does_not_exist() | (concluded < before.rounds)
        with conflicts():
            row.update(actions=actions, condition=is_same & is_running)
        return row.mailing()

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

    def _update_open(
        self, row: MailingRow, actions: list[Action], condition: Condition | None = None
    ) -> Mailing | None:
        """Returns None if the mailing was deleted or has ended, or if `condition` fails. Raises NotWritten."""
        try:
            row.update(actions=actions, condition=is_open() if condition is None else is_open() & condition)
        except UpdateError as error:
            if code_of(error) == "ConditionalCheckFailedException":
                return None
            raise NotWritten(f"mailing {row.id}") from error
        return row.mailing()


def _unchanged(mailing: Mailing, with_counts: bool) -> Condition:
    """The optimistic lock. `with_counts`: receipts must not have changed the counts either."""
    condition: Condition = MailingRow.version == mailing.version
    if not with_counts:
        return condition
    version = MailingRow.receipts_version
    condition &= version == mailing.receipts_version if mailing.receipts_version else version.does_not_exist()
    return condition


def _add_actions(counts: Counts) -> list[Action]:
    return [getattr(MailingRow, name).add(getattr(counts, name)) for name in COUNT_NAMES if getattr(counts, name)]


def _no_answers() -> list[Action]:
    names = ("answers_clear", "answers_doubtful", "answers_off_contract", "answers_since")
    return set_actions(MailingRow, dict.fromkeys(names))


def _ended_counts(mailing: Mailing) -> Counts:
    """The mailing's part of the totals: its counts if it has ended, otherwise nothing."""
    return NO_COUNTS if mailing.is_open else mailing.counts
