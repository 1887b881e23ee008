"""Tokens as a batch takes them."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from chalicelib.delivery.rate_limits import Permits, delays_of
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.rate import BURST, LOOKAHEAD, UNLIMITED, Permit
from chalicelib.errors import RowChanged
from infra.local.doubles.fakes import FakeServices

HANDFUL = 5


def mailing_of(services: FakeServices, rate_limit: int | None = 10) -> Mailing:
    now = services.clock.now()
    return Mailing(1, now, now + timedelta(hours=1), "text", rate_limit=rate_limit)


def test_a_group_of_permits_is_one_write_and_each_permit_has_its_moment() -> None:
    services = FakeServices()
    permits = Permits(services, [1] * 10, HANDFUL)
    taken = [permits.next(mailing_of(services)) for _ in range(HANDFUL)]
    assert services.rates.writes == 1
    moments = [one.at for one in taken if isinstance(one, Permit)]
    assert [round(after - before, 3) for before, after in pairwise(moments)] == [0.1] * 4


def test_a_permit_that_became_old_while_others_posted_is_not_used() -> None:
    services = FakeServices()
    permits = Permits(services, [1] * 10, HANDFUL)
    permits.next(mailing_of(services))
    services.clock.forward(1)
    fresh = permits.next(mailing_of(services))
    assert isinstance(fresh, Permit)
    assert fresh.until >= services.clock.now().timestamp()


def test_messages_without_a_permit_get_a_delay_and_so_does_the_rest_of_the_batch() -> None:
    services = FakeServices()
    permits = Permits(services, [1] * 100, 100)
    taken = [permits.next(mailing_of(services)) for _ in range(100)]
    delays = [one for one in taken if not isinstance(one, Permit)]
    assert len(taken) - len(delays) == int(10 * (LOOKAHEAD + BURST / 2)) + 1
    assert delays == sorted(delays)
    assert (delays[0], delays[-1]) == (1, 7)
    assert services.rates.writes == 2


def test_a_batch_that_has_waited_for_a_second_or_so_gives_the_rest_back() -> None:
    services = FakeServices()
    permits = Permits(services, [1] * 10, HANDFUL)
    services.clock.forward(LOOKAHEAD + 0.1)
    assert permits.next(mailing_of(services)) == 1


def test_where_others_always_come_first_nothing_fails() -> None:
    services = FakeServices()

    def refused(*_: object) -> None:
        raise RowChanged

    services.rates.change = refused  # type: ignore[method-assign, assignment]
    mailing = mailing_of(services)
    assert Permits(services, [1] * 3, HANDFUL).next(mailing) == 1
    assert delays_of(services, mailing, 3) == [0, 0, 0]


def test_without_a_limit_nothing_is_asked() -> None:
    services = FakeServices()
    assert Permits(services, [1], HANDFUL).next(mailing_of(services, None)) == UNLIMITED
    assert delays_of(services, mailing_of(services, None), 2) == [0, 0]
    assert services.rates.writes == 0
