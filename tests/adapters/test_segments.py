"""Segments: the same on the fake and on the real table."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.condition import Group, Leaf, Received
from chalicelib.domain.filter import Filter
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.segment import Segment
from chalicelib.errors import RowChanged

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SEGMENT = Segment(1, "Постоянные", Group("all", (Leaf("tag", "in", ("vip", "друзья")), Received(7, False))))


def test_a_segment_is_read_as_it_was_added(services: Any) -> None:
    services.segments.add(SEGMENT)
    assert services.segments.get(1) == SEGMENT
    assert services.segments.get(2) is None
    assert services.segments.get_many([1, 2]) == {1: SEGMENT}
    with pytest.raises(RowChanged):
        services.segments.add(SEGMENT)


def test_a_segment_is_changed_and_removed_once(services: Any) -> None:
    services.segments.add(SEGMENT)
    changed = services.segments.change(SEGMENT, replace(SEGMENT, name="Новые"))
    assert (changed.version, services.segments.get(1)) == (2, changed)
    with pytest.raises(RowChanged):
        services.segments.change(SEGMENT, replace(SEGMENT, name="late"))
    with pytest.raises(RowChanged):
        services.segments.remove(SEGMENT)
    services.segments.remove(changed)
    assert services.segments.get(1) is None
    with pytest.raises(RowChanged):
        services.segments.change(changed, changed)


@pytest.mark.parametrize("condition", [None, Leaf("tag", "is", "a")])
@pytest.mark.parametrize("segment", [SEGMENT, Segment(3)])
def test_a_mailing_keeps_a_copy_of_its_segment(services: Any, condition: Leaf | None, segment: Segment) -> None:
    mailing = Mailing(1, NOW, NOW + timedelta(hours=1), "x", Filter(("a",), (), condition, segment=segment))
    services.mailings.add(mailing)
    assert services.mailings.get(1) == mailing
