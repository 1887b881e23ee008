from __future__ import annotations

import pytest

from chalicelib.domain.cost import CREATED, GIGABYTE, MAX_DOLLARS_PER_MILLION, POSTED, PRICES, Units, estimate
from chalicelib.domain.counts import Counts


def test_a_million_messages_cost_at_most_the_promised_price() -> None:
    assert (CREATED + POSTED).dollars * 1e6 <= MAX_DOLLARS_PER_MILLION
    assert estimate(Counts(total=1_000_000, sent=1_000_000)) <= MAX_DOLLARS_PER_MILLION


@pytest.mark.parametrize(
    ("units", "dollars"),
    [
        (Units(writes=1e6), 0.625),
        (Units(reads=1e6), 0.125),
        (Units(queue_requests=1e6), 0.40),
        (Units(invocations=1e6), 0.20),
        (Units(gigabyte_seconds=1e6), 13.3334),
        (Units(log_bytes=GIGABYTE), 0.50),
        (Units(schedules=1e6), 1.00),
    ],
)
def test_units_cost_their_list_price(units: Units, dollars: float) -> None:
    assert units.dollars == pytest.approx(dollars)


def test_every_price_has_a_source_and_a_month() -> None:
    assert list(PRICES) == list(Units.__dataclass_fields__)
    for price in PRICES.values():
        assert price.source.startswith("https://aws.amazon.com/")
        assert "2024-11" <= price.as_of <= "2026-12"


def test_repeated_posts_cost_more_closed_messages_less_and_failed_ones_as_much_as_sent_ones() -> None:
    sent, failed, unknown, cancelled, expired = (
        estimate(Counts(total=1000, **{status: 1000}))
        for status in ("sent", "failed", "unknown", "cancelled", "expired")
    )
    assert estimate(Counts(total=1000, sent=1000), attempts=1000) == sent
    assert estimate(Counts(total=1000, sent=1000), attempts=2500) > 1.9 * sent, "repeated posts of an outage cost money"
    assert estimate(Counts(total=1000, sent=1000, delivered=900, undelivered=100)) > 1.5 * sent
    assert sent == failed == unknown > cancelled == expired > estimate(Counts(total=0)) > 0


def test_a_rate_limit_costs_the_messages_that_ask_for_a_permit_in_vain() -> None:
    counts = Counts(total=1000, sent=1000)
    assert estimate(counts) < estimate(counts, is_limited=True) < 1.2 * estimate(counts)
