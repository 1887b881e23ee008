"""Series: the same on the fake and on the real table."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from chalicelib.domain.audience import Filter
from chalicelib.domain.audit_record import Author
from chalicelib.domain.canary import Canary
from chalicelib.domain.counts import Counts
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.recurrence import Recurrence
from chalicelib.domain.send_window import SendWindow
from chalicelib.domain.series import Series
from chalicelib.errors import RowChanged

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MAILING = Mailing(
    0,
    NOW,
    NOW + timedelta(hours=9),
    "{имя}, привет",
    Filter(("тег",), ("977", "921")),
    window=SendWindow(time(9), time(21)),
    sender="SHOP",
    rate_limit=100,
    max_cost=15_000_000,
    canary=Canary(5),
    has_placeholders=True,
)
RULE = Recurrence(
    ("mon", "fri"),
    time(12, 0, 30),
    "Europe/Moscow",
    date(2026, 11, 1),
    date(2027, 1, 31),
    frozenset({date(2027, 1, 1)}),
)
SERIES = Series(1, MAILING, RULE, times=9, made=2, missed=1, last_start=NOW - timedelta(days=3), mailing_ids=(7, 5))
MADE = replace(MAILING, id=12, series_id=1)


def test_a_series_is_read_as_it_was_added_with_all_fields_of_its_mailing(services: Any) -> None:
    services.series.add(SERIES)
    assert services.series.get(1) == SERIES
    assert services.series.get(2) is None
    plain = replace(
        SERIES, id=2, mailing=Mailing(0, NOW, NOW + timedelta(hours=1), "x"), rule=replace(RULE, until=None)
    )
    plain = replace(plain, times=None, last_start=None, mailing_ids=())
    services.series.add(plain)
    assert services.series.get_many([1, 2, 3]) == {1: SERIES, 2: plain}
    with pytest.raises(RowChanged):
        services.series.add(SERIES)


def test_only_active_series_whose_start_has_come_are_due_the_earliest_first(services: Any) -> None:
    for number, hours in enumerate([0, -2, 1], start=1):
        start = NOW + timedelta(hours=hours)
        services.series.add(replace(SERIES, id=number, mailing=replace(MAILING, datetime_start=start)))
    services.series.add(replace(SERIES, id=4, status="paused"))
    services.series.add(replace(SERIES, id=5, status="ended"))
    assert services.series.due_ids(NOW, 9) == [2, 1]
    assert services.series.due_ids(NOW, 1) == [2]
    services.series.change(SERIES, replace(SERIES, status="paused"))
    assert services.series.due_ids(NOW, 9) == [2]


def test_a_decision_is_written_once(services: Any) -> None:
    services.series.add(SERIES)
    changed = services.series.change(SERIES, replace(SERIES, made=3))
    assert (changed.version, services.series.get(1)) == (2, changed)
    with pytest.raises(RowChanged):
        services.series.change(SERIES, replace(SERIES, made=4))
    with pytest.raises(RowChanged):
        services.series.change(replace(SERIES, id=2), replace(SERIES, id=2))


def test_a_mailing_is_made_with_the_next_start_or_not_at_all(services: Any) -> None:
    services.series.add(SERIES)
    record = Author("the service itself", NOW, 0.5).record("mailing", 12, None, {"id": 12})
    after = services.series.change(SERIES, replace(SERIES, made=3), record, MADE)
    assert services.mailings.get(12) == MADE
    assert services.counters.totals() == (1, Counts())
    with pytest.raises(RowChanged):
        services.series.change(SERIES, replace(SERIES, made=3), None, replace(MADE, id=13))
    assert services.mailings.get(13) is None
    with pytest.raises(RowChanged):
        services.series.change(after, replace(after, made=4), None, MADE)
    assert services.series.get(1) == after
