"""The forecast of a mailing: when it ends and how many clients it reaches, from its audience, rate and local hours.

Time zones with open local hours share the rate in proportion to their waiting clients, as the queue mixes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from math import ceil

from .send_window import HORIZON_HOURS, HOUR, SendWindow, Zones

MAX_FORECAST = timedelta(days=31)
"""The forecast ends after this time: clients that are not reached by then count as not reached."""

LAST_OPENING = datetime.max.replace(tzinfo=UTC) - MAX_FORECAST
"""The search for an opening stops here: the days after an opening must be valid dates."""

ROUNDING = 1e-6
"""Clients. A smaller remainder is a rounding error."""

Spans = list[tuple[datetime, datetime]]


@dataclass(frozen=True)
class Forecast:
    """The sum of `reached`, `too_late` and `unreachable` is the audience.

    `begins_at`, `ends_at`: the times of the first and the last post; None if there is none. `too_late`: clients with
    open local hours before the end, but the rate is too low; `rate_needed`, in messages a second, reaches them all.
    `unreachable`: clients without open local hours before the end.
    """

    ends_at: datetime | None
    reached: int
    too_late: int = 0
    unreachable: int = 0
    rate_needed: int | None = None
    begins_at: datetime | None = None


def forecast_mailing(
    clients: Mapping[str, int],
    start: datetime,
    end: datetime,
    window: SendWindow | None,
    rate: float | None,
    zones: Zones,
) -> Forecast:
    """`clients`: the size of the audience by time zone. `rate`: messages a second; None sends all at once."""
    end = start + min(end - start, MAX_FORECAST)
    open_spans = {name: _open_spans(window, zones(name), start, end) if window else [(start, end)] for name in clients}
    reachable = {name: number for name, number in clients.items() if number and open_spans[name] and start < end}
    unreachable = sum(clients.values()) - sum(reachable.values())
    ends_at, left = _flow(reachable, open_spans, rate)
    too_late = ceil(left - ROUNDING)
    reached = sum(reachable.values()) - too_late
    needed = _rate_needed(reachable, open_spans) if too_late > 0 else None
    begins_at = min(open_spans[name][0][0] for name in reachable) if reached else None
    return Forecast(ends_at if reached else None, reached, too_late, unreachable, needed, begins_at)


def _open_spans(window: SendWindow, zone: tzinfo, start: datetime, end: datetime) -> Spans:
    """The times between `start` and `end` at which the local hours of this time zone are open."""
    closed = SendWindow(window.closes, window.opens)
    spans, moment = [], start
    end = min(end, LAST_OPENING)
    while moment < end:
        opens = window.next_opening(zone, moment)
        if opens is None:
            moment += HORIZON_HOURS * HOUR
            continue
        closes = min(closed.next_opening(zone, opens) or end, end)
        if opens < closes:
            spans.append((opens, closes))
        moment = max(closes, opens)
    return spans


def _flow(
    clients: Mapping[str, int], open_spans: Mapping[str, Spans], rate: float | None
) -> tuple[datetime | None, float]:
    """The time of the last post, and how many clients are left."""
    waiting = {name: float(number) for name, number in clients.items()}
    ends_at = None
    for begins, ends in _intervals(open_spans):
        zones_open = [name for name in waiting if waiting[name] and _is_within(begins, open_spans[name])]
        number = sum(waiting[name] for name in zones_open)
        if not number:
            continue
        posted = number if rate is None else min(number, rate * (ends - begins).total_seconds())
        ends_at = begins + timedelta(seconds=posted / rate if rate else 0)
        for name in zones_open:
            waiting[name] = 0.0 if number - posted < ROUNDING else waiting[name] * (1 - posted / number)
    return ends_at, sum(waiting.values())


def _intervals(open_spans: Mapping[str, Spans]) -> Iterator[tuple[datetime, datetime]]:
    """The intervals in which the set of open time zones does not change."""
    moments = sorted({moment for spans in open_spans.values() for span in spans for moment in span})
    return pairwise(moments)


def _is_within(moment: datetime, spans: Spans) -> bool:
    return any(opens <= moment < closes for opens, closes in spans)


def _rate_needed(clients: Mapping[str, int], open_spans: Mapping[str, Spans]) -> int | None:
    """The smallest integer rate that reaches all clients; None if there is none."""
    most = 1
    while _flow(clients, open_spans, most)[1] > ROUNDING:
        most *= 2
        if most > 2**40:
            return None
    least = most // 2
    while most - least > 1:
        middle = (least + most) // 2
        if _flow(clients, open_spans, middle)[1] > ROUNDING:
            least = middle
        else:
            most = middle
    return most
