"""What senders have told of the breakers: a row for each gateway, beside the rate limits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist
from pynamodb.models import Model

from ...domain.breaker_report import BreakerReport
from ..clock import Clock
from .base import TextAttribute, bind_table

PREFIX = "breaker#"
"""The role of the API may read rows with this prefix."""

KEPT = timedelta(days=30)


class BreakerRow(Model):
    """Times are in seconds since 1970."""

    class Meta:
        table_name = "rates"

    name = UnicodeAttribute(hash_key=True)
    told_at = NumberAttribute()
    opened_at = NumberAttribute(null=True)
    reason = TextAttribute(null=True)
    expires_at = NumberAttribute()

    @property
    def report(self) -> BreakerReport:
        opened_at = None if self.opened_at is None else _moment(self.opened_at)
        return BreakerReport(self.name.removeprefix(PREFIX), _moment(self.told_at), opened_at, self.reason)


class BreakerReports:
    def __init__(self, stack_name: str, clock: Clock) -> None:
        bind_table(BreakerRow, stack_name, clock)

    def read(self, gateway: str) -> BreakerReport | None:
        """None if its breaker has opened in no sender for a month. Raises NotRead."""
        try:
            return BreakerRow.get(f"{PREFIX}{gateway}").report
        except DoesNotExist:
            return None

    def write(self, report: BreakerReport) -> None:
        """Of two senders at once one report is lost; the next one follows within minutes. Raises NotWritten."""
        BreakerRow(
            f"{PREFIX}{report.gateway}",
            told_at=report.told_at.timestamp(),
            opened_at=None if report.opened_at is None else report.opened_at.timestamp(),
            reason=report.reason,
            expires_at=int((report.told_at + KEPT).timestamp()),
        ).save()


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(float(seconds), UTC)
