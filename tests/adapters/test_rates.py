from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from chalicelib.adapters.tables.rates import Rates
from chalicelib.domain.rate import Booking, Bucket, Clocks

CLOCKS = Clocks(share=2.5, asked=4.5, waiting=7, asks=1.5)


def put(bucket: Bucket) -> tuple[Bucket, str]:
    return Bucket(bucket.clock + 1, {**bucket.mailings, 12: CLOCKS}), "done"


def seen(services: Any, name: str = "gateway") -> Bucket:
    bucket: Bucket = services.rates.change(Bucket, name, lambda bucket: (bucket, bucket))
    return bucket


def test_a_bucket_is_empty_at_first_and_then_as_it_was_stored(services: Any) -> None:
    assert seen(services) == Bucket()
    assert services.rates.change(Bucket, "gateway", put) == "done"
    assert seen(services) == Bucket(1, {12: CLOCKS})
    assert seen(services, "mailing#12") == Bucket()


def test_a_booking_is_empty_at_first_and_then_as_it_was_stored(services: Any) -> None:
    services.rates.change(Booking, "queue#12", lambda booking: (Booking(booking.until + 2.5, 12.0), None))
    assert services.rates.change(Booking, "queue#12", lambda booking: (booking, booking)) == Booking(2.5, 12.0)


def test_simultaneous_changes_of_a_bucket_see_each_other(services: Any) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: services.rates.change(Bucket, "gateway", put), range(40)))
    assert seen(services).clock == 40


def test_two_senders_with_their_own_caches_see_each_others_changes(services: Any) -> None:
    other = (
        services.rates if not isinstance(services.rates, Rates) else Rates(services.settings.stack_name, services.clock)
    )
    for rates in (services.rates, other, services.rates, other, other):
        rates.change(Bucket, "gateway", put)
    assert seen(services).clock == 5
