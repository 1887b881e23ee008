"""A mailing over time, for people: samples of its counts, why messages were not sent, and the counts of its waves.

The rows stand beside the slices of the mailing, and expire with its messages.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import UpdateError
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action
from pynamodb.models import Model

from ...domain.counts import Counts
from ...domain.gateway_posts import NUMBERS, GatewayPosts
from ...domain.reasons import Reason, Reasons
from ...domain.timeline import SHOWN, Sample
from ...domain.waves import WaveCounts
from ...errors import NotWritten
from .. import aws
from ..clock import Clock
from .base import bind_table
from .batches import Item
from .stored_reasons import read_reason, stored_reason

REASONS, WAVES = "reasons", "waves"
MINUTES = "minute#"
NUMBER, TEXT = "number_", "text_"
"""The attributes of a reason: its key follows."""


class TimelineRow(Model):
    class Meta:
        table_name = "slices"

    mailing_id = NumberAttribute(hash_key=True)
    name = UnicodeAttribute(range_key=True)
    at = NumberAttribute(null=True)
    counts = JSONAttribute(null=True)
    posts = NumberAttribute(null=True)
    post_milliseconds = NumberAttribute(null=True)
    via = JSONAttribute(null=True)
    expires_at = NumberAttribute()

    def sample(self) -> Sample:
        moment = datetime.fromtimestamp(float(self.at), UTC)
        by_gateway = {
            name: GatewayPosts(**dict(zip(NUMBERS, numbers, strict=True))) for name, numbers in (self.via or {}).items()
        }
        return Sample(moment, Counts(**self.counts), int(self.posts), int(self.post_milliseconds), by_gateway)


class Timelines:
    """Writes raise NotWritten. One that adds is not repeated if its answer is lost: it would count twice."""

    def __init__(self, stack_name: str, clock: Clock) -> None:
        bind_table(TimelineRow, stack_name, clock)

    def add_reasons(self, mailing_id: int, reasons: Reasons, expires_at: datetime) -> None:
        """Numbers below 0 are taken back; of a reason that is counted among the others, its own number becomes so."""
        actions: list[Action] = [TimelineRow.expires_at.set(int(expires_at.timestamp()))]
        for reason, number in reasons.items():
            actions.append(Path([f"{NUMBER}{reason.key}"]).add(number))
            actions.append(Path([f"{TEXT}{reason.key}"]).set(_text(reason)))
        try:
            with aws.never_repeated():
                TimelineRow(mailing_id, REASONS).update(actions=actions)
        except UpdateError as error:
            raise NotWritten(f"reasons of mailing {mailing_id}") from error

    def replace_reasons(self, mailing_id: int, reasons: Reasons, expires_at: datetime) -> None:
        """By those that a reconciliation round has found. Reasons that a sender counts meanwhile may be lost."""
        counted: Item = {}
        for reason, number in reasons.items():
            counted |= {f"{NUMBER}{reason.key}": {"N": str(number)}, f"{TEXT}{reason.key}": {"S": _text(reason)}}
        self._replace(mailing_id, REASONS, counted, expires_at)

    def add_waves(self, mailing_id: int, counts: WaveCounts, expires_at: datetime) -> None:
        actions: list[Action] = [TimelineRow.expires_at.set(int(expires_at.timestamp()))]
        actions += [Path([f"{kind}#{offset}"]).add(number) for (kind, offset), number in counts.items()]
        try:
            with aws.never_repeated():
                TimelineRow(mailing_id, WAVES).update(actions=actions)
        except UpdateError as error:
            raise NotWritten(f"waves of mailing {mailing_id}") from error

    def replace_waves(self, mailing_id: int, counts: WaveCounts, expires_at: datetime) -> None:
        """By those that a reconciliation round has found, as `replace_reasons`."""
        numbers = {f"{kind}#{offset}": {"N": str(number)} for (kind, offset), number in counts.items()}
        self._replace(mailing_id, WAVES, numbers, expires_at)

    def keep_sample(self, mailing_id: int, sample: Sample, expires_at: datetime) -> None:
        """One of a minute: another one replaces it."""
        row = TimelineRow(mailing_id, _minute(sample.at), at=sample.at.timestamp())
        row.counts = {name: number for name in ("total", *SHOWN) if (number := getattr(sample.counts, name))}
        row.posts, row.post_milliseconds = sample.posts, sample.post_milliseconds
        via = {name: [getattr(posts, kind) for kind in NUMBERS] for name, posts in sample.by_gateway.items()}
        row.via = via or None
        row.expires_at = int(expires_at.timestamp())
        row.save()

    def samples(self, mailing_id: int, newest: int | None = None) -> list[Sample]:
        """In the order of time; only so many of the newest ones. Raises NotRead."""
        names = TimelineRow.name.between(f"{MINUTES}0", f"{MINUTES}~")
        rows = list(TimelineRow.query(mailing_id, names, scan_index_forward=newest is None, limit=newest))
        return [row.sample() for row in (rows if newest is None else reversed(rows))]

    def reasons(self, mailing_id: int) -> Reasons:
        """Raises NotRead."""
        return _reasons_in(self._row(mailing_id, REASONS))

    def waves(self, mailing_id: int) -> WaveCounts:
        """Raises NotRead."""
        names = {name: value["N"] for name, value in self._row(mailing_id, WAVES).items() if "#" in name}
        return Counter(
            {(kind, int(offset)): int(names[name]) for name in names for kind, _, offset in [name.partition("#")]}
        )

    def _row(self, mailing_id: int, name: str) -> Item:
        """Empty if there is none."""
        rows = TimelineRow.query(mailing_id, TimelineRow.name == name, consistent_read=True)
        page: dict[str, Any] = next(rows.page_iter)
        return page["Items"][0] if page["Items"] else {}

    def _replace(self, mailing_id: int, name: str, counted: Item, expires_at: datetime) -> None:
        row = TimelineRow(mailing_id, name, expires_at=int(expires_at.timestamp())).serialize() | counted
        with aws.momentary_as(NotWritten, f"{name} of mailing {mailing_id}"):
            aws.client("dynamodb").put_item(TableName=TimelineRow.Meta.table_name, Item=row)


def _minute(at: datetime) -> str:
    """Of the epoch, with so many digits that names have the order of time."""
    return f"{MINUTES}{int(at.timestamp()) // 60:010d}"


def _reasons_in(item: Item) -> Reasons:
    keys = [name.removeprefix(TEXT) for name in item if name.startswith(TEXT)]
    return Counter(
        {read_reason(*json.loads(item[f"{TEXT}{key}"]["S"])): int(item[f"{NUMBER}{key}"]["N"]) for key in keys}
    )


def _text(reason: Reason) -> str:
    return json.dumps(stored_reason(reason), ensure_ascii=False)
