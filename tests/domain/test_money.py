"""Amounts of money, the limits on them, and the decisions that follow."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.counts import Counts, counts_of
from chalicelib.domain.decisions import limited
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.message import STATUSES, Message
from chalicelib.domain.money import MAX_AMOUNT, UNIT, read_amount, shown_amount, told_amount
from chalicelib.domain.sms import count_parts, measure
from chalicelib.domain.spending import Day, limit_reason
from chalicelib.texts import Text

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
RUNNING = Mailing(1, NOW, NOW + timedelta(days=1), "text", status="running")


@pytest.mark.parametrize(
    ("text", "amount", "shown"),
    [
        ("0", 0, "0.00"),
        ("3.5", 3_500_000, "3.50"),
        ("0.0079", 7_900, "0.0079"),
        ("1500.00", 1_500_000_000, "1500.00"),
        ("0.000001", 1, "0.000001"),
        (str(MAX_AMOUNT), MAX_AMOUNT * UNIT, "1000000000.00"),
    ],
)
def test_an_amount_is_read_and_shown(text: str, amount: int, shown: str) -> None:
    assert (read_amount(text), shown_amount(amount)) == (amount, shown)


@pytest.mark.parametrize("text", ["", "-1", "1,5", ".5", "1.", "1e3", "0.0000001", "1000000000.01", "٣", "1 0", "nan"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="an amount"):
        read_amount(text)


@pytest.mark.parametrize(
    ("told", "amount"),
    [
        ("2.50", 2_500_000),
        (2.5, 2_500_000),
        (3, 3_000_000),
        ("0.05000000", 50_000),
        (0.1 + 0.2, 300_000),
        (1e-05, 10),
        ("0.0000005", 1),
        ("-12.3", -12_300_000),
        (-0.0, 0),
        (3.14159, 3_141_590),
    ],
)
def test_an_amount_is_read_as_providers_write_it(told: object, amount: int) -> None:
    assert told_amount(told) == amount


@pytest.mark.parametrize(
    "told",
    ["", "free", "2,5", "1e3", " 1", "٣", None, True, [], {}, float("nan"), float("inf"), 1e300, "9" * 400, 10**40],
)
def test_what_a_provider_writes_and_is_no_amount_is_none(told: object) -> None:
    assert told_amount(told) is None


@given(st.integers(-MAX_AMOUNT * UNIT, MAX_AMOUNT * UNIT))
def test_an_amount_that_is_told_may_be_below_zero(amount: int) -> None:
    assert told_amount(shown_amount(amount)) == amount


@given(st.integers(0, MAX_AMOUNT * UNIT))
def test_an_amount_is_shown_exactly(amount: int) -> None:
    assert Fraction(shown_amount(amount)) == Fraction(amount, UNIT)
    assert read_amount(shown_amount(amount)) == amount


@pytest.mark.parametrize(
    ("spent", "reserved", "needed", "reason"),
    [
        (0, 0, 10, None),
        (0, 0, 11, "mailing.max_cost"),
        (4, 5, 1, None),
        (4, 5, 2, "mailing.max_cost"),
        (12, 0, 1, "mailing.max_cost"),
    ],
)
def test_a_message_is_posted_if_the_maximum_leaves_room_for_it(
    spent: int, reserved: int, needed: int, reason: str | None
) -> None:
    mailing = replace(RUNNING, max_cost=10, counts=Counts(sent=1, cost=spent))
    found = limit_reason(mailing, Day(spent=1000), needed, reserved, 1000)
    assert (found.code if found else None) == reason


@pytest.mark.parametrize(("spent", "reserved", "reason"), [(5, 4, None), (5, 5, "mailing.daily_budget")])
def test_the_budget_of_the_day_is_for_what_all_mailings_have_spent_and_reserved(
    spent: int, reserved: int, reason: str | None
) -> None:
    found = limit_reason(RUNNING, Day(spent, budget=10), 1, 0, reserved)
    assert (found.code if found else None) == reason


@pytest.mark.parametrize("status", ["scheduled", "paused", "finished", "cancelled"])
def test_only_a_running_mailing_pauses_at_a_limit(status: str) -> None:
    reason = Text("mailing.max_cost", spent="1.00", most="1.00")
    mailing = replace(RUNNING, status=status)
    assert limited(mailing, reason, NOW) == mailing
    after = limited(RUNNING, reason, NOW)
    assert (after.status, after.paused_because) == ("paused", reason)


def test_only_accepted_messages_have_cost_something() -> None:
    messages = [Message(1, number, status, NOW, parts=2, cost=3) for number, status in enumerate(STATUSES, 1)]
    counts = counts_of(messages)
    assert (counts.sent, counts.parts, counts.cost) == (3, 6, 9)


@given(st.text(max_size=400))
def test_the_parts_that_are_remembered_are_those_of_the_text(text: str) -> None:
    assert count_parts(text) == count_parts(text) == measure(text).parts
