"""Mailings in memory, with the conditions of the real table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from chalicelib.domain import mailing as mailing_domain
from chalicelib.domain import rounds
from chalicelib.domain.audit_record import AuditRecord
from chalicelib.domain.brake import NO_ANSWERS, NO_REFUSALS, Answers, Refusals
from chalicelib.domain.canary import Canary
from chalicelib.domain.counts import NO_COUNTS, Counts
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.mailing_outline import MailingOutline
from chalicelib.domain.mailing_search import ListedMailing
from chalicelib.errors import RowChanged

from .fake_access import FakeAudit
from .fake_clients import FakeCounters
from .fake_clock import LOCK

OF_SENDERS = ("last_post_at", "reached_at", "waits_until", "posts", "post_milliseconds")
KEPT = (*rounds.ROUND_FIELDS, "concluded_rounds", *OF_SENDERS)
"""Fields that no decision writes."""


class FakeMailings:
    def __init__(self, counters: FakeCounters, audit: FakeAudit) -> None:
        self.audit = audit
        self.rows: dict[int, Mailing] = {}
        self.counters = counters

    def add(self, mailing: Mailing, record: AuditRecord | None = None) -> None:
        with LOCK:
            if mailing.id in self.rows:
                raise RowChanged
            self.rows[mailing.id] = mailing
            self.counters.mailings += 1
            self._move_totals(NO_COUNTS, _ended(mailing))
            self.audit.write(record)

    def get(self, mailing_id: int) -> Mailing | None:
        return self.rows.get(mailing_id)

    def get_many(self, mailing_ids: Iterable[int]) -> dict[int, Mailing]:
        return {mailing_id: self.rows[mailing_id] for mailing_id in mailing_ids if mailing_id in self.rows}

    def outlines(self, mailing_ids: Iterable[int]) -> dict[int, MailingOutline]:
        found = self.get_many(mailing_ids).values()
        return {
            one.id: MailingOutline(
                one.id, one.datetime_start, one.message_text, one.purpose, one.plan, one.former_texts
            )
            for one in found
        }

    def listed(self, mailing_ids: Iterable[int]) -> list[ListedMailing]:
        return [
            ListedMailing(
                one.id,
                one.status,
                one.datetime_start,
                one.message_text,
                one.chosen.segment.id if one.chosen.segment else None,
                one.counts.total,
            )
            for one in self.get_many(mailing_ids).values()
        ]

    def scheduled_ids(self, start_from: datetime, start_before: datetime, limit: int) -> list[int]:
        scheduled = [one for one in self.rows.values() if one.status == mailing_domain.SCHEDULED]
        found = [one for one in scheduled if start_from <= one.datetime_start < start_before]
        return [one.id for one in sorted(found, key=lambda one: one.datetime_start)][:limit]

    def active_ids(self, now: datetime) -> list[int]:
        return [one.id for one in self.rows.values() if one.is_open and not _is_scheduled(one, now)]

    def scheduled_number(self, now: datetime) -> int:
        return sum(_is_scheduled(one, now) for one in self.rows.values())

    def change(self, before: Mailing, after: Mailing, record: AuditRecord | None = None) -> Mailing:
        with LOCK:
            row = self._require_unchanged(before, _ended(after) != _ended(before))
            self.audit.write(record)
            has_progress = after.progress_at != before.progress_at
            is_resumed = after.status == mailing_domain.RUNNING != row.status
            begins = after.posting_since != before.posting_since
            return self._decide(
                replace(
                    after,
                    counts=row.counts,
                    is_fanned_out=row.is_fanned_out,
                    **{name: getattr(row, name) for name in KEPT},
                    first_valid_round=row.rounds + 1,
                    progress_at=after.progress_at if has_progress else row.progress_at,
                    posting_since=after.posting_since if begins else row.posting_since,
                    releases=frozenset() if before.releases and not after.releases else row.releases,
                    canary=_canary(before, after, row),
                    receipts_version=row.receipts_version,
                    answers=NO_ANSWERS if is_resumed else row.answers,
                    refusals=NO_REFUSALS if is_resumed else row.refusals,
                    awaits_feed=row.awaits_feed,
                    is_feeding=row.is_feeding and not (before.is_feeding and not after.is_feeding),
                    feed=row.feed,
                )
            )

    def end(self, before: Mailing, after: Mailing) -> Mailing:
        with LOCK:
            self._require_unchanged(before, with_counts=after.counts != NO_COUNTS)
            return self._decide(after)

    def remove(self, mailing: Mailing, record: AuditRecord | None = None) -> None:
        with LOCK:
            row = self._require_unchanged(mailing, with_counts=not mailing.is_open)
            self.audit.write(record)
            del self.rows[mailing.id]
            self.counters.mailings -= 1
            self._move_totals(_ended(row), NO_COUNTS)

    def add_counts(
        self,
        mailing_id: int,
        counts: Counts,
        now: datetime,
        last_post_at: datetime | None = None,
        reached_at: datetime | None = None,
        posts: int = 0,
        milliseconds: int = 0,
    ) -> Mailing | None:
        return self._update_open(
            mailing_id,
            lambda row: {
                "counts": row.counts + counts,
                "progress_at": now,
                "last_post_at": last_post_at or row.last_post_at,
                "reached_at": reached_at or row.reached_at,
                "posts": row.posts + posts,
                "post_milliseconds": row.post_milliseconds + milliseconds,
            },
        )

    def record_wait(self, mailing_id: int, waits_until: datetime) -> None:
        self._update_open(mailing_id, lambda _: {"waits_until": waits_until})

    def correct_counts(self, mailing_id: int, counts: Counts) -> None:
        self._update_open(mailing_id, lambda row: {"counts": row.counts + counts})

    def add_answers(self, mailing_id: int, answers: Answers, now: datetime) -> Mailing | None:
        return self._update_open(
            mailing_id, lambda row: {"answers": replace(row.answers + answers, since=row.answers.since or now)}
        )

    def clear_answers(self, mailing_id: int) -> Mailing | None:
        return self._update_open(mailing_id, lambda _: {"answers": NO_ANSWERS})

    def add_refusals(self, mailing_id: int, refusals: Refusals, now: datetime) -> Mailing | None:
        return self._update_open(
            mailing_id, lambda row: {"refusals": replace(row.refusals + refusals, since=row.refusals.since or now)}
        )

    def clear_refusals(self, mailing_id: int) -> Mailing | None:
        return self._update_open(mailing_id, lambda _: {"refusals": NO_REFUSALS})

    def admit_to_canary(self, mailing_id: int, now: datetime) -> Mailing | None:
        with LOCK:
            row = self.rows.get(mailing_id)
            if row is None or row.status != mailing_domain.RUNNING or row.canary is None or not row.canary.remaining:
                return None
            canary = replace(row.canary, admitted=row.canary.admitted + 1)
            return self._update_open(mailing_id, lambda _: {"canary": canary, "progress_at": now})

    def mark_fanned_out(self, mailing_id: int, total: int, now: datetime) -> Mailing | None:
        return self._update_open(
            mailing_id,
            lambda row: {
                "counts": replace(row.counts, total=total),
                "is_fanned_out": True,
                "progress_at": now,
            },
        )

    def await_release(self, mailing_id: int, opens_at: datetime) -> None:
        self._update_open(mailing_id, lambda row: {"releases": row.releases | {opens_at}})

    def mark_released(self, mailing_id: int, opens_at: datetime, posting_since: datetime | None = None) -> None:
        def released(row: Mailing) -> dict[str, Any]:
            since = posting_since or row.posting_since
            return {"releases": row.releases - {opens_at}, "awaits_hours": False, "posting_since": since}

        self._update_open(mailing_id, released)

    def await_feed(self, mailing_id: int) -> None:
        self._update_open(mailing_id, lambda row: {"awaits_feed": True})

    def begin_feed(self, mailing: Mailing) -> Mailing | None:
        with LOCK:
            row = self.rows.get(mailing.id)
            if row is None or row.feed != mailing.feed:
                return None
            return self._update_open(
                mailing.id, lambda row: {"feed": row.feed + 1, "is_feeding": True, "awaits_feed": False}
            )

    def end_feed(self, mailing: Mailing) -> None:
        with LOCK:
            row = self.rows.get(mailing.id)
            if row is not None and row.feed == mailing.feed:
                self._update_open(mailing.id, lambda row: {"is_feeding": False})

    def begin_round(self, mailing: Mailing, now: datetime, requeues: str = "") -> Mailing:
        begun = rounds.begun(mailing, now, requeues)
        with LOCK:
            row = self._require_round(mailing)
            self.rows[mailing.id] = replace(row, **{name: getattr(begun, name) for name in rounds.ROUND_FIELDS})
            return self.rows[mailing.id]

    def continue_round(self, mailing: Mailing, now: datetime) -> None:
        with LOCK:
            row = self._require_round(mailing)
            if row.round_queued_at != mailing.round_queued_at:
                raise RowChanged
            self.rows[mailing.id] = replace(row, round_queued_at=now)

    def conclude_round(self, before: Mailing, after: Mailing) -> Mailing:
        with LOCK:
            self._require_unchanged(before)
            row = self._require_round(before)
            if row.concluded_rounds >= row.rounds:
                raise RowChanged
            row = replace(row, concluded_rounds=after.concluded_rounds, round_requeues=after.round_requeues)
            if before.has_orders:
                row = replace(row, requeue=after.requeue, resend=after.resend)
            if before.window is not None:
                row = replace(row, awaits_hours=after.awaits_hours)
            self.rows[before.id] = replace(row, counts=row.counts + after.counts + -before.counts)
            return self.rows[before.id]

    def _require_round(self, mailing: Mailing) -> Mailing:
        row = self.rows.get(mailing.id)
        if row is None or row.rounds != mailing.rounds:
            raise RowChanged
        return row

    def _require_unchanged(self, mailing: Mailing, with_counts: bool = False) -> Mailing:
        row = self.rows.get(mailing.id)
        if row is None or row.version != mailing.version:
            raise RowChanged
        if with_counts and row.receipts_version != mailing.receipts_version:
            raise RowChanged
        return row

    def _update_open(self, mailing_id: int, change: Callable[[Mailing], dict[str, Any]]) -> Mailing | None:
        with LOCK:
            row = self.rows.get(mailing_id)
            if row is None or not row.is_open:
                return None
            self.rows[mailing_id] = replace(row, **change(row))
            return self.rows[mailing_id]

    def _decide(self, after: Mailing) -> Mailing:
        before = self.rows[after.id]
        mailing_domain.require_transition(before.status, after.status)
        self.rows[after.id] = replace(after, version=before.version + 1)
        self._move_totals(_ended(before), _ended(after))
        return self.rows[after.id]

    def _move_totals(self, before: Counts, after: Counts) -> None:
        self.counters.finished += after
        self.counters.finished += -before


def _canary(before: Mailing, after: Mailing, row: Mailing) -> Canary | None:
    """The canary of a decision. The row's number of admitted messages stays, unless the decision changes it."""
    if before.canary is None or after.canary is None or row.canary is None:
        return after.canary
    is_decided = after.canary.admitted != before.canary.admitted
    return after.canary if is_decided else replace(after.canary, admitted=row.canary.admitted)


def _is_scheduled(mailing: Mailing, now: datetime) -> bool:
    return mailing.status == mailing_domain.SCHEDULED and mailing.datetime_start > now


def _ended(mailing: Mailing) -> Counts:
    return NO_COUNTS if mailing.is_open else mailing.counts
