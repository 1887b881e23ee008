"""A provider is asked about a message a few times, at growing ages."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.queues import MAX_VISIBILITY
from chalicelib.domain.asking import ASKED_AT, FIRST_WAIT, seconds_until_asked
from chalicelib.domain.job_bodies import from_body, to_body
from chalicelib.domain.jobs import Asked, AskReceipts

POSTED_AT = 1_795_500_000.0


def test_no_question_waits_longer_than_a_queue_message_can() -> None:
    assert FIRST_WAIT <= 900, "the longest delay of a new queue message"
    assert max(later - earlier for earlier, later in pairwise(ASKED_AT)) < MAX_VISIBILITY


@given(st.integers(0, 200_000))
def test_each_age_is_asked_at_once(age: int) -> None:
    wait = seconds_until_asked(POSTED_AT, POSTED_AT + age)
    if wait is None:
        assert age >= ASKED_AT[-1]
    else:
        assert [at for at in ASKED_AT if age < at < age + wait] == [age + wait - 1]


@pytest.mark.parametrize("name", ["", "a,b", "a b", "0" * 65, "\u0661"])
def test_an_id_that_could_break_a_list_of_ids_is_no_id(name: str) -> None:
    body = to_body(AskReceipts("smsru", 1, (Asked(1, "%s"),)))
    assert from_body(body % "000000-1") is not None
    assert from_body(body % name) is None
    assert from_body((body % "000000-1").replace("smsru", "SMS RU")) is None
