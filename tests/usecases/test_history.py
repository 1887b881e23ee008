"""The history of a client is read by the keys of its messages, mailing by mailing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from chalicelib.clients.history import list_history
from chalicelib.domain.audience import plan_fan_out
from chalicelib.domain.mailing import ALL_CLIENTS, MAILING_ID, Mailing
from chalicelib.domain.message import Message, MessageKey
from infra.local.doubles.fakes import FakeServices

CLIENT = 7
SHARDS = 3


def with_mailings(number: int, to_client: Iterable[int] = ()) -> FakeServices:
    """Started mailings. Those in `to_client` have a message to the client."""
    services, chosen = FakeServices(), set(to_client)
    now = services.clock.now()
    plan = plan_fan_out(ALL_CLIENTS, 1000)
    for mailing_id in range(1, number + 1):
        mailing = Mailing(mailing_id, now, now + timedelta(hours=1), f"text {mailing_id}", plan=plan)
        services.mailings.add(mailing)
        if mailing_id in chosen:
            services.messages.add([Message(mailing_id, CLIENT, "sent", now, shards=plan.shards)], now)
    services.counters.ids[MAILING_ID] = number
    return services


def history_of(services: FakeServices, client_id: int, limit: int = 100) -> list[list[int]]:
    """The ids of the mailings, page by page."""
    pages, below = [], None
    while True:
        found, below = list_history(services, client_id, below, limit)  # type: ignore[arg-type]
        pages.append([mailed.mailing.id for mailed in found])
        if below is None:
            return pages


def test_a_history_has_the_messages_of_one_client_the_newest_mailing_first() -> None:
    services = with_mailings(9, to_client=(2, 5, 9))
    assert history_of(services, CLIENT) == [[9, 5, 2]]
    assert history_of(services, CLIENT + 1) == [[]]
    [mailed], _ = list_history(services, CLIENT, 3, 1)  # type: ignore[arg-type]
    assert (mailed.message.client_id, mailed.message.mailing_id, mailed.mailing.message_text) == (CLIENT, 2, "text 2")


def test_a_page_ends_after_its_limit_and_the_next_one_continues_below_it() -> None:
    assert history_of(with_mailings(250, to_client=(3, 150, 151, 249)), CLIENT, limit=2) == [[249, 151], [150, 3]]


def test_a_hundred_mailings_are_read_by_the_keys_of_this_client_in_one_call() -> None:
    services, calls = with_mailings(250, to_client=range(1, 251)), []

    class Counted:
        def of_client(self, keys: Iterable[MessageKey]) -> dict[int, Message]:
            calls.append(list(keys))
            return {}

    services.messages = Counted()  # type: ignore[assignment]
    assert history_of(services, CLIENT) == [[]]
    assert [len(keys) for keys in calls] == [100, 100, 50]
    assert {key.client_id for keys in calls for key in keys} == {CLIENT}


def test_mailings_that_cannot_have_the_client_are_not_asked() -> None:
    """One that has not started, and those that started before the client was registered."""
    services, asked = with_mailings(3), []
    now = services.clock.now()
    services.mailings.add(Mailing(4, now, now + timedelta(hours=1), "later"))
    services.counters.ids[MAILING_ID] = 4

    class Counted:
        def of_client(self, keys: Iterable[MessageKey]) -> dict[int, Message]:
            asked.extend(keys)
            return {}

    services.messages = Counted()  # type: ignore[assignment]
    history_of(services, 1001)
    assert asked == []


def test_without_time_a_page_is_short_and_its_position_continues() -> None:
    services = with_mailings(250, to_client=(1,))
    found, below = list_history(services, CLIENT, None, 100, lambda: False)  # type: ignore[arg-type]
    assert (found, below) == ([], 151)
