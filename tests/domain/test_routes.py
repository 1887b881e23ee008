"""A message that a gateway may have is posted again to that gateway only, and only if it accepts an id once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chalicelib.domain.message import Message
from chalicelib.domain.routes import Routes
from chalicelib.texts import Text

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


BOTH = Routes(("first", "second"), codes={"first": frozenset({"900"})})
MOVED = replace(DOUBTFUL, doubts=0, last_error=Text("gateway.answered", status=503))


@pytest.mark.parametrize(
    ("gateway", "tried_at", "attempts", "is_first"),
    [
        ("first", "", 1, True),
        ("second", "", 1, True),
        ("second", "first", 2, True),
        ("first", "first", 2, False),
        ("first", "second", 3, False),
        ("second", "first", 4, False),
        ("first", "", 2, False),
    ],
)
def test_a_message_has_one_first_attempt_at_each_gateway(
    gateway: str, tried_at: str, attempts: int, is_first: bool
) -> None:
    claimed = replace(DOUBTFUL, attempts=attempts + 3, attempts_before=3, gateway=gateway)
    leg = BOTH.leg_of("900", claimed, tried_at)
    assert (leg.is_first, leg.is_last) == (is_first, gateway == "second")


def test_after_a_clear_failure_the_gateways_behind_come_first_and_one_that_refused_for_good_last() -> None:
    assert BOTH.next_for("900", None) == ("first", "second")
    assert BOTH.next_for("900", MOVED) == ("second", "first")
    assert BOTH.next_for("900", replace(MOVED, gateway="second")) == ("first", "second")
    refused = replace(MOVED, last_error=Text("gateway.message_refused", status=400))
    assert BOTH.next_for("900", refused) == ("second",)
    assert BOTH.next_for("900", replace(refused, gateway="second")) == ("first", "second")
    assert BOTH.next_for("950", refused) == ("second",)


def test_an_unknown_message_that_is_sent_again_goes_to_its_gateway_and_others_begin_anew() -> None:
    resent = replace(MOVED, gateway="second", attempts=5, attempts_before=5, reopened_from="unknown")
    assert (BOTH.next_for("900", resent), BOTH.tried_at(resent)) == (("second", "first"), "")
    assert BOTH.next_for("900", replace(resent, gateway="third")) == ("first", "second")
    assert BOTH.next_for("900", replace(resent, attempts=6)) == ("first", "second"), "it failed there again"
    assert BOTH.next_for("900", replace(resent, gateway="first", reopened_from="failed")) == ("first", "second")


def test_a_message_in_doubt_is_at_its_gateway_and_if_that_is_gone_at_none() -> None:
    assert BOTH.next_for("900", replace(DOUBTFUL, gateway="second")) == ("second",)
    gone = replace(DOUBTFUL, gateway="third")
    assert BOTH.next_for("900", gone) == ("first", "second")
    assert BOTH.leave_in_doubt(gone, NOW), "so a claim for these is refused"


@pytest.mark.parametrize(("address", "is_left"), [("", False), ("1a", False), ("2b", True)])
def test_a_gateway_at_another_address_is_another_gateway(address: str, is_left: bool) -> None:
    routes = replace(FIRST, addresses={"first": "1a"})
    assert routes.leave_in_doubt(replace(DOUBTFUL, address=address), NOW) is is_left
