"""Mailings with their counts, and an index of those that have not ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from pynamodb.exceptions import DoesNotExist, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from ...domain.audit_record import AuditRecord
from ...domain.mailing import COUNTED, NOTHING, RUNNING, Counts, Mailing
from ...errors import NotWritten, RowChanged
from ...retries import retry_lost_races
from ..clock import Clock
from .audit import Audit
from .base import conflicts, lost_race, place, set_all, transaction
from .counters import TOTALS, CounterRow, totals_change
from .mailing_row import OPEN_KEY, MailingRow, decisions


class Mailings:
    """A decision's record, if there is one, is written in its transaction."""

    def __init__(self, stack_name: str, audit: Audit, clock: Clock) -> None:
        place(MailingRow, stack_name, "mailings")
        place(CounterRow, stack_name, "counters")
        self._audit = audit
        self._clock = clock

    def add(self, mailing: Mailing, record: AuditRecord | None = None) -> None:
        row = MailingRow(mailing.id, **decisions(mailing), version=mailing.version)
        with conflicts(), transaction() as whole:
            whole.save(row, condition=MailingRow.id.does_not_exist())
            self._audit.write(whole, record)
            whole.update(CounterRow(TOTALS), actions=totals_change(1, _ended_counts(mailing)))

    def get(self, mailing_id: int) -> Mailing | None:
        try:
            return MailingRow.get(mailing_id, consistent_read=True).mailing()
        except DoesNotExist:
            return None

    def get_many(self, mailing_ids: Iterable[int]) -> dict[int, Mailing]:
        """Those that exist, a hundred a call."""
        rows = MailingRow.batch_get(mailing_ids, consistent_read=True)
        return {int(row.id): row.mailing() for row in rows}

    def open_ids(self) -> list[int]:
        """Ids of those for which something is still to be done."""
        return [int(row.id) for row in MailingRow.open_index.query(OPEN_KEY)]

    def change(self, before: Mailing, after: Mailing, record: AuditRecord | None = None) -> Mailing:
        """Write what was decided, unless another decision came first (RowChanged). Counts are not touched.

        Rounds of recounting that are under way conclude nothing any more.
        """
        actions = set_all(MailingRow, {**decisions(after), "version": before.version + 1})
        actions.append(MailingRow.first_valid_round.set(MailingRow.rounds + 1))
        if after.progress_at is not None and after.progress_at != before.progress_at:
            actions.append(MailingRow.progress_at.set(after.progress_at))
        if before.releases and not after.releases:  # otherwise they are not a decision's business
            actions.append(MailingRow.releases.remove())
        if after.canary and before.canary and after.canary.taken != before.canary.taken:  # as above
            actions.append(MailingRow.canary_taken.set(after.canary.taken))
        self._decide(before, actions, _ended_counts(after) + -_ended_counts(before), record)
        return replace(after, version=before.version + 1, first_valid_round=before.rounds + 1)

    def end(self, before: Mailing, after: Mailing) -> Mailing:
        """The end of a mailing: its recounted messages become its counts, and part of the totals."""
        counts = {name: getattr(after.counts, name) for name in COUNTED}
        found = {**counts, "last_post_at": after.last_post_at, "attempts": after.attempts}
        decided = {**decisions(after), **found, "version": before.version + 1}
        self._decide(before, set_all(MailingRow, decided), after.counts)
        return replace(after, version=before.version + 1)

    def orders_done(self, mailing: Mailing) -> None:
        """What was ordered has been carried out, unless another decision came meanwhile (RowChanged)."""
        actions: list[Action] = [MailingRow.requeue.set(False), MailingRow.resend.set([])]
        with conflicts():
            MailingRow(mailing.id).update(actions=actions, condition=MailingRow.version == mailing.version)

    def remove(self, mailing: Mailing, record: AuditRecord | None = None) -> None:
        """Raises RowChanged when it is not as given. Its messages are left to their time to live."""
        with conflicts(), transaction() as whole:
            whole.delete(MailingRow(mailing.id), condition=MailingRow.version == mailing.version)
            self._audit.write(whole, record)
            whole.update(CounterRow(TOTALS), actions=totals_change(-1, -_ended_counts(mailing)))

    def add_counts(
        self, mailing_id: int, counts: Counts, now: datetime, last_post_at: datetime | None = None
    ) -> Mailing | None:
        """Add to the counts, and answer with the mailing as it is then.

        None when it is deleted, or has ended: then the recount has seen what was to be added.
        `last_post_at`: when the latest of the posts that are counted here began.
        """
        row = MailingRow(mailing_id)
        actions: list[Action] = [MailingRow.progress_at.set(now)]
        if last_post_at is not None:
            actions.append(MailingRow.last_post_at.set(last_post_at))
        actions += [getattr(MailingRow, name).add(getattr(counts, name)) for name in COUNTED if getattr(counts, name)]
        return self._update_open(row, actions)

    def let_go(self, mailing_id: int, now: datetime) -> Mailing | None:
        """One more of the canary goes: answers with the mailing as it is then; None when no more may."""
        actions: list[Action] = [MailingRow.canary_taken.add(1), MailingRow.progress_at.set(now)]
        may_go = (MailingRow.status == RUNNING) & (MailingRow.canary_taken < MailingRow.canary)
        return self._update_open(MailingRow(mailing_id), actions, may_go)

    def mark_fanned_out(self, mailing_id: int, total: int, now: datetime) -> Mailing | None:
        """All segments are walked: `total` clients are chosen, whatever was counted on the way."""
        row = MailingRow(mailing_id)
        actions: list[Action] = [
            MailingRow.is_fanned_out.set(True),
            MailingRow.total.set(total),
            MailingRow.progress_at.set(now),
        ]
        return self._update_open(row, actions)

    def await_release(self, mailing_id: int, opens_at: datetime) -> None:
        """Messages wait for this moment."""
        self._update_open(MailingRow(mailing_id), [MailingRow.releases.add({opens_at.timestamp()})])

    def released(self, mailing_id: int, opens_at: datetime) -> None:
        """None wait for it any more."""
        actions: list[Action] = [MailingRow.releases.delete({opens_at.timestamp()}), MailingRow.awaits_hours.set(False)]
        self._update_open(MailingRow(mailing_id), actions)

    def note_hours(self, mailing_id: int, awaits_hours: bool) -> None:
        """A round of recounting found that those who wait, wait for their hours; or that others do as well."""
        self._update_open(MailingRow(mailing_id), [MailingRow.awaits_hours.set(awaits_hours)])

    def begin_round(self, mailing: Mailing, now: datetime) -> Mailing:
        """Number the next round of recounting; RowChanged when another one was begun meanwhile."""
        row = MailingRow(mailing.id)
        actions: list[Action] = [MailingRow.rounds.set(mailing.rounds + 1), MailingRow.round_started_at.set(now)]
        with conflicts():
            row.update(actions=actions, condition=MailingRow.rounds == mailing.rounds)
        return row.mailing()

    def _decide(self, before: Mailing, actions: list[Action], moved: Counts, record: AuditRecord | None = None) -> None:
        """Write a decision, and with it what it moves in the totals, and who made it."""
        row, unchanged = MailingRow(before.id), MailingRow.version == before.version
        if moved == NOTHING and record is None:
            with conflicts():
                row.update(actions=actions, condition=unchanged)
            return
        with conflicts(), transaction() as whole:
            self._audit.write(whole, record)
            whole.update(row, actions=actions, condition=unchanged)
            if moved != NOTHING:
                whole.update(CounterRow(TOTALS), actions=totals_change(0, moved))

    def _update_open(
        self, row: MailingRow, actions: list[Action], condition: Condition | None = None
    ) -> Mailing | None:
        """None if the mailing has ended or is gone, or `condition` fails. Raises NotWritten."""
        is_open = MailingRow.open.exists()

        def attempt() -> Mailing | None:
            try:
                row.update(actions=actions, condition=is_open if condition is None else is_open & condition)
            except UpdateError as error:
                if error.cause_response_code == "ConditionalCheckFailedException":
                    return None
                if lost_race(error):  # a transaction holds the row for a moment
                    raise RowChanged from error
                raise NotWritten(f"mailing {row.id}") from error
            return row.mailing()

        try:
            return retry_lost_races(self._clock, attempt)
        except RowChanged as error:
            raise NotWritten(f"mailing {row.id}: transactions held it each time") from error


def _ended_counts(mailing: Mailing) -> Counts:
    """What the mailing has in the totals: its counts once it has ended, nothing before."""
    return NOTHING if mailing.is_open else mailing.counts
