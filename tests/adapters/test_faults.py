"""The adapters on a DynamoDB that is throttled in part, and that loses answers after the write took effect."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto import mock_aws
from moto.dynamodb.models import Table

from chalicelib.domain.audience import Partition, Plan
from chalicelib.domain.client import Client
from chalicelib.domain.client_import import ClientImport, RefusedRow
from chalicelib.domain.csv_file import FileFormat
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.message import Message
from chalicelib.domain.walk import BEGINNING
from chalicelib.errors import NotRead, NotWritten
from chalicelib.mailings.stats import list_messages
from infra.local.doubles.aws import make_services_over_tables
from infra.local.doubles.fake_clock import FakeClock
from infra.local.doubles.faulty_dynamodb import lost_answers, recorded, throttled
from tests.adapters.conftest import moto_backend

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
UNTIL = NOW + timedelta(seconds=15)
KEPT = NOW + timedelta(days=400)
MESSAGES = [Message(1, client_id, "queued", NOW) for client_id in range(1, 61)]
KEYS = [message.key for message in MESSAGES]


@pytest.fixture
def services(new_tables: dict[str, Table]) -> Iterator[Any]:
    with mock_aws():
        moto_backend().tables = deepcopy(new_tables)
        services: Any = make_services_over_tables()
        services.clock = FakeClock()
        yield services


def test_rows_that_dynamodb_leaves_unprocessed_are_written_after_a_pause(services: Any) -> None:
    with throttled("BatchWriteItem", processed=7) as fault:
        services.messages.add(MESSAGES, KEPT)
    assert len(services.messages.existing(KEYS)) == 60
    assert fault.seen == 9, "seven in a call, and the last five"
    assert services.clock.now() > FakeClock().now(), "the clock of the test moves by the pauses only"


def test_keys_that_dynamodb_leaves_unprocessed_are_read_after_a_pause(services: Any) -> None:
    services.messages.add(MESSAGES, KEPT)
    with throttled("BatchGetItem", processed=10) as fault:
        assert services.messages.existing(KEYS) == {message.client_id: message for message in MESSAGES}
    assert fault.seen == 6
    assert services.clock.now() > FakeClock().now()


def test_a_partition_that_stays_throttled_ends_the_write_and_the_read_within_seconds(services: Any) -> None:
    begun = services.clock.now()
    with throttled("BatchWriteItem", processed=1), pytest.raises(NotWritten):
        services.messages.add(MESSAGES, KEPT)
    assert services.clock.now() - begun < timedelta(seconds=7), "a page needs its time for other calls too"
    begun = services.clock.now()
    with throttled("BatchGetItem", processed=1), pytest.raises(NotRead):
        services.messages.existing(KEYS)
    assert services.clock.now() - begun < timedelta(seconds=7)


def test_every_batch_of_the_tables_is_repeated(services: Any) -> None:
    """Labels, imports, clients and phones; messages are above, and counters and mailings are read by the same code."""
    clients = [Client(number, f"7977{number:07d}", tag=f"tag {number}") for number in range(1, 5)]
    numbers = [client.phone_number for client in clients]
    rows = [RefusedRow(number, {"a": "b"}, {}) for number in range(1, 5)]
    started = ClientImport(1, "key", "1", "a.csv", FileFormat("utf-8", ";", ("a",), 2), NOW, NOW, 2)
    services.clients.add_many(clients)
    with throttled("BatchWriteItem", processed=1), throttled("BatchGetItem", processed=1):
        services.labels.add_from(clients)
        services.imports.add_refused(started, rows)
        assert set(services.clients.get_many([1, 2, 3, 4, 5])) == {1, 2, 3, 4}
        assert set(services.clients.find_many(numbers)[0]) == set(numbers)
        assert services.labels.existing("tag", ["tag 1", "tag 2", "tag 5"]) == {"tag 1", "tag 2"}
    assert services.imports.refused(1, 0, 10) == rows


def test_messages_with_a_status_are_found_a_thousand_rows_a_call(services: Any) -> None:
    """DynamoDB filters a page after it has read it: pages of the wanted size would be ten times as many calls."""
    statuses = ["failed" if client_id in (7, 990) else "sent" for client_id in range(1, 1001)]
    rows = [Message(1, number, status, NOW) for number, status in enumerate(statuses, 1)]
    services.messages.add(rows, KEPT)
    mailing = Mailing(1, NOW, KEPT, "text", status="running", plan=Plan("block", 1000, 1, 1))
    with lost_answers("Query", number=0) as calls:
        found, cursor = list_messages(services, mailing, "failed", BEGINNING, 100)
    assert [message.client_id for message in found] == [7, 990]
    assert cursor is None
    assert calls["Query"] <= 2, "a thousand rows, and the end"


def test_a_fan_out_reads_clients_consistently_and_a_list_does_not(services: Any) -> None:
    block = Partition("block", 0)
    with recorded("Query") as queries:
        services.clients.read_current(block, 0, 100, 10)
        services.clients.read(block, 0, 100, 10)
    assert [query.get("ConsistentRead", False) for query in queries] == [True, False]
