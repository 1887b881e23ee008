"""What a person should see before a launch: a mailing to everyone, a long text, an unusual hour, a later day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING

from ..clients.segments import find_segment
from ..domain.consent import MARKETING
from ..domain.filter import Filter
from ..domain.first_messages import FirstMessage, LocalStarts
from ..domain.mailing import Mailing
from ..domain.send_window import DAY, SendWindow
from ..texts import Text, both
from ..zones import zone
from .audience import sample_in_words
from .preview import MANY_PARTS, LaunchForecast, Preview, sample_clients
from .warnings import warn_of_approval

if TYPE_CHECKING:
    from ..adapters.services import Services

USUAL_HOURS = SendWindow(time(8), time(21))
"""Local time. Laws and operators of many countries allow texts to consumers in these hours or in fewer."""

NIGHT = SendWindow(USUAL_HOURS.closes, USUAL_HOURS.opens)

ZONES_NAMED = 3
"""In a warning. Of more it says the earliest and the latest local time."""


def with_launch_warnings(
    preview: Preview, chosen: Filter, window: SendWindow | None, approval_above: int = 0
) -> Preview:
    """`preview`: as `with_first_messages` returns it. `chosen`: the filter of the mailing. `window`: its local hours;
    without a forecast they are not looked at.
    """
    found = []
    if is_everyone(chosen):
        found.append(Text("launch.everyone"))
    if preview.length is not None and preview.is_long:
        found.append(Text("launch.many_parts", parts=preview.length.parts, most=MANY_PARTS))
    found += warn_of_approval(approval_above, preview.clients)
    if preview.launch is not None:
        found += night_warnings(preview, window)
    return replace(preview, warnings=(*preview.warnings, *found))


def with_first_messages(services: Services, preview: Preview, planned: Mailing | None, own: tzinfo) -> Preview:
    """With the first message of each time zone, and of what local hours send on a later day than that of the start.

    `planned`: the mailing of the preview. `own`: the time zone of the person who launches it. Reads nothing.
    """
    if preview.launch is None or planned is None:
        return preview
    starts = LocalStarts(preview.launch.audience.by_timezone, planned.window, planned.datetime_end, zone)
    begins = preview.launch.starts_at
    firsts = tuple(starts.first_messages(begins))
    delay = starts.delay(begins, begins.astimezone(own).date(), services.clock.now()) if firsts else None
    return replace(preview, first_messages=firsts, delay=delay)


def consent_warnings(services: Services, chosen: Filter, purpose: str, preview: Preview) -> list[Text]:
    """Whether marketing goes to clients without a consent, by a sample. With REQUIRE_CONSENT it does not."""
    if purpose != MARKETING or chosen.needs_consent:
        return []
    sample = sample_clients(services, find_segment(services, chosen))
    without = sum(client.consent is None for client in sample)
    if not without:
        return []
    of_clients = sample_in_words(len(sample), preview.clients, preview.is_whole)
    return [Text("launch.without_consent", of_clients=of_clients, without=without)]


def is_everyone(chosen: Filter) -> bool:
    return not (chosen.tags or chosen.operator_codes or chosen.has_condition)


def night_warnings(preview: Preview, window: SendWindow | None) -> list[Text]:
    """Whether clients get the text at night, by their own clocks. `preview`: as `with_first_messages` returns it."""
    if window is not None:
        is_usual = USUAL_HOURS.opens <= window.opens < window.closes <= USUAL_HOURS.closes
        opens, closes = f"{window.opens:%H:%M}", f"{window.closes:%H:%M}"
        return [] if is_usual else [Text("launch.unusual_window", opens=opens, closes=closes)]
    if not preview.first_messages or preview.launch is None:
        return []
    return [*_night_at_start(preview.first_messages), *_night_after_start(preview.launch)]


def _night_at_start(firsts: Sequence[FirstMessage]) -> list[Text]:
    night = sorted((one for one in firsts if one.is_outside(USUAL_HOURS)), key=_since_evening)
    if not night:
        return []
    clocks = [f"{one.local_time:%H:%M}" for one in night]
    if len(night) <= ZONES_NAMED:
        times = both([Text("launch.night_at", time=at, zone=one.name) for at, one in zip(clocks, night, strict=True)])
    else:
        times = Text("launch.night_between", first=clocks[0], last=clocks[-1])
    late, clients = (sum(one.clients for one in those) for those in (night, firsts))
    if late == clients:
        return [Text("launch.night_for_all", n=clients, times=times)]
    return [Text("launch.night", n=late, of=clients, times=times)]


def _since_evening(one: FirstMessage) -> timedelta:
    """How much of the night has passed by then."""
    assert one.local_time is not None
    return (one.local_time - datetime.combine(one.local_time, USUAL_HOURS.closes, one.local_time.tzinfo)) % DAY


def _night_after_start(launch: LaunchForecast) -> list[Text]:
    """The largest time zone whose day ends while the mailing is sent, also if the next day begins before it is sent."""
    begins, ends = launch.forecast.begins_at, launch.forecast.ends_at
    if begins is None or ends is None:
        return []
    for name in launch.audience.by_timezone:
        night = NIGHT.next_opening(zone(name), begins)
        if night is not None and begins < night <= ends:
            return [Text("launch.night_follows", time=f"{NIGHT.opens:%H:%M}", timezone=name)]
    return []
