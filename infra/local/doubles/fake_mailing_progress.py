"""The progress of mailings in memory: counts, answers, releases, feeds and reconciliation rounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from chalicelib.domain import rounds
from chalicelib.domain.brake import NO_ANSWERS, NO_REFUSALS, Answers, Refusals
from chalicelib.domain.counts import Counts
from chalicelib.domain.gateway_posts import PostsByGateway, added
from chalicelib.domain.mailing import RUNNING, Mailing
from chalicelib.errors import RowChanged

from .fake_clock import LOCK


class FakeMailingProgress:
    def __init__(self) -> None:
        self.rows: dict[int, Mailing] = {}

    def add_counts(
        self,
        mailing_id: int,
        counts: Counts,
        now: datetime,
        last_post_at: datetime | None = None,
        reached_at: datetime | None = None,
        posts: int = 0,
        milliseconds: int = 0,
        by_gateway: PostsByGateway | None = None,
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
                "by_gateway": added([row.by_gateway, by_gateway or {}]),
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
            if row is None or row.status != RUNNING or row.canary is None or not row.canary.remaining:
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
