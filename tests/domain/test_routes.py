"""A message that a gateway may have is posted again to that gateway only, and only if it accepts an id once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chalicelib.domain.message import Message
from chalicelib.domain.routes import Routes

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DOUBTFUL = Message(1, 7, "queued", NOW, attempts=1, doubts=1, gateway="first")
FIRST = Routes(("first",), frozenset({"first"}))


@pytest.mark.parametrize(
    ("routes", "is_left"),
    [
        (FIRST, False),
        (Routes(("first",)), True),
        (Routes(("second",), frozenset({"second"})), True),
        (Routes(("second", "first"), frozenset({"first", "second"})), False),
        (Routes(("second", "first"), frozenset({"second"})), True),
    ],
)
def test_a_message_is_left_in_doubt_unless_its_gateway_makes_a_repetition_safe(routes: Routes, is_left: bool) -> None:
    assert routes.leave_in_doubt(DOUBTFUL, NOW) is is_left


def test_a_row_of_an_earlier_version_is_at_the_only_gateway_there_was() -> None:
    earlier = replace(DOUBTFUL, gateway="")
    assert FIRST.gateway_of(earlier) == "first"
    assert not FIRST.leave_in_doubt(earlier, NOW)
    two = Routes(("first", "second"), frozenset({"first", "second"}))
    assert two.leave_in_doubt(earlier, NOW), "either of them may have it"


def test_a_message_without_doubts_or_under_way_or_with_a_status_is_in_no_doubt() -> None:
    none = Routes(("first",))
    under_way = replace(DOUBTFUL, claimed_until=NOW.timestamp() + 1)
    for message in (replace(DOUBTFUL, doubts=0), under_way, replace(DOUBTFUL, status="sent")):
        assert not none.leave_in_doubt(message, NOW)
