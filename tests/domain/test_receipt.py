from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.counts import Counts, counts_from_statuses
from chalicelib.domain.message import FINAL, STATUSES, Message, message_id
from chalicelib.domain.receipt import (
    NO_REASON,
    RECEIPT_STATUSES,
    Receipt,
    apply_receipt,
    clean_reason,
    merge_receipts,
    seconds_to_wait,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
POSTED = NOW - timedelta(minutes=1)
MESSAGE = Message(1, 7, "queued", NOW - timedelta(hours=1), attempts=1, doubts=1, posted_at=POSTED)
DELIVERED = Receipt(message_id(1, 7), "delivered", NOW)
UNDELIVERED = Receipt(message_id(1, 7), "undelivered", NOW, "absent subscriber")


@pytest.mark.parametrize(
    ("status", "delivered", "undelivered"),
    [
        ("queued", "delivered", "undelivered"),
        ("sent", "delivered", "undelivered"),
        ("unknown", "delivered", "undelivered"),
        ("expired", "delivered", "undelivered"),
        ("cancelled", "delivered", "undelivered"),
        ("failed", "delivered", "failed"),
        ("undelivered", "delivered", "undelivered"),
        ("delivered", "delivered", "delivered"),
    ],
)
def test_a_receipt_changes_the_status_of_a_message(status: str, delivered: str, undelivered: str) -> None:
    message = replace(MESSAGE, status=status)
    assert (apply_receipt(message, DELIVERED) or message).status == delivered
    assert (apply_receipt(message, UNDELIVERED) or message).status == undelivered


@pytest.mark.parametrize("status", ["queued", "expired"])
def test_a_report_of_a_refusal_changes_no_message_that_no_gateway_may_have(status: str) -> None:
    refused = replace(MESSAGE, status=status, doubts=0)
    assert apply_receipt(refused, UNDELIVERED) is None
    assert (apply_receipt(refused, DELIVERED) or refused).status == "delivered"


@pytest.mark.parametrize(
    ("of_message", "of_receipt", "undelivered"),
    [
        ("smsc", "smsc", "undelivered"),
        ("smsc", "vonage", "sent"),
        ("smsc", "", "undelivered"),
        ("", "smsc", "undelivered"),
    ],
)
def test_a_gateway_that_does_not_have_the_message_does_not_make_it_undelivered(
    of_message: str, of_receipt: str, undelivered: str
) -> None:
    message = replace(MESSAGE, status="sent", gateway=of_message)
    assert (apply_receipt(message, replace(UNDELIVERED, gateway=of_receipt)) or message).status == undelivered
    assert (apply_receipt(message, replace(DELIVERED, gateway=of_receipt)) or message).status == "delivered"


def test_the_reason_and_the_time_are_kept_and_a_delivery_clears_the_error() -> None:
    after = apply_receipt(replace(MESSAGE, claimed_until=1.0), UNDELIVERED)
    assert after is not None
    assert (str(after.last_error), after.reported_at) == ("Not delivered: absent subscriber", NOW)
    assert (after.sent_at, after.claimed_until) == (POSTED, None), "sent_at is the time of the post"
    later = apply_receipt(after, replace(DELIVERED, at=NOW + timedelta(hours=1)))
    assert later == replace(after, status="delivered", last_error=None, reported_at=NOW + timedelta(hours=1))
    silent = apply_receipt(MESSAGE, replace(UNDELIVERED, reason=""))
    assert silent is not None
    assert silent.last_error == NO_REASON


@pytest.mark.parametrize("status", STATUSES)
def test_a_receipt_for_a_message_that_was_never_posted_is_ignored(status: str) -> None:
    assert apply_receipt(replace(MESSAGE, status=status, attempts=0), DELIVERED) is None


def test_a_receipt_waits_while_the_post_is_under_way() -> None:
    claimed = replace(MESSAGE, claimed_until=NOW.timestamp() + 7.5)
    assert seconds_to_wait(claimed, NOW) == 8
    assert seconds_to_wait(claimed, NOW + timedelta(seconds=8)) is None
    assert seconds_to_wait(MESSAGE, NOW) is None
    for status in FINAL:
        assert seconds_to_wait(replace(claimed, status=status), NOW) is None


@given(st.lists(st.sampled_from(RECEIPT_STATUSES), min_size=1, max_size=5), st.sampled_from(STATUSES))
def test_the_order_and_number_of_receipts_do_not_matter(statuses: list[str], status: str) -> None:
    outcomes = set()
    for order in itertools.permutations(statuses):
        message = replace(MESSAGE, status=status)
        for one in order:
            message = apply_receipt(message, replace(DELIVERED, status=one)) or message
        outcomes.add(message.status)
    together = merge_receipts(replace(DELIVERED, status=one) for one in statuses)
    at_once = apply_receipt(replace(MESSAGE, status=status), *together)
    outcomes.add(at_once.status if at_once else status)
    assert len(outcomes) == 1


def test_one_receipt_per_message_is_kept() -> None:
    other = replace(DELIVERED, message_id=message_id(1, 8))
    assert merge_receipts([UNDELIVERED, other, DELIVERED, UNDELIVERED]) == [DELIVERED, other]


def test_the_receipts_of_two_gateways_are_kept() -> None:
    """One of them may not have the message."""
    smsc, vonage = (replace(UNDELIVERED, gateway=name) for name in ("smsc", "vonage"))
    assert merge_receipts([smsc, vonage, smsc]) == [smsc, vonage]


def test_a_receipt_belongs_to_a_mailing_and_a_client() -> None:
    assert (DELIVERED.key, DELIVERED.is_of_mailing) == ((1, 7), True)
    test_message = replace(DELIVERED, message_id=7)
    assert not test_message.is_of_mailing
    with pytest.raises(ValueError, match="no message's id"):
        _ = test_message.key


@pytest.mark.parametrize("number", ["79774053329", "+7 (977) 405-33-29", "8.977.405.33.29", "977 4053329"])
def test_possible_phone_numbers_in_a_reason_are_masked(number: str) -> None:
    assert clean_reason(f"no {number} here, error 1042") == "no *** here, error 1042"


def test_delivered_and_undelivered_messages_count_as_sent() -> None:
    counts = counts_from_statuses({"queued": 1, "sent": 2, "delivered": 3, "undelivered": 4, "failed": 5}, total=15)
    assert counts == Counts(total=15, sent=9, failed=5, delivered=3, undelivered=4)
    assert sum(counts.by_status().values()) == 15
    assert counts.with_receipts() == {**counts.by_status(), "delivered": 3, "undelivered": 4}
    assert counts + -counts == Counts()
