"""The number of AWS calls for a message and for a client, through the real adapters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from moto import mock_aws

from bench.aws_calls import counted_calls
from chalicelib.adapters.services import Services
from chalicelib.clients.registry import change_client, delete_client, register_client
from chalicelib.delivery.receipts import GROUP, settle_receipts, take_receipts
from chalicelib.delivery.rounds import request_reconciliation
from chalicelib.delivery.sender import Sender
from chalicelib.domain.mailing_fields import MailingFields
from chalicelib.domain.message import message_id
from chalicelib.domain.receipt import Receipt
from chalicelib.mailings.lifecycle import announce_mailing, get_mailing
from infra.local.doubles.aws import add_clients, make_services
from infra.local.doubles.deliveries import RecordingQueue, as_records, do_jobs, make_countable_services, record_queues
from infra.local.in_process import ministack_in_process
from tests.depth import depth

CLIENTS = depth(full=1000, quick=250)
CALLS_A_MAILING = 30
"""Of any size: its decisions, its slices and shards."""
REPORTED = 3 * GROUP
SECONDS_A_BATCH = 0.5
"""The number of seconds for which senders cache mailings and clients."""


@pytest.fixture
def calls() -> Iterator[Counter[str]]:
    with ministack_in_process(), counted_calls() as calls:
        yield calls


@pytest.mark.parametrize(("batch", "limit"), [(10, 0.6), (100, 0.25)])
def test_aws_calls_per_delivered_message(calls: Counter[str], batch: int, limit: float) -> None:
    services = make_countable_services()
    add_clients(CLIENTS)
    calls.clear()
    mailing_id = _deliver(services, batch)
    assert get_mailing(services, mailing_id).counts.sent == CLIENTS
    per_message = (calls.total() - CALLS_A_MAILING) / CLIENTS
    print(f"\nAWS calls per delivered message, batches of {batch}: {per_message:.3f} {dict(calls)}")  # noqa: T201
    assert per_message <= limit, "claims, settlements and the fan-out share their calls with others"


def test_a_message_of_marketing_takes_no_call_for_its_consent(calls: Counter[str]) -> None:
    services = make_countable_services()
    services.settings = replace(services.settings, require_consent=True)
    add_clients(200)
    for client_id in range(1, 101):
        change_client(services, client_id, {"consent_at": services.clock.now().replace(microsecond=0)})
    calls.clear()
    mailing_id = _deliver(services, 100, purpose="marketing")
    counts = get_mailing(services, mailing_id).counts
    assert (counts.sent, counts.cancelled) == (100, 100)
    assert (calls.total() - CALLS_A_MAILING) / 200 <= 0.25, "as a message that is sent"


def test_a_canary_costs_a_few_calls_for_its_messages_and_none_for_the_others(calls: Counter[str]) -> None:
    services = make_countable_services()
    add_clients(200)
    found: list[Counter[str]] = []
    for canary in (None, 20):
        calls.clear()
        mailing_id = _deliver(services, 10, canary=canary)
        assert get_mailing(services, mailing_id).counts.sent == 200
        found.append(calls.copy())
    costs = found[1] - found[0]
    print(f"\nAWS calls that a canary of 20 adds: {dict(costs)}")  # noqa: T201
    queued_first = 2 * 20  # for each hundred messages of the fan-out
    assert found[0]["GetItem"] <= 10, "without a canary no message is read"
    assert costs["UpdateItem"] <= 20 + 10, "one for each message of the canary"
    assert costs.total() <= 20 + 2 * queued_first + 40, "plus two reconciliation rounds"


def test_aws_calls_per_receipt(calls: Counter[str]) -> None:
    services = make_countable_services()
    queue = services.receipts_queue = RecordingQueue(services.settings.receipts_queue_url, services.clock)
    add_clients(REPORTED)
    mailing_id = _deliver(services, 100)
    ids = [message_id(mailing_id, client_id) for client_id in range(1, REPORTED + 1)]
    now = services.clock.now()
    calls.clear()
    for start in range(0, REPORTED, 100):
        take_receipts(services, [Receipt(number, "delivered", now) for number in ids[start : start + 100]])
    assert settle_receipts(services, queue.take_bodies(100), lambda: 60.0) == [None] * 3
    per_receipt = calls.total() / REPORTED
    assert get_mailing(services, mailing_id).counts.delivered == REPORTED
    print(f"\nAWS calls per receipt, a hundred in a request: {per_receipt:.3f} {dict(calls)}")  # noqa: T201
    assert per_receipt <= 0.05, "three for each group and one for each request"


def test_messages_that_expire_are_closed_by_25_in_a_call(calls: Counter[str]) -> None:
    services = make_countable_services()
    add_clients(100)
    jobs, messages = record_queues(services)
    mailing_id = _announce(services, jobs)
    services.clock.forward(3601)
    sender = Sender(services)
    calls.clear()
    assert sender.send_batch(as_records(messages.take_bodies(50)), lambda: 60.0) == []
    expected = {"BatchExecuteStatement": 2, "BatchGetItem": 3, "GetItem": 3, "UpdateItem": 1}
    assert calls == expected, "by a sender: closed, after a read of their rows; the mailing read, and counted once"
    calls.clear()
    request_reconciliation(services, get_mailing(services, mailing_id))
    do_jobs(services, jobs)
    assert calls["BatchExecuteStatement"] == 2, "by a round"
    assert calls["UpdateItem"] == 2, "the round and the counts"
    assert get_mailing(services, mailing_id).counts.expired == 100
    calls.clear()
    assert sender.send_batch(as_records(messages.take_bodies(50)), lambda: 60.0) == []
    assert calls == {"BatchGetItem": 3, "GetItem": 2}, "closed already: nothing is written"


def test_a_client_costs_two_calls_to_create_change_or_delete(calls: Counter[str]) -> None:
    services = make_services()
    calls.clear()
    client = register_client(services, {"phone_number": "79770000001"})
    assert calls.pop("GetParameter") == 1, "the key of phone digests, once in five minutes"
    assert calls == {"UpdateItem": 1, "BatchWriteItem": 1, "TransactWriteItems": 1}, "its operator code is new"
    calls.clear()
    client = register_client(services, {"phone_number": "79770000003"})
    assert calls == {"UpdateItem": 1, "TransactWriteItems": 1}
    calls.clear()
    change_client(services, client.id, {"phone_number": "79770000002"})
    assert calls == {"GetItem": 1, "TransactWriteItems": 1}
    calls.clear()
    change_client(services, client.id, {"timezone": "Europe/Moscow"})
    assert calls == {"GetItem": 1, "TransactWriteItems": 1, "SendMessageBatch": 1}, (
        "a job for mailings with local hours"
    )
    calls.clear()
    delete_client(services, client.id)
    assert calls == {"GetItem": 1, "TransactWriteItems": 1}


def test_both_emulators_count_the_same_calls() -> None:
    """All but the calls that claim, settle or close messages: moto does not understand their statements."""
    assert _calls_on(ministack_in_process) == _calls_on(mock_aws)


def _calls_on(emulator: Callable[[], AbstractContextManager[object]]) -> Counter[str]:
    with emulator(), counted_calls() as calls:
        services = make_countable_services()
        add_clients(30)
        _announce(services, record_queues(services)[0])
        client = register_client(services, {"phone_number": "79770000001"})
        change_client(services, client.id, {"timezone": "Europe/Moscow"})
        delete_client(services, client.id)
        return calls.copy()


def _announce(services: Services, jobs: RecordingQueue) -> int:
    now = services.clock.now()
    end = now + timedelta(hours=1)
    mailing = announce_mailing(services, {"datetime_start": now, "datetime_end": end, "message_text": "text"})
    do_jobs(services, jobs)
    return mailing.id


def _deliver(services: Services, batch: int, **fields: Any) -> int:
    """A mailing from its announcement to its finish, with batches as Lambda's event source would form them."""
    jobs, messages = record_queues(services)
    now = services.clock.now()
    times: MailingFields = {"datetime_start": now, "datetime_end": now + timedelta(hours=1), "message_text": "text"}
    mailing = announce_mailing(services, cast(MailingFields, {**times, **fields}))
    do_jobs(services, jobs)
    sender = Sender(services)
    while bodies := messages.take_bodies(batch):
        services.clock.forward(SECONDS_A_BATCH)  # type: ignore[attr-defined]
        assert sender.send_batch(as_records(bodies), lambda: 60.0) == []
        if not messages.bodies:
            do_jobs(services, jobs)
    return mailing.id
