"""How a mailing goes on: the chart, the present rate, the expected end and how it moved, the speed of the gateway."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ..domain.mailing import Mailing
from ..domain.timeline import (
    Chart,
    Sample,
    chart_of,
    course,
    expected_end,
    is_moving,
    latency_of,
    moved_ends,
    rate_of,
)

if TYPE_CHECKING:
    from ..adapters.services import Services

NEWEST = 12
"""Samples that tell the present, of many mailings at once: at most one of a minute, so they reach RECENT back."""


@dataclass(frozen=True)
class Timeline:
    """`rate`: messages a minute, `end`: when no message waits at this rate, after all local hours opened; both None
    unless the mailing is sending.

    `moves`: at some earlier moments, which end was expected then. `latency`: of the last posts, in milliseconds.
    """

    chart: Chart
    rate: float | None = None
    end: datetime | None = None
    moves: tuple[tuple[datetime, datetime], ...] = ()
    latency: int | None = None


def timeline_of(services: Services, mailing: Mailing) -> Timeline:
    """Reads the samples of the mailing, about a thousand after two months, in one call. Before the start none."""
    if mailing.plan is None:
        return Timeline(Chart(1, []))
    points = course(mailing, services.timelines.samples(mailing.id), services.clock.now())
    chart, latency = chart_of(points), latency_of(points)
    if not is_moving(mailing):
        return Timeline(chart, latency=latency)
    end = _after_openings(mailing, expected_end(points))
    return Timeline(chart, rate_of(points), end, tuple(moved_ends(points)), latency)


def newest_points(services: Services, mailing: Mailing) -> list[Sample]:
    """The newest samples and the present counts. The first one is empty, as if the mailing had begun there."""
    return course(mailing, services.timelines.samples(mailing.id, NEWEST), services.clock.now(), is_whole=False)


def present_of(mailing: Mailing, points: Sequence[Sample]) -> Timeline:
    """The same without the chart and the moves, from the newest points."""
    if not is_moving(mailing):
        return Timeline(Chart(1, []))
    end = _after_openings(mailing, expected_end(points))
    return Timeline(Chart(1, []), rate_of(points), end, latency=latency_of(points))


def _after_openings(mailing: Mailing, end: datetime | None) -> datetime | None:
    """Messages that wait for local hours are not sent before these open, whatever the rate is."""
    return None if end is None else max([end, *mailing.releases])
