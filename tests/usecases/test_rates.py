"""Permits, as a batch takes them."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from chalicelib.delivery.rate_limits import LEAST_FALLBACK, LONGEST_FALLBACK, Permits, book_delays
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.rate import BURST, LONGEST_WAIT, LOOKAHEAD, UNLIMITED, Permit
from chalicelib.errors import NotWritten, RowChanged
from infra.local.doubles.fakes import FakeServices

HANDFUL = 5


def mailing_of(services: FakeServices, rate_limit: int | None = 10) -> Mailing:
    now = services.clock.now()
    return Mailing(1, now, now + timedelta(hours=1), "text", rate_limit=rate_limit)


def test_a_group_of_permits_is_one_write_and_each_permit_has_its_moment() -> None:
    services = FakeServices()
    permits = Permits(services, [1] * 10, HANDFUL)
    taken = [permits.next(mailing_of(services), "contract") for _ in range(HANDFUL)]
    assert services.rates.writes == 1
    moments = [one.at for one in taken if isinstance(one, Permit)]
    assert [round(after - before, 3) for before, after in pairwise(moments)] == [0.1] * 4


def test_a_permit_that_expired_during_other_posts_is_not_used() -> None:
    services = FakeServices()
    permits = Permits(services, [1] * 10, HANDFUL)
    permits.next(mailing_of(services), "contract")
    services.clock.forward(1)
    fresh = permits.next(mailing_of(services), "contract")
    assert isinstance(fresh, Permit)
    assert fresh.until >= services.clock.now().timestamp()


def test_a_message_without_a_permit_and_the_rest_of_its_batch_get_a_time_to_ask_again() -> None:
    services = FakeServices()
    permits = Permits(services, [1] * 100, 100)
    taken = [permits.next(mailing_of(services), "contract") for _ in range(100)]
    delays = [one for one in taken if isinstance(one, int) and not isinstance(one, Permit)]
    assert len(taken) - len(delays) == int(10 * (LOOKAHEAD + BURST / 2)) + 1
    assert delays == sorted(delays)
    assert (delays[0], delays[-1]) == (1, 7)
    assert services.rates.writes == 1


def test_messages_that_would_ask_much_later_wait_in_their_rows() -> None:
    services = FakeServices()
    permits = Permits(services, [1] * 1000, 100)
    taken = [permits.next(mailing_of(services, 2), "contract") for _ in range(1000)]
    assert max(one for one in taken if isinstance(one, int)) <= LONGEST_WAIT
    assert taken[-1] is None


def test_a_mailing_with_its_own_lower_limit_takes_permits_of_both() -> None:
    services = FakeServices(gateway_rate=50.0)
    permits = Permits(services, [1] * 100, 100)
    taken = [permits.next(mailing_of(services, 10), "contract") for _ in range(100)]
    assert sum(isinstance(one, Permit) for one in taken) == int(10 * (LOOKAHEAD + BURST / 2)) + 1
    assert services.rates.writes == 2
    assert set(services.rates.rows) == {"mailing#1#0", "gateway#0"}


def test_a_permit_that_was_not_used_goes_to_another_message_of_the_batch() -> None:
    services = FakeServices()
    permits = Permits(services, [1] * 10, HANDFUL)
    permit = permits.next(mailing_of(services), "contract")
    assert isinstance(permit, Permit)
    permits.put_back(mailing_of(services), "contract", permit)
    assert permits.next(mailing_of(services), "contract") == permit


def test_a_batch_that_waited_about_a_second_returns_its_other_messages() -> None:
    services = FakeServices()
    permits = Permits(services, [1] * 10, HANDFUL)
    services.clock.forward(LOOKAHEAD + 0.1)
    assert permits.next(mailing_of(services), "contract") == 1


def test_a_sender_that_loses_every_race_for_permits_does_not_fail() -> None:
    services = FakeServices()

    def refused(*_: object) -> None:
        raise RowChanged

    services.rates.change = refused  # type: ignore[method-assign, assignment]
    mailing = mailing_of(services)
    delay = Permits(services, [1] * 3, HANDFUL).next(mailing, "contract")
    assert isinstance(delay, int)
    assert LEAST_FALLBACK <= delay <= LONGEST_FALLBACK
    assert book_delays(services, mailing, 3) == [], "the messages wait in their rows"


def test_a_batch_whose_table_of_rates_is_throttled_asks_once_and_returns() -> None:
    services, asked = FakeServices(), []

    def throttled(*_: object) -> None:
        asked.append(1)
        raise NotWritten

    services.rates.change = throttled  # type: ignore[method-assign, assignment]
    permits = Permits(services, [1] * 100, HANDFUL)
    delays = [permits.next(mailing_of(services), "contract") for _ in range(100)]
    assert all(isinstance(delay, int) and LEAST_FALLBACK <= delay <= LONGEST_FALLBACK for delay in delays)
    assert len(asked) == 1, "each try takes seconds, and they follow one another"


def test_without_a_limit_no_permits_are_taken() -> None:
    services = FakeServices()
    assert Permits(services, [1], HANDFUL).next(mailing_of(services, None), "contract") == UNLIMITED
    assert book_delays(services, mailing_of(services, None), 2) == [0, 0]
    assert services.rates.writes == 0
