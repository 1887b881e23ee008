"""The calls per message are those in chalicelib/domain/cost.py. A change of the cost must be recorded there."""

from __future__ import annotations

import pytest

from bench.priced_mailing import LATENCIES, Priced, count
from chalicelib.domain import cost
from chalicelib.domain.cost import Units

TOLERANCE = 0.02
LEAST = 1e-9
"""Dollars: a difference below a tenth of a cent in a million messages is ignored."""

FAST, SLOW = LATENCIES


@pytest.fixture(scope="module")
def counted() -> Priced:
    return count()


def test_a_message_costs_what_is_recorded_within_2_per_cent(counted: Priced) -> None:
    assert_as_recorded(cost.CREATED + cost.POSTED, counted.created + counted.posted[FAST])
    assert_as_recorded(cost.CREATED + cost.POSTED_SLOWLY, counted.created + counted.posted[SLOW])


def test_each_step_of_a_message_costs_what_is_recorded(counted: Priced) -> None:
    assert_as_recorded(cost.PER_MAILING, counted.mailing)
    assert_as_recorded(cost.CREATED, counted.created)
    assert_as_recorded(cost.POSTED, counted.posted[FAST])
    assert_as_recorded(cost.POSTED_SLOWLY, counted.posted[SLOW])
    assert_as_recorded(cost.CLOSED, counted.closed)
    assert_as_recorded(cost.ASKED, counted.asked)
    assert_as_recorded(cost.REPORTED, counted.reported)


def assert_as_recorded(recorded: Units, now: Units) -> None:
    message = f"recorded in chalicelib/domain/cost.py: {recorded}\ncounted now: {now}"
    assert now.dollars == pytest.approx(recorded.dollars, rel=TOLERANCE), message
    for name, dollars in now.dollars_by_name.items():
        assert dollars == pytest.approx(recorded.dollars_by_name[name], rel=TOLERANCE, abs=LEAST), f"{name}\n{message}"
