from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.admission import Admission, Mend, admit, mend, seconds_for_post
from chalicelib.domain.client import MAX_CLIENT_ID, Client
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.message import FINAL, MAY_BECOME, STATUSES, Message, message_id, shard_of

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ANNA = Client(7, "79770000007")
RUNNING = Mailing(1, NOW - HOUR, NOW + HOUR, "text", status="running")
MESSAGE = Message(1, 7, "queued", NOW)
pairs = st.tuples(st.integers(1, 900_000_000), st.integers(1, MAX_CLIENT_ID))


@given(pairs, pairs)
def test_an_id_is_an_int64_that_only_one_mailing_and_client_have(one: tuple[int, int], other: tuple[int, int]) -> None:
    assert 0 < message_id(*one) < 2**63
    assert (message_id(*one) == message_id(*other)) == (one == other)


def test_an_id_can_be_read_by_people() -> None:
    assert message_id(12, 345) == 120_000_000_345


@pytest.mark.parametrize("client_id", [0, -1, MAX_CLIENT_ID + 1])
def test_an_id_that_would_run_into_another_mailings_is_refused(client_id: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        message_id(1, client_id)


@given(st.integers(1, MAX_CLIENT_ID), st.integers(1, 64))
def test_a_message_has_one_shard(client_id: int, shards: int) -> None:
    assert 0 <= shard_of(client_id, shards) < shards


def test_final_is_what_nothing_follows_but_the_resumption_of_the_expired() -> None:
    assert set(MAY_BECOME) == set(STATUSES)
    assert {status for status in FINAL if MAY_BECOME[status]} == {"expired"}
    assert MAY_BECOME["expired"] == {"queued"}


@pytest.mark.parametrize(
    ("mailing", "client", "admission"),
    [
        (RUNNING, ANNA, Admission.POST),
        (None, ANNA, Admission.DROP),
        (None, None, Admission.DROP),
        (RUNNING, None, Admission.CANCEL),
        (replace(RUNNING, status="cancelled"), ANNA, Admission.CANCEL),
        (replace(RUNNING, datetime_end=NOW), ANNA, Admission.EXPIRE),
        (replace(RUNNING, status="paused"), ANNA, Admission.WAIT),
        (replace(RUNNING, status="paused", datetime_end=NOW), ANNA, Admission.EXPIRE),
        (replace(RUNNING, datetime_start=NOW + HOUR / 2), ANNA, Admission.WAIT),
        (replace(RUNNING, status="finished"), ANNA, Admission.POST),
    ],
)
def test_a_message_is_admitted_while_its_mailing_runs_and_its_client_is_there(
    mailing: Mailing | None, client: Client | None, admission: Admission
) -> None:
    assert admit(mailing, client, NOW) == admission


def test_a_post_lasts_no_longer_than_the_mailing_or_the_invocation() -> None:
    assert seconds_for_post(RUNNING, NOW, 10, 50) == 10
    assert seconds_for_post(RUNNING, NOW, 10, 4) == 4
    assert seconds_for_post(replace(RUNNING, datetime_end=NOW + timedelta(seconds=3)), NOW, 10, 50) == 3


OVER = replace(RUNNING, datetime_end=NOW)


@pytest.mark.parametrize(
    ("status", "mailing", "requeue", "expected"),
    [
        ("queued", RUNNING, False, None),
        ("queued", RUNNING, True, Mend.REQUEUE),
        ("queued", OVER, False, Mend.EXPIRE),
        ("queued", replace(RUNNING, status="paused"), True, None),
        ("expired", RUNNING, False, Mend.REVIVE),
        ("expired", OVER, True, None),
        ("sent", OVER, True, None),
        ("failed", RUNNING, True, None),
        ("cancelled", RUNNING, True, None),
    ],
)
def test_a_recount_mends_what_is_not_where_it_should_be(
    status: str, mailing: Mailing, requeue: bool, expected: Mend | None
) -> None:
    assert mend(replace(MESSAGE, status=status), mailing, NOW, requeue) == expected


@pytest.mark.parametrize("mailing", [RUNNING, OVER])
def test_a_message_in_an_attempts_hands_is_left_alone(mailing: Mailing) -> None:
    claimed = replace(MESSAGE, claimed_until=NOW.timestamp() + 1)
    assert mend(claimed, mailing, NOW, requeue=True) is None
