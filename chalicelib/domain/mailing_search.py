"""What a list of mailings is asked for, and its order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from .mailing import PAUSED, RUNNING, SCHEDULED
from .unicode_text import searchable


@dataclass(frozen=True)
class ListedMailing:
    """The part of a mailing that a search needs. `total`: its messages."""

    id: int
    status: str
    datetime_start: datetime
    message_text: str
    segment_id: int | None
    total: int


@dataclass(frozen=True)
class MailingFilter:
    """None, or an empty text, means any. The mailing starts at `start_from` or later, and before `start_before`."""

    text: str = ""
    status: str | None = None
    start_from: datetime | None = None
    start_before: datetime | None = None
    segment_id: int | None = None

    @cached_property
    def _wanted(self) -> str:
        """Kept, because a search asks for it for each mailing."""
        return searchable(self.text)

    def keeps(self, mailing: ListedMailing) -> bool:
        return (
            self._wanted in searchable(mailing.message_text)
            and self.status in (None, mailing.status)
            and (self.start_from is None or mailing.datetime_start >= self.start_from)
            and (self.start_before is None or mailing.datetime_start < self.start_before)
            and self.segment_id in (None, mailing.segment_id)
        )


ANY_MAILING = MailingFilter()

OPEN_FIRST, NEWEST, LATEST_START, LARGEST = "open", "newest", "start", "size"


def _open_first(mailing: ListedMailing) -> tuple[float, ...]:
    """Mailings that send, the newest first, then scheduled ones in the order of their starts, then the others."""
    if mailing.status == SCHEDULED:
        return 1, mailing.datetime_start.timestamp(), -mailing.id
    return 0 if mailing.status in (RUNNING, PAUSED) else 2, -mailing.id


ORDERS: dict[str, Callable[[ListedMailing], tuple[float, ...]]] = {
    OPEN_FIRST: _open_first,
    NEWEST: lambda mailing: (-mailing.id,),
    LATEST_START: lambda mailing: (-mailing.datetime_start.timestamp(), -mailing.id),
    LARGEST: lambda mailing: (-mailing.total, -mailing.id),
}
"""Sort keys by the name of the order."""


def in_order(found: Iterable[ListedMailing], wanted: MailingFilter, order: str) -> list[int]:
    """The ids of the wanted mailings."""
    return [mailing.id for mailing in sorted(filter(wanted.keeps, found), key=ORDERS[order])]
