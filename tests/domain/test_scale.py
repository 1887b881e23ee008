"""The model of what this machine cannot show: larger is slower, what binds is named, and the promise is kept."""

from __future__ import annotations

import pytest

from bench.scale import fan_out, send

MILLION = 1_000_000


def test_ten_million_are_fanned_out_in_under_ten_minutes_where_the_table_is_warm() -> None:
    assert fan_out(10 * MILLION, warm=20_000).seconds < 600


def test_a_cold_table_is_what_binds_a_fan_out_and_a_warm_one_mends_it() -> None:
    cold, warm = fan_out(10 * MILLION), fan_out(10 * MILLION, warm=40_000)
    assert cold.binds == "the table's throughput"
    assert warm.seconds < cold.seconds / 4


def test_sending_is_bound_by_senders_or_by_the_rate_and_a_slower_gateway_takes_longer() -> None:
    assert send(MILLION, senders=4).binds == "senders"
    limited = send(MILLION, senders=200, rate=500)
    assert (limited.binds, limited.seconds) == ("the rate", pytest.approx(1.01 * MILLION / 500, rel=0.03))
    assert send(MILLION, 50, latency=0.5).seconds > send(MILLION, 50).seconds
