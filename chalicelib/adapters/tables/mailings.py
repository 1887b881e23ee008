"""Mailings with their counts, and an index of those not finished."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from pynamodb.attributes import BooleanAttribute, JSONAttribute, ListAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.attributes import UTCDateTimeAttribute as Moment
from pynamodb.exceptions import DoesNotExist, UpdateError
from pynamodb.expressions.update import Action
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from ...domain.audience import Filter, Plan
from ...domain.mailing import COUNTED, FINISHED, NOTHING, Counts, Mailing
from ...errors import RowChanged
from .base import TableMeta, came_second, conflicts, place, transaction
from .counters import TOTALS, CounterRow, totals_change

OPEN = "open"
ATTEMPTS = 5


class OpenMailings(GlobalSecondaryIndex["MailingRow"]):  # type: ignore[no-untyped-call]
    """Keys alone, so that a change of counts does not write the index as well."""

    class Meta:
        index_name = "open"
        projection = KeysOnlyProjection()

    open = UnicodeAttribute(hash_key=True)
    id = NumberAttribute(range_key=True)


class MailingRow(Model):
    class Meta(TableMeta):
        table_name = "mailings"

    id = NumberAttribute(hash_key=True)
    open = UnicodeAttribute(null=True)
    status = UnicodeAttribute()
    datetime_start = Moment()
    datetime_end = Moment()
    message_text = UnicodeAttribute()
    tags: ListAttribute[str] = ListAttribute(default=list)
    operator_codes: ListAttribute[str] = ListAttribute(default=list)
    plan = JSONAttribute(null=True)
    is_fanned_out = BooleanAttribute(default=False)
    total = NumberAttribute(default=0)
    sent = NumberAttribute(default=0)
    failed = NumberAttribute(default=0)
    expired = NumberAttribute(default=0)
    cancelled = NumberAttribute(default=0)
    recounts = NumberAttribute(default=0)
    recount_at = Moment(null=True)
    progress_at = Moment(null=True)
    version = NumberAttribute()
    open_index = OpenMailings()

    def mailing(self) -> Mailing:
        return Mailing(
            id=int(self.id),
            status=self.status,
            datetime_start=self.datetime_start,
            datetime_end=self.datetime_end,
            message_text=self.message_text,
            chosen=Filter(tuple(self.tags), tuple(self.operator_codes)),
            plan=Plan(**self.plan) if self.plan else None,
            is_fanned_out=self.is_fanned_out,
            counts=Counts(*(int(getattr(self, name)) for name in COUNTED)),
            recounts=int(self.recounts),
            recount_at=self.recount_at,
            progress_at=self.progress_at,
            version=int(self.version),
        )


class Mailings:
    def __init__(self, stack_name: str) -> None:
        place(MailingRow, stack_name, "mailings")
        place(CounterRow, stack_name, "counters")

    def add(self, mailing: Mailing) -> None:
        row = MailingRow(mailing.id, **_decisions(mailing), version=mailing.version)
        with conflicts(), transaction() as both:
            both.save(row, condition=MailingRow.id.does_not_exist())
            both.update(CounterRow(TOTALS), actions=totals_change(1, _finished_counts(mailing)))

    def get(self, mailing_id: int) -> Mailing | None:
        try:
            return MailingRow.get(mailing_id, consistent_read=True).mailing()
        except DoesNotExist:
            return None

    def get_many(self, mailing_ids: list[int]) -> dict[int, Mailing]:
        """Those that exist, a hundred a call."""
        rows = MailingRow.batch_get(mailing_ids, consistent_read=True)
        return {int(row.id): row.mailing() for row in rows}

    def open_ids(self) -> list[int]:
        """Ids of those scheduled, running or paused."""
        return [int(row.id) for row in MailingRow.open_index.query(OPEN)]

    def change(self, before: Mailing, after: Mailing) -> Mailing:
        """Write what was decided, unless another decision came first (RowChanged). Counts are not touched."""
        decided = replace(after, version=before.version + 1)
        row = MailingRow(before.id)
        actions = [
            getattr(MailingRow, name).set(value) if value is not None else getattr(MailingRow, name).remove()
            for name, value in _decisions(decided).items()
        ]
        actions.append(MailingRow.version.set(decided.version))
        if after.progress_at is not None and after.progress_at != before.progress_at:
            actions.append(MailingRow.progress_at.set(after.progress_at))
        moved = _totals_moved(before, decided)
        if moved == NOTHING:
            with conflicts():
                row.update(actions=actions, condition=MailingRow.version == before.version)
            return decided
        with conflicts(), transaction() as both:
            both.update(row, actions=actions, condition=MailingRow.version == before.version)
            both.update(CounterRow(TOTALS), actions=totals_change(0, moved))
        return decided

    def finish(self, mailing: Mailing, counts: Counts) -> Mailing:
        """The end of a mailing: its recounted messages become its counts, and part of the totals."""
        finished = replace(mailing, status=FINISHED, counts=counts, version=mailing.version + 1)
        actions = [getattr(MailingRow, name).set(getattr(counts, name)) for name in COUNTED]
        actions += [
            MailingRow.status.set(FINISHED),
            MailingRow.open.remove(),
            MailingRow.version.set(finished.version),
        ]
        with conflicts(), transaction() as both:
            both.update(MailingRow(mailing.id), actions=actions, condition=MailingRow.version == mailing.version)
            both.update(CounterRow(TOTALS), actions=totals_change(0, counts))
        return finished

    def remove(self, mailing: Mailing) -> None:
        """Raises RowChanged when it is not as given. Its messages are left to their time to live."""
        with conflicts(), transaction() as both:
            both.delete(MailingRow(mailing.id), condition=MailingRow.version == mailing.version)
            both.update(CounterRow(TOTALS), actions=totals_change(-1, _negative(_finished_counts(mailing))))

    def add_counts(self, mailing_id: int, counts: Counts, now: datetime) -> Mailing | None:
        """Add to the counts, and answer with the mailing as it is then.

        None when it is deleted, or finished: then the recount has seen what was to be added.
        """
        row = MailingRow(mailing_id)
        actions: list[Action] = [MailingRow.progress_at.set(now)]
        actions += [getattr(MailingRow, name).add(getattr(counts, name)) for name in COUNTED if getattr(counts, name)]
        return self._update_unfinished(row, actions)

    def mark_fanned_out(self, mailing_id: int, total: int, now: datetime) -> Mailing | None:
        """All segments are walked: `total` clients are chosen, whatever was counted on the way."""
        row = MailingRow(mailing_id)
        actions: list[Action] = [
            MailingRow.is_fanned_out.set(True),
            MailingRow.total.set(total),
            MailingRow.progress_at.set(now),
        ]
        return self._update_unfinished(row, actions)

    def begin_recount(self, mailing: Mailing, now: datetime) -> Mailing:
        """Number the next round of recounting; RowChanged when another one was begun meanwhile."""
        row = MailingRow(mailing.id)
        actions: list[Action] = [MailingRow.recounts.set(mailing.recounts + 1), MailingRow.recount_at.set(now)]
        with conflicts():
            row.update(actions=actions, condition=MailingRow.recounts == mailing.recounts)
        return row.mailing()

    def _update_unfinished(self, row: MailingRow, actions: list[Action]) -> Mailing | None:
        """A plain update that meets a transaction on its row is refused, and simply made again."""
        for attempt in range(ATTEMPTS):
            try:
                row.update(actions=actions, condition=_UNFINISHED)
                return row.mailing()
            except UpdateError as error:
                if error.cause_response_code == "ConditionalCheckFailedException":
                    return None
                if not came_second(error) or attempt == ATTEMPTS - 1:
                    raise
        raise RowChanged


_UNFINISHED = MailingRow.id.exists() & (MailingRow.status != FINISHED)


def _decisions(mailing: Mailing) -> dict[str, Any]:
    """What people and the plan decide, as attributes."""
    return {
        "status": mailing.status,
        "open": OPEN if mailing.is_open else None,
        "datetime_start": mailing.datetime_start,
        "datetime_end": mailing.datetime_end,
        "message_text": mailing.message_text,
        "tags": list(mailing.chosen.tags),
        "operator_codes": list(mailing.chosen.operator_codes),
        "plan": asdict(mailing.plan) if mailing.plan else None,
    }


def _finished_counts(mailing: Mailing) -> Counts:
    """What the mailing has in the totals: its counts once it is finished, nothing before."""
    return mailing.counts if mailing.status == FINISHED else NOTHING


def _totals_moved(before: Mailing, after: Mailing) -> Counts:
    return _finished_counts(after) + _negative(_finished_counts(before))


def _negative(counts: Counts) -> Counts:
    return Counts(*(-getattr(counts, name) for name in COUNTED))
