"""The row of a mailing: its attributes, its index, and the conversion from and to the domain."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

from pynamodb.attributes import (
    BooleanAttribute,
    JSONAttribute,
    ListAttribute,
    NumberAttribute,
    NumberSetAttribute,
    UnicodeAttribute,
)
from pynamodb.attributes import UTCDateTimeAttribute as Moment
from pynamodb.expressions.condition import Condition
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from ...domain.audience import Plan
from ...domain.canary import Canary
from ...domain.consent import SERVICE
from ...domain.counts import COUNT_NAMES, Counts
from ...domain.former_text import FormerText, FormerTexts
from ...domain.mailing import SCHEDULED, Mailing
from ...domain.send_window import SendWindow
from .base import CountsRow, TextAttribute
from .brake_columns import BrakeColumns
from .filter_columns import CompactJSON, read_filter, read_named, stored_filter, stored_plan
from .gateway_columns import GatewayColumns

OPEN_KEY = "open"
SCHEDULED_KEY = "scheduled"


class OpenMailings(GlobalSecondaryIndex["MailingRow"]):  # type: ignore[no-untyped-call]
    """Keys only, so that a change of the counts does not also write to the index."""

    class Meta:
        index_name = "open"
        projection = KeysOnlyProjection()

    open = UnicodeAttribute(hash_key=True)
    id = NumberAttribute(range_key=True)


class ScheduledMailings(GlobalSecondaryIndex["MailingRow"]):  # type: ignore[no-untyped-call]
    """By their start, so that the sweep reads only those that are due. Earlier versions kept them in the open index."""

    class Meta:
        index_name = "scheduled"
        projection = KeysOnlyProjection()

    scheduled = UnicodeAttribute(hash_key=True)
    datetime_start = Moment(range_key=True)


class MailingRow(CountsRow, BrakeColumns, GatewayColumns, Model):  # type: ignore[misc]
    class Meta:
        table_name = "mailings"

    id = NumberAttribute(hash_key=True)
    open = UnicodeAttribute(null=True)
    scheduled = UnicodeAttribute(null=True)
    status = UnicodeAttribute()
    datetime_start = Moment()
    datetime_end = Moment()
    message_text = UnicodeAttribute()
    former_texts = CompactJSON(null=True)
    purpose = UnicodeAttribute(null=True)
    sender = UnicodeAttribute(null=True)
    series_id = NumberAttribute(null=True)
    draft_id = NumberAttribute(null=True)
    has_placeholders = BooleanAttribute(null=True)
    tags: ListAttribute[str] = ListAttribute(default=list)
    operator_codes: ListAttribute[str] = ListAttribute(default=list)
    filter = CompactJSON(null=True)
    plan = JSONAttribute(null=True)
    named = CompactJSON(null=True)
    is_fanned_out = BooleanAttribute(default=False)
    rounds = NumberAttribute(default=0)
    round_started_at = Moment(null=True)
    first_valid_round = NumberAttribute(default=0)
    concluded_rounds = NumberAttribute(null=True)
    round_queued_at = Moment(null=True)
    round_requeues = UnicodeAttribute(null=True)
    round_expects_end = BooleanAttribute(null=True)
    rounds_charged_until = Moment(null=True)
    requeue = BooleanAttribute(default=False)
    resend: ListAttribute[str] = ListAttribute(default=list)
    resends = NumberAttribute(default=0)
    time_from = UnicodeAttribute(null=True)
    time_to = UnicodeAttribute(null=True)
    rate_limit = NumberAttribute(null=True)
    max_cost = NumberAttribute(null=True)
    canary = NumberAttribute(null=True)
    max_error_rate = NumberAttribute(null=True)
    canary_admitted = NumberAttribute(default=0)
    canary_passed = BooleanAttribute(default=False)
    paused_because = TextAttribute(null=True)
    authors: ListAttribute[str] = ListAttribute(null=True)
    approval = UnicodeAttribute(null=True)
    approved_by = UnicodeAttribute(null=True)
    releases = NumberSetAttribute(null=True)
    awaits_hours = BooleanAttribute(default=False)
    awaits_feed = BooleanAttribute(null=True)
    is_feeding = BooleanAttribute(null=True)
    feed = NumberAttribute(null=True)
    progress_at = Moment(null=True)
    posting_since = Moment(null=True)
    last_post_at = Moment(null=True)
    reached_at = Moment(null=True)
    waits_until = Moment(null=True)
    posts = NumberAttribute(null=True)
    post_milliseconds = NumberAttribute(null=True)
    attempts = NumberAttribute(null=True)
    ended_at = Moment(null=True)
    rows_expire_at = NumberAttribute(null=True)
    version = NumberAttribute()
    receipts_version = NumberAttribute(null=True)
    open_index = OpenMailings()
    scheduled_index = ScheduledMailings()

    def mailing(self) -> Mailing:
        return Mailing(
            id=int(self.id),
            status=self.status,
            datetime_start=self.datetime_start,
            datetime_end=self.datetime_end,
            message_text=self.message_text,
            former_texts=read_former_texts(self.former_texts),
            purpose=self.purpose or SERVICE,
            sender=self.sender or "",
            series_id=None if self.series_id is None else int(self.series_id),
            draft_id=None if self.draft_id is None else int(self.draft_id),
            has_placeholders=bool(self.has_placeholders),
            chosen=read_filter(self.tags, self.operator_codes, self.filter),
            plan=Plan(**self.plan, named=read_named(self.named)) if self.plan else None,
            is_fanned_out=self.is_fanned_out,
            counts=Counts(*(int(getattr(self, name)) for name in COUNT_NAMES)),
            rounds=int(self.rounds),
            round_started_at=self.round_started_at,
            first_valid_round=int(self.first_valid_round),
            concluded_rounds=int(self.rounds if self.concluded_rounds is None else self.concluded_rounds),
            round_queued_at=self.round_queued_at,
            round_requeues=self.round_requeues or "",
            round_expects_end=bool(self.round_expects_end),
            rounds_charged_until=self.rounds_charged_until,
            requeue=self.requeue,
            resend=tuple(self.resend),
            resends=int(self.resends),
            window=_window(self.time_from, self.time_to),
            rate_limit=None if self.rate_limit is None else int(self.rate_limit),
            max_cost=None if self.max_cost is None else int(self.max_cost),
            canary=self._canary(),
            paused_because=self.paused_because,
            authors=tuple(self.authors or ()),
            approval=self.approval or "",
            approved_by=self.approved_by,
            answers=self.recorded_answers(),
            refusals=self.recorded_refusals(),
            releases=frozenset(datetime.fromtimestamp(moment, UTC) for moment in self.releases or ()),
            awaits_hours=self.awaits_hours,
            awaits_feed=bool(self.awaits_feed),
            is_feeding=bool(self.is_feeding),
            feed=int(self.feed or 0),
            progress_at=self.progress_at,
            posting_since=self.posting_since,
            last_post_at=self.last_post_at,
            reached_at=self.reached_at,
            waits_until=self.waits_until,
            posts=int(self.posts or 0),
            post_milliseconds=int(self.post_milliseconds or 0),
            by_gateway=self.by_gateway,
            attempts=None if self.attempts is None else int(self.attempts),
            ended_at=self.ended_at,
            rows_expire_at=datetime.fromtimestamp(int(self.rows_expire_at), UTC) if self.rows_expire_at else None,
            version=int(self.version),
            receipts_version=int(self.receipts_version or 0),
        )

    def _canary(self) -> Canary | None:
        if self.canary is None or self.max_error_rate is None:
            return None
        admitted = int(self.canary_admitted or 0)
        return Canary(int(self.canary), int(self.max_error_rate), admitted, bool(self.canary_passed))


def is_open() -> Condition:
    """The row is in one of the two indexes."""
    condition: Condition = MailingRow.open.exists() | MailingRow.scheduled.exists()
    return condition


def decisions(mailing: Mailing) -> dict[str, Any]:
    """The attributes that a decision writes."""
    return {
        "status": mailing.status,
        "open": OPEN_KEY if mailing.is_open and mailing.status != SCHEDULED else None,
        "scheduled": SCHEDULED_KEY if mailing.status == SCHEDULED else None,
        "datetime_start": mailing.datetime_start,
        "datetime_end": mailing.datetime_end,
        "message_text": mailing.message_text,
        "former_texts": [[one.until.isoformat(), one.text] for one in mailing.former_texts] or None,
        "purpose": mailing.purpose if mailing.purpose != SERVICE else None,
        "sender": mailing.sender or None,
        "series_id": mailing.series_id,
        "draft_id": mailing.draft_id,
        "has_placeholders": mailing.has_placeholders,
        **stored_filter(mailing.chosen),
        **stored_plan(mailing.plan),
        "requeue": mailing.requeue,
        "resend": list(mailing.resend),
        "resends": mailing.resends,
        "time_from": mailing.window and _format_time(mailing.window.opens),
        "time_to": mailing.window and _format_time(mailing.window.closes),
        "rate_limit": mailing.rate_limit,
        "max_cost": mailing.max_cost,
        "canary": mailing.canary and mailing.canary.size,
        "max_error_rate": mailing.canary and mailing.canary.max_error_rate,
        "canary_passed": mailing.canary is not None and mailing.canary.is_passed,
        "paused_because": mailing.paused_because,
        "authors": list(mailing.authors) or None,
        "approval": mailing.approval or None,
        "approved_by": mailing.approved_by,
        "ended_at": mailing.ended_at,
        "rows_expire_at": mailing.rows_expire_at and int(mailing.rows_expire_at.timestamp()),
    }


def read_former_texts(stored: list[list[str]] | None) -> FormerTexts:
    return tuple(FormerText(datetime.fromisoformat(until), text) for until, text in stored or ())


def _window(opens: str | None, closes: str | None) -> SendWindow | None:
    return SendWindow(time.fromisoformat(opens), time.fromisoformat(closes)) if opens and closes else None


def _format_time(local_time: time) -> str:
    return local_time.isoformat("minutes")
