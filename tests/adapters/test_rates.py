from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from chalicelib.adapters.tables.rates import Rates
from chalicelib.domain.rate import Booking, Bucket, Clocks

CLOCKS = Clocks(own=1.5, share=2.5, asked=4.5, waiting=7)


def put(bucket: Bucket) -> tuple[Bucket, str]:
    return Bucket(bucket.gateway + 1, {**bucket.mailings, 12: CLOCKS}), "done"


def seen(outside: Any, name: str = "gateway") -> Bucket:
    bucket: Bucket = outside.rates.change(Bucket, name, lambda bucket: (bucket, bucket))
    return bucket


def test_a_bucket_is_empty_at_first_and_then_as_it_was_left(outside: Any) -> None:
    assert seen(outside) == Bucket()
    assert outside.rates.change(Bucket, "gateway", put) == "done"
    assert seen(outside) == Bucket(1, {12: CLOCKS})
    assert seen(outside, "mailing#12") == Bucket()


def test_so_is_a_booking(outside: Any) -> None:
    outside.rates.change(Booking, "queue#12", lambda booking: (Booking(booking.until + 2.5, 12.0), None))
    assert outside.rates.change(Booking, "queue#12", lambda booking: (booking, booking)) == Booking(2.5, 12.0)


def test_of_many_who_take_from_it_at_once_each_sees_what_the_others_took(outside: Any) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: outside.rates.change(Bucket, "gateway", put), range(40)))
    assert seen(outside).gateway == 40


def test_two_senders_with_a_memory_of_their_own_see_each_other(outside: Any) -> None:
    other = outside.rates if not isinstance(outside.rates, Rates) else Rates(outside.settings.stack_name, outside.clock)
    for rates in (outside.rates, other, outside.rates, other, other):
        rates.change(Bucket, "gateway", put)
    assert seen(outside).gateway == 5
