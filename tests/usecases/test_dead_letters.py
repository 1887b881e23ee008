"""Dead letters are kept unchanged, and a person can move them back to their queues."""

from __future__ import annotations

import json

from chalicelib.delivery.dead_letters import read_job, send_to_dead_letters
from chalicelib.delivery.redrive import redrive
from chalicelib.domain.job_bodies import to_body
from chalicelib.domain.jobs import ImportClients, SendMessage
from infra.local.doubles.fakes import FakeServices

JOB = json.dumps({"job": "walk_slice", "mailing_id": 1, "new": True})
IMPORT = json.dumps({"job": "import_clients", "new": True})
RECEIPTS = json.dumps({"job": "settle_receipts", "receipts": [{"id": "new"}]})
INBOUND = json.dumps({"originationNumber": "+79774053329", "messageBody": "STOP"})
MESSAGE = json.dumps({"job": "send_message", "mailing_id": 1, "client_id": "7"})


def bodies(queue: object) -> list[str]:
    return [delivery.body for delivery in vars(queue)["messages"].values()]


def test_each_dead_letter_returns_to_its_own_queue() -> None:
    services = FakeServices()
    for body in (JOB, MESSAGE, IMPORT, RECEIPTS, INBOUND, "garbage", "[" * 100_000):
        assert read_job(services, body, SendMessage) is None
    assert redrive(services, lambda: 60.0) == 7
    assert bodies(services.receipts_queue) == [RECEIPTS, INBOUND]
    assert bodies(services.imports_queue) == [IMPORT]
    assert bodies(services.jobs_queue) == [JOB]
    assert bodies(services.send_queue) == [MESSAGE, "garbage", "[" * 100_000]
    assert services.dead_letters.size() == 0


def test_any_number_of_dead_letters_is_returned() -> None:
    services = FakeServices()
    for _ in range(25):
        send_to_dead_letters(services, MESSAGE)
    assert redrive(services, lambda: 60.0) == 25
    assert redrive(services, lambda: 60.0) == 0


def test_a_dead_letter_that_comes_back_at_once_is_returned_only_once() -> None:
    services = FakeServices()
    send_to_dead_letters(services, "garbage")
    services.send_queue.send_body = lambda body: services.dead_letters.send_body(body)  # type: ignore[method-assign]
    assert redrive(services, lambda: 60.0) == 1
    assert bodies(services.dead_letters) == ["garbage"]


def test_without_time_the_remaining_dead_letters_stay_for_the_next_call() -> None:
    services = FakeServices()
    for _ in range(25):
        send_to_dead_letters(services, MESSAGE)
    assert redrive(services, iter([60.0, 60.0, 5.0]).__next__) == 20
    assert services.dead_letters.size() == 5


def test_a_job_of_another_queue_is_invalid() -> None:
    services = FakeServices()
    body = to_body(ImportClients(7))
    assert read_job(services, body, SendMessage) is None
    assert bodies(services.dead_letters) == [body]
    assert read_job(services, body, SendMessage, ImportClients) == ImportClients(7)
