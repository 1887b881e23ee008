"""What cannot be read is kept whole, and goes back to its own queue when a person says so."""

from __future__ import annotations

import json

from chalicelib.delivery.dead_letters import redrive, send_to_dead_letters
from tests.fakes import FakeServices

JOB = json.dumps({"job": "walk", "mailing": 1, "slice": 0, "new": True})
IMPORT = json.dumps({"import": 7, "new": True})
RECEIPTS = json.dumps({"receipts": [{"id": "new"}]})
MESSAGE = json.dumps({"mailing": 1, "client": "7"})


def bodies(queue: object) -> list[str]:
    return [delivery.body for delivery in vars(queue)["messages"].values()]


def test_each_goes_back_to_the_queue_that_it_came_from() -> None:
    services = FakeServices()
    send_to_dead_letters(services, [JOB, MESSAGE, IMPORT, RECEIPTS, "garbage", "[" * 100_000])
    assert redrive(services, lambda: 60.0) == 6
    assert bodies(services.receipts_queue) == [RECEIPTS]
    assert bodies(services.imports_queue) == [IMPORT]
    assert bodies(services.jobs_queue) == [JOB]
    assert bodies(services.send_queue) == [MESSAGE, "garbage", "[" * 100_000]
    assert services.dead_letters.size() == 0


def test_any_number_of_them() -> None:
    services = FakeServices()
    send_to_dead_letters(services, [MESSAGE] * 25)
    assert redrive(services, lambda: 60.0) == 25
    assert redrive(services, lambda: 60.0) == 0


def test_what_returns_at_once_is_not_put_back_over_and_over() -> None:
    services = FakeServices()
    send_to_dead_letters(services, ["garbage"])
    services.send_queue.send_raw = lambda body: services.dead_letters.send_raw(body)  # type: ignore[method-assign]
    assert redrive(services, lambda: 60.0) == 1
    assert bodies(services.dead_letters) == ["garbage"]


def test_short_of_time_the_rest_stays_for_the_next_call() -> None:
    services = FakeServices()
    send_to_dead_letters(services, [MESSAGE] * 25)
    assert redrive(services, iter([60.0, 60.0, 5.0]).__next__) == 20
    assert services.dead_letters.size() == 5
