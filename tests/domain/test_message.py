from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.admission import Admission, Repair, admit, repair_for, seconds_for_post
from chalicelib.domain.client import MAX_CLIENT_ID, Client
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.message import (
    ACCEPTED,
    FINAL,
    MAY_BECOME,
    RESENDABLE,
    STATUSES,
    Message,
    MessageKey,
    message_id,
    read_message_id,
    require_transition,
    statuses_listed_as,
)
from chalicelib.domain.rounds import QUEUE_ALL
from chalicelib.domain.routes import Routes
from chalicelib.zones import zone

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ANNA = Client(7, "79770000007")
RUNNING = Mailing(1, NOW - HOUR, NOW + HOUR, "text", status="running")
NOT_DEDUPING = Routes(("contract",))
DEDUPING = Routes(("contract",), frozenset({"contract"}))
MESSAGE = Message(1, 7, "queued", NOW)
pairs = st.tuples(st.integers(1, 900_000_000), st.integers(1, MAX_CLIENT_ID))


@given(pairs, pairs)
def test_an_id_is_an_int64_and_unique_for_a_mailing_and_a_client(one: tuple[int, int], other: tuple[int, int]) -> None:
    assert 0 < message_id(*one) < 2**63
    assert (message_id(*one) == message_id(*other)) == (one == other)


def test_an_id_shows_the_ids_of_the_mailing_and_the_client() -> None:
    assert message_id(12, 345) == 120_000_000_345


