"""When a mailing will have been sent, before it is launched: its audience, its rate and its hours, as a flow.

While some are awake, the rate is shared among them by how many of each time zone wait, as the queue mixes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from math import ceil

from .send_window import HORIZON_HOURS, HOUR, SendWindow, Zones

LOOKS_AHEAD = timedelta(days=31)
"""Whoever is not reached by then is as good as not reached: nobody plans a mailing for longer."""

LAST_OPENING = datetime.max.replace(tzinfo=UTC) - LOOKS_AHEAD
"""No window is looked for after it: the days that follow an opening must exist."""

ALMOST_NOBODY = 1e-6

Spans = list[tuple[datetime, datetime]]


@dataclass(frozen=True)
class Forecast:
    """`reached`, `too_late` and `unreachable` clients are all. `ends_at`: when the last is reached; None: nobody is.

    Those who are `too_late` are awake before the end, but the rate does not suffice: `rate_needed`, messages a second,
    would. Whoever is `unreachable` never is awake before the end.
    """

    ends_at: datetime | None
    reached: int
    too_late: int = 0
    unreachable: int = 0
    rate_needed: int | None = None


def foresee(
    clients: Mapping[str, int],
    start: datetime,
    end: datetime,
    window: SendWindow | None,
    rate: float | None,
    zones: Zones,
) -> Forecast:
    """`clients`: how many of each time zone. `rate`: messages a second; None: as many as there are, at once."""
    end = start + min(end - start, LOOKS_AHEAD)
    awake = {name: _spans(window, zones(name), start, end) if window else [(start, end)] for name in clients}
    reachable = {name: number for name, number in clients.items() if number and awake[name] and start < end}
    unreachable = sum(clients.values()) - sum(reachable.values())
    ends_at, left = _flow(reachable, awake, rate)
    too_late = ceil(left - ALMOST_NOBODY)
    reached = sum(reachable.values()) - too_late
    needed = _rate_needed(reachable, awake) if too_late > 0 else None
    return Forecast(ends_at if reached else None, reached, too_late, unreachable, needed)


def _spans(window: SendWindow, zone: tzinfo, start: datetime, end: datetime) -> Spans:
    """From when to when somebody of this time zone may be sent to."""
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


def _flow(clients: Mapping[str, int], awake: Mapping[str, Spans], rate: float | None) -> tuple[datetime | None, float]:
    """When the last one is sent, and how many are left."""
    waiting = {name: float(number) for name, number in clients.items()}
    ends_at = None
    for begins, ends in _intervals(awake):
        open_now = [name for name in waiting if waiting[name] and _is_within(begins, awake[name])]
        number = sum(waiting[name] for name in open_now)
        if not number:
            continue
        most = number if rate is None else min(number, rate * (ends - begins).total_seconds())
        ends_at = begins + timedelta(seconds=most / rate if rate else 0)
        for name in open_now:
            waiting[name] = 0.0 if number - most < ALMOST_NOBODY else waiting[name] * (1 - most / number)
    return ends_at, sum(waiting.values())


def _intervals(awake: Mapping[str, Spans]) -> Iterator[tuple[datetime, datetime]]:
    """The times between one change of who is awake and the next."""
    moments = sorted({moment for spans in awake.values() for span in spans for moment in span})
    return pairwise(moments)


def _is_within(moment: datetime, spans: Spans) -> bool:
    return any(opens <= moment < closes for opens, closes in spans)


def _rate_needed(clients: Mapping[str, int], awake: Mapping[str, Spans]) -> int | None:
    """The smallest whole number with which nobody is left; None where none would do."""
    most = 1
    while _flow(clients, awake, most)[1] > ALMOST_NOBODY:
        most *= 2
        if most > 2**40:
            return None
    least = most // 2
    while most - least > 1:
        middle = (least + most) // 2
        if _flow(clients, awake, middle)[1] > ALMOST_NOBODY:
            least = middle
        else:
            most = middle
    return most
