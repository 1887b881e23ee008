from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import Any

TODAY, TOMORROW = date(2026, 11, 27), date(2026, 11, 28)
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def test_each_day_has_a_sum_of_its_own(services: Any) -> None:
    assert services.spending.of_day(TODAY) == 0
    assert services.spending.add(TODAY, 5, NOW) == 5
    assert services.spending.add(TODAY, 7, NOW) == 12
    assert services.spending.add(TOMORROW, 1, NOW) == 1
    assert (services.spending.of_day(TODAY), services.spending.of_day(TOMORROW)) == (12, 1)


def test_senders_that_add_at_the_same_time_lose_nothing(services: Any) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: services.spending.add(TODAY, 3, NOW), range(40)))
    assert services.spending.of_day(TODAY) == 120