@pytest.mark.parametrize("client_id", [0, -1, MAX_CLIENT_ID + 1])
def test_a_client_id_that_would_change_the_mailing_is_refused(client_id: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        message_id(1, client_id)


@given(st.integers(1, MAX_CLIENT_ID), st.integers(1, 64))
def test_a_message_has_one_shard(client_id: int, shards: int) -> None:
    assert 0 <= MessageKey(1, client_id, shards).shard.number < shards


def test_a_final_status_changes_only_by_a_receipt_or_a_resend() -> None:
    assert set(MAY_BECOME) == set(STATUSES)
    assert {status for status in FINAL if "queued" in MAY_BECOME[status]} == set(RESENDABLE)
    assert all(MAY_BECOME[status] - {"queued"} <= {"delivered", "undelivered"} for status in FINAL)


def test_a_delivered_message_stays_delivered_and_an_accepted_one_is_never_sent_again() -> None:
    assert MAY_BECOME["delivered"] == set()
    assert MAY_BECOME["undelivered"] == {"delivered"}
    assert not set(ACCEPTED) & set(RESENDABLE)


@given(pairs)
def test_an_id_can_be_split_into_mailing_and_client(pair: tuple[int, int]) -> None:
    assert read_message_id(message_id(*pair)) == pair


@pytest.mark.parametrize("number", [0, -1, 7, 10**10, 5 * 10**10, 2**63, 10**40, -(10**12)])
def test_an_invalid_message_id_has_no_mailing(number: int) -> None:
    assert read_message_id(number) is None


def test_the_list_of_sent_messages_includes_delivered_and_undelivered_ones() -> None:
    assert statuses_listed_as("sent") == ("sent", "delivered", "undelivered")
    assert statuses_listed_as("delivered") == ("delivered",)


@pytest.mark.parametrize("before", STATUSES)
@pytest.mark.parametrize("after", STATUSES)
def test_only_the_transitions_of_the_table_are_allowed(before: str, after: str) -> None:
    if after in MAY_BECOME[before]:
        require_transition(before, after)
    else:
        with pytest.raises(ValueError, match="cannot become"):
            require_transition(before, after)


@pytest.mark.parametrize(
    ("mailing", "client", "admission"),
    [
        (RUNNING, ANNA, Admission.POST),
        (None, ANNA, Admission.DROP),
        (None, None, Admission.DROP),
        (RUNNING, None, Admission.CANCEL),
        (RUNNING, replace(ANNA, opted_out_at=NOW), Admission.CANCEL),
        (None, replace(ANNA, opted_out_at=NOW), Admission.DROP),
        (replace(RUNNING, status="cancelled"), replace(ANNA, opted_out_at=NOW), Admission.HOLD),
        (replace(RUNNING, status="paused"), replace(ANNA, opted_out_at=NOW), Admission.CANCEL),
        (replace(RUNNING, status="cancelled"), ANNA, Admission.HOLD),
        (replace(RUNNING, status="cancelled"), None, Admission.HOLD),
        (replace(RUNNING, datetime_end=NOW), ANNA, Admission.EXPIRE),
        (replace(RUNNING, status="paused"), ANNA, Admission.HOLD),
        (replace(RUNNING, status="paused", datetime_end=NOW), ANNA, Admission.EXPIRE),
        (replace(RUNNING, datetime_start=NOW + HOUR / 2), ANNA, Admission.WAIT),
        (replace(RUNNING, status="finished"), ANNA, Admission.POST),
    ],
)
def test_a_message_is_admitted_while_its_mailing_runs_and_its_client_exists(
    mailing: Mailing | None, client: Client | None, admission: Admission
) -> None:
    assert admit(mailing, client, NOW, zone).admission == admission


def test_a_post_ends_before_the_mailing_and_the_invocation() -> None:
    assert seconds_for_post(RUNNING, NOW, 10, 50) == 10
    assert seconds_for_post(RUNNING, NOW, 10, 4) == 4
    assert seconds_for_post(replace(RUNNING, datetime_end=NOW + timedelta(seconds=3)), NOW, 10, 50) == 3


OVER = replace(RUNNING, datetime_end=NOW)
STOPPED = replace(RUNNING, status="cancelled")
RESUMED = replace(RUNNING, requeue=True)
ORDERED = replace(RUNNING, resend=("failed",), resends=2)


@pytest.mark.parametrize(
    ("status", "mailing", "requeues", "expected"),
    [
        ("queued", RUNNING, False, None),
        ("queued", RUNNING, True, Repair.REQUEUE),
        ("queued", OVER, False, Repair.EXPIRE),
        ("queued", replace(RUNNING, status="paused"), True, None),
        ("expired", RUNNING, False, Repair.REOPEN),
        ("expired", OVER, True, None),
        ("sent", OVER, True, None),
        ("failed", RUNNING, True, None),
        ("cancelled", RUNNING, True, None),
        ("unknown", RUNNING, True, None),
        ("queued", RESUMED, False, Repair.REQUEUE),
        ("queued", replace(RESUMED, status="paused"), False, None),
        ("queued", STOPPED, False, Repair.CANCEL),
        ("expired", STOPPED, False, None),
        ("failed", ORDERED, False, Repair.REOPEN),
        ("unknown", ORDERED, False, None),
        ("failed", replace(ORDERED, datetime_end=NOW), False, None),
    ],
)
def test_a_reconciliation_round_repairs_messages_in_a_wrong_state(
    status: str, mailing: Mailing, requeues: bool, expected: Repair | None
) -> None:
    mailing = replace(mailing, round_requeues=QUEUE_ALL if requeues else "")
    assert repair_for(replace(MESSAGE, status=status), mailing, NOW, DEDUPING) == expected


def test_a_resend_order_reopens_each_message_once() -> None:
    assert repair_for(replace(MESSAGE, status="failed", resends=1), ORDERED, NOW, DEDUPING) == Repair.REOPEN
    assert repair_for(replace(MESSAGE, status="failed", resends=2), ORDERED, NOW, DEDUPING) is None


def test_an_order_that_waits_beside_a_newer_one_is_only_for_what_it_has_not_reopened() -> None:
    mailing = replace(ORDERED, resend=("1#unknown", "failed"))
    for status, resends, expected in (
        ("unknown", 0, Repair.REOPEN),
        ("unknown", 1, None),
        ("failed", 1, Repair.REOPEN),
        ("failed", 2, None),
    ):
        assert repair_for(replace(MESSAGE, status=status, resends=resends), mailing, NOW, DEDUPING) == expected


def test_a_reopened_message_is_queued_until_its_round_is_concluded() -> None:
    """The turn may have ended between the row and its queue message."""
    reopened = replace(MESSAGE, reopened_in=3)
    for rounds in (3, 4):
        assert (
            repair_for(reopened, replace(RUNNING, rounds=rounds, concluded_rounds=2), NOW, DEDUPING) == Repair.REQUEUE
        )
    assert repair_for(reopened, replace(RUNNING, rounds=4, concluded_rounds=3), NOW, DEDUPING) is None


@pytest.mark.parametrize("mailing", [RUNNING, OVER, STOPPED, RESUMED])
def test_a_claimed_message_is_not_repaired(mailing: Mailing) -> None:
    claimed = replace(MESSAGE, claimed_until=NOW.timestamp() + 1)
    assert repair_for(claimed, replace(mailing, round_requeues=QUEUE_ALL), NOW, NOT_DEDUPING) is None


@pytest.mark.parametrize("mailing", [RUNNING, OVER, STOPPED, RESUMED])
def test_an_attempt_without_an_outcome_becomes_unknown_if_the_gateway_does_not_deduplicate(mailing: Mailing) -> None:
    silent = replace(MESSAGE, claimed_until=NOW.timestamp() - 1, doubts=1)
    assert repair_for(silent, mailing, NOW, NOT_DEDUPING) == Repair.MARK_UNKNOWN
    assert repair_for(silent, mailing, NOW, DEDUPING) != Repair.MARK_UNKNOWN
