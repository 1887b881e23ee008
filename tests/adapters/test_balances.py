"""The row of the balances that gateways have told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.money import Amount
from chalicelib.errors import RowChanged

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
FOUR_MINUTES = timedelta(minutes=4)


def test_what_is_kept_is_known_also_to_the_next_one_that_asks(services: Any) -> None:
    assert services.balances.known() == {}
    assert services.balances.begin_to_ask(NOW, FOUR_MINUTES) == {}
    known = {"smsc": (Amount(-97_500_000, "RUB"), NOW), "spare": (Amount(0), NOW - FOUR_MINUTES)}
    services.balances.keep(known)
    assert services.balances.known() == known
    assert services.balances.begin_to_ask(NOW + FOUR_MINUTES, FOUR_MINUTES) == known


def test_one_of_many_that_ask_at_the_same_time_may(services: Any) -> None:
    def ask(_: int) -> bool:
        try:
            services.balances.begin_to_ask(NOW, FOUR_MINUTES)
        except RowChanged:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(ask, range(16))) == 1
    with pytest.raises(RowChanged):
        services.balances.begin_to_ask(NOW + FOUR_MINUTES - timedelta(seconds=1), FOUR_MINUTES)


def test_a_row_without_a_balance_yet_is_none(services: Any) -> None:
    services.balances.begin_to_ask(NOW, FOUR_MINUTES)
    assert services.balances.known() == {}
