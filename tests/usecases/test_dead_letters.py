"""What cannot be read is kept whole, and goes back to its own queue when a person says so."""

from __future__ import annotations

import json

from chalicelib.delivery.dead_letters import put_aside, put_back
from tests.fakes import FakeOutside

JOB = json.dumps({"job": "walk", "mailing": 1, "segment": 0, "new": True})
IMPORT = json.dumps({"import": 7, "new": True})
RECEIPTS = json.dumps({"receipts": [{"id": "new"}]})
MESSAGE = json.dumps({"mailing": 1, "client": "7"})


def bodies(queue: object) -> list[str]:
    return [delivery.body for delivery in vars(queue)["messages"].values()]


def test_each_goes_back_to_the_queue_that_it_came_from() -> None:
    outside = FakeOutside()
    put_aside(outside, [JOB, MESSAGE, IMPORT, RECEIPTS, "garbage", "[" * 100_000])
    assert put_back(outside, lambda: 60.0) == 6
    assert bodies(outside.receipts_queue) == [RECEIPTS]
    assert bodies(outside.imports_queue) == [IMPORT]
    assert bodies(outside.segments_queue) == [JOB]
    assert bodies(outside.send_queue) == [MESSAGE, "garbage", "[" * 100_000]
    assert outside.dead_letters.size() == 0


def test_any_number_of_them() -> None:
    outside = FakeOutside()
    put_aside(outside, [MESSAGE] * 25)
    assert put_back(outside, lambda: 60.0) == 25
    assert put_back(outside, lambda: 60.0) == 0


def test_what_returns_at_once_is_not_put_back_over_and_over() -> None:
    outside = FakeOutside()
    put_aside(outside, ["garbage"])
    outside.send_queue.send_raw = lambda body: outside.dead_letters.send_raw(body)  # type: ignore[method-assign]
    assert put_back(outside, lambda: 60.0) == 1
    assert bodies(outside.dead_letters) == ["garbage"]


def test_short_of_time_the_rest_stays_for_the_next_call() -> None:
    outside = FakeOutside()
    put_aside(outside, [MESSAGE] * 25)
    assert put_back(outside, iter([60.0, 60.0, 5.0]).__next__) == 20
    assert outside.dead_letters.size() == 5
