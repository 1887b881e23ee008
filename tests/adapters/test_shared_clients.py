"""Clients of AWS are slow to create: each service has one, shared by all threads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from botocore import handlers
from moto import mock_aws

from chalicelib.adapters import aws
from chalicelib.adapters.services import Services
from chalicelib.clients.registry import register_client
from chalicelib.delivery.dead_letters import read_job
from chalicelib.delivery.jobs import KINDS, run_job
from chalicelib.domain.message import MessageKey
from chalicelib.mailings.lifecycle import announce_mailing
from infra.local.doubles.aws import add_clients, forget_connections, make_services


@pytest.fixture
def made() -> Iterator[Counter[str]]:
    """The number of clients created, by service."""
    found: Counter[str] = Counter()

    def count(event_name: str, **_: Any) -> None:
        found[event_name.rpartition(".")[2]] += 1

    hook = ("creating-client-class", count)
    handlers.BUILTIN_HANDLERS.append(hook)
    forget_connections()
    with mock_aws():
        yield found
    handlers.BUILTIN_HANDLERS.remove(hook)
    forget_connections()


def test_all_tables_all_threads_and_transactions_have_one_client(made: Counter[str]) -> None:
    services = make_services()
    register_client(services, {"phone_number": "79770000001"})
    add_clients(200)
    _announce(services)
    while messages := services.jobs_queue.receive():
        for message in messages:
            job = read_job(services, message.body, *KINDS)
            assert job is not None
            assert run_job(services, job, lambda: 60.0) is None
        services.jobs_queue.delete([message.receipt_handle for message in messages])
    assert services.messages.get(MessageKey(1, 1, 1)) is not None, "threads have written the rows"
    assert made["dynamodb"] == made["sqs"] == 1


def test_simultaneous_threads_wait_for_the_one_client(made: Counter[str]) -> None:
    with ThreadPoolExecutor(8) as threads:
        clients = list(threads.map(lambda _: aws.client("sqs"), range(8)))
    assert made == {"sqs": 1}
    assert all(one is clients[0] for one in clients)


def _announce(services: Services) -> None:
    now = services.clock.now()
    times = {"datetime_start": now, "datetime_end": now + timedelta(hours=1)}
    announce_mailing(services, {**times, "message_text": "text"})  # type: ignore[typeddict-item]
