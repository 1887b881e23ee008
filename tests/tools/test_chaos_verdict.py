"""When a scenario of chaos holds: with a gateway that looks at ids, and with one that does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tools.chaos.audit import Verdict

GOOD = Verdict(
    clients=60, posts=60, repeated=0, may_repeat=10, lost=0, outside=0, unrecorded=0, is_counted=True, recovered_in=1.0
)
WITHOUT_IDS = replace(GOOD, dedupes=False, unclear=5)


@pytest.mark.parametrize("verdict", [GOOD, WITHOUT_IDS])
def test_a_lost_message_a_forbidden_post_and_a_wrong_count_never_hold(verdict: Verdict) -> None:
    assert verdict.is_good
    for wrong in ({"lost": 1}, {"outside": 1}, {"is_counted": False}):
        assert not replace(verdict, **wrong).is_good


def test_a_gateway_that_looks_at_ids_may_get_again_what_was_in_flight() -> None:
    assert replace(GOOD, repeated=6, unrecorded=4).is_good
    assert not replace(GOOD, repeated=6, unrecorded=5).is_good


def test_a_gateway_that_does_not_look_at_ids_gets_nothing_twice() -> None:
    assert not replace(WITHOUT_IDS, repeated=1).is_good


def test_without_ids_what_was_in_flight_or_without_a_clear_answer_may_be_unknown() -> None:
    assert replace(WITHOUT_IDS, unknown=15).is_good
    assert not replace(WITHOUT_IDS, unknown=16).is_good
    assert not replace(WITHOUT_IDS, unrecorded=1).is_good
