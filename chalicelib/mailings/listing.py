"""Lists of mailings: the newest first; or those under way first; or searched and sorted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..adapters.newest import list_newest
from ..domain.mailing import MAILING_ID, Mailing
from ..domain.mailing_search import ANY_MAILING, ListedMailing, MailingFilter, in_order
from ..domain.walk import IDS_A_READ, LIST_SECONDS, MAX_IDS, HasTime, groups_of, time_limit

if TYPE_CHECKING:
    from ..adapters.services import Services

HUNDREDS_AT_ONCE = 8

MOST_SCHEDULED = 1000
"""Mailings that start later, of those that the list shows first. The others are at their places by id."""

END_OF_TIME = datetime.max.replace(tzinfo=UTC)

Position = tuple[int, int, int]
"""Where a page of people begins: how many mailings were shown, how many of them by an index, and the id above the next
one. A zero instead of the id means the newest."""

BEGINNING: Position = (0, 0, 0)


@dataclass(frozen=True)
class MailingPage:
    """`number`: how many there are on all pages. `searched_from`: the lowest id that was looked at; None means all."""

    mailings: list[Mailing]
    number: int
    next: Position | None
    searched_from: int | None = None


def list_mailings(
    services: Services,
    before_id: int | None,
    limit: int,
    has_time: HasTime | None = None,
    wanted: MailingFilter = ANY_MAILING,
) -> tuple[list[Mailing], int | None]:
    """A page, the newest first, and the `before_id` of the next page; None at the end.

    Without time the page is short, and with a filter also after 5,000 mailings. `has_time`: by default six seconds.
    """
    if wanted == ANY_MAILING:
        return list_newest(services, MAILING_ID, services.mailings.get_many, before_id, limit, has_time)

    def find(mailing_ids: Sequence[int]) -> dict[int, Mailing]:
        found = _read_listed(services, mailing_ids)
        return services.mailings.get_many([one.id for one in found if wanted.keeps(one)])

    at_once = HUNDREDS_AT_ONCE * IDS_A_READ
    return list_newest(services, MAILING_ID, find, before_id, limit, has_time, at_once)


def list_open_first(services: Services, position: Position, limit: int) -> MailingPage:
    """Mailings under way, then scheduled ones, then the others, the newest first. The indexes lag behind the table."""
    shown, skipped, below = position
    number, _ = services.counters.totals()
    open_ids = _open_ids(services)
    found = read_mailings(services, open_ids[skipped : skipped + limit])
    room, is_last = limit - len(open_ids[skipped : skipped + limit]), False
    if room:
        hidden, by_index = set(open_ids), len(open_ids)
        others, next_below = list_newest(
            services,
            MAILING_ID,
            lambda ids: services.mailings.get_many([number for number in ids if number not in hidden]),
            below or None,
            room,
        )
        found, is_last, below = found + others, next_below is None, next_below or 0
    else:
        by_index, is_last = skipped + limit, shown + len(found) >= number
    return MailingPage(found, number, None if is_last else (shown + len(found), by_index, below))


def search_mailings(
    services: Services, wanted: MailingFilter, order: str, position: Position, limit: int
) -> MailingPage:
    """The wanted ones of 5,000 mailings, and of all open ones, in this order. Without time, of fewer."""
    shown, _, below = position
    below = below or services.counters.last_id(MAILING_ID) + 1
    found, searched_from = _read_down(services, below)
    if searched_from > 1 and not position[2]:
        found += _read_listed(services, [number for number in _open_ids(services) if number < searched_from])
    ids = in_order(found, wanted, order)
    following = shown + limit
    return MailingPage(
        read_mailings(services, ids[shown:following]),
        len(ids),
        (following, 0, below) if following < len(ids) else None,
        searched_from if searched_from > 1 else None,
    )


def read_mailings(services: Services, mailing_ids: Sequence[int]) -> list[Mailing]:
    """Those that exist, in this order."""
    rows = services.mailings.get_many(mailing_ids) if mailing_ids else {}
    return [rows[number] for number in mailing_ids if number in rows]


def _open_ids(services: Services) -> list[int]:
    """Those that have started, the newest first, and those that start later, the next one first."""
    now = services.clock.now()
    started = sorted(services.mailings.active_ids(now), reverse=True)
    return [*started, *services.mailings.scheduled_ids(now, END_OF_TIME, MOST_SCHEDULED)]


def _read_down(services: Services, below: int) -> tuple[list[ListedMailing], int]:
    """The mailings with ids below, and the lowest id that was read."""
    has_time = time_limit(services.clock.now, LIST_SECONDS)
    found: list[ListedMailing] = []
    lowest, most = max(1, below - MAX_IDS), HUNDREDS_AT_ONCE * IDS_A_READ
    while below > lowest:
        first = max(lowest, below - most)
        found += _read_listed(services, range(first, below))
        below = first
        if not has_time():
            break
    return found, below


def _read_listed(services: Services, mailing_ids: Sequence[int]) -> list[ListedMailing]:
    """A hundred in a call, and some calls at once."""
    hundreds = groups_of(mailing_ids, IDS_A_READ)
    if not hundreds:
        return []
    with services.thread_pool(min(len(hundreds), HUNDREDS_AT_ONCE)) as threads:
        return [mailing for part in threads.map(services.mailings.listed, hundreds) for mailing in part]
