"""Mailings in memory, with the conditions of the real table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from chalicelib.domain import mailing as mailing_domain
from chalicelib.domain import rounds
from chalicelib.domain.audit_record import AuditRecord
from chalicelib.domain.brake import NO_ANSWERS, NO_REFUSALS
from chalicelib.domain.canary import Canary
from chalicelib.domain.counts import NO_COUNTS, Counts
from chalicelib.domain.draft import Draft
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.mailing_outline import MailingOutline
from chalicelib.domain.mailing_search import ListedMailing
from chalicelib.errors import RowChanged

from .fake_access import FakeAudit
from .fake_clients import FakeCounters
from .fake_clock import LOCK
from .fake_drafts import FakeDrafts
from .fake_mailing_progress import FakeMailingProgress

OF_SENDERS = ("last_post_at", "reached_at", "waits_until", "posts", "post_milliseconds")
KEPT = (*rounds.ROUND_FIELDS, "concluded_rounds", *OF_SENDERS)
"""Fields that no decision writes."""


class FakeMailings(FakeMailingProgress):
    def __init__(self, counters: FakeCounters, audit: FakeAudit, drafts: FakeDrafts) -> None:
        super().__init__()
        self.audit = audit
        self.drafts = drafts
        self.counters = counters

    def add(self, mailing: Mailing, record: AuditRecord | None = None, draft: Draft | None = None) -> None:
        with LOCK:
            self.drafts.require_version(draft)
            if mailing.id in self.rows:
                raise RowChanged
            self.drafts.write(draft)
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

    def remove(self, mailing: Mailing, record: AuditRecord | None = None, draft: Draft | None = None) -> None:
        with LOCK:
            row = self._require_unchanged(mailing, with_counts=not mailing.is_open)
            self.drafts.write(draft)
            self.audit.write(record)
            del self.rows[mailing.id]
            self.counters.mailings -= 1
            self._move_totals(_ended(row), NO_COUNTS)

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
