"""A group of receipts is written together with its counts, or nothing is written."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.delivery.receipts import GROUP
from chalicelib.domain.audience import Plan
from chalicelib.domain.counts import Counts
from chalicelib.domain.decisions import ended
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.message import NO_ANSWER as IN_DOUBT
from chalicelib.domain.message import Message, MessageKey, message_id
from chalicelib.domain.receipt import Receipt, apply_receipt
from chalicelib.domain.rounds import concluded
from chalicelib.errors import RowChanged
from chalicelib.texts import Text

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MAILING = Mailing(1, NOW, NOW + timedelta(hours=1), "text", status="running", plan=Plan("block", 5000, 3, 2))
DELIVERED = Counts(delivered=1)
NO_ANSWER = Text("gateway.silent", error="ReadTimeout")


@pytest.fixture
def sent(services: Any) -> list[Message]:
    """Clients 1 to 3 of a running mailing. The first two messages are sent."""
    services.mailings.add(MAILING)
    services.messages.add([Message(1, client_id, "queued", NOW, shards=2) for client_id in (1, 2, 3)], NOW)
    for client_id in (1, 2):
        claimed = services.messages.claim(MessageKey(1, client_id, 2), NOW, NOW + timedelta(seconds=9))
        services.messages.settle(claimed, "sent", NOW)
    services.mailings.add_counts(1, Counts(total=3, sent=2), NOW)
    return [services.messages.get(MessageKey(1, client_id, 2)) for client_id in (1, 2, 3)]


def change(message: Message, status: str = "delivered") -> tuple[Message, Message]:
    after = apply_receipt(message, Receipt(message_id(1, message.client_id), status, NOW + timedelta(minutes=1), "off"))
    assert after is not None
    return message, after


def test_messages_and_counts_are_written_together(services: Any, sent: list[Message]) -> None:
    changes = [change(sent[0]), change(sent[1], "undelivered")]
    services.receipts.record(MAILING, changes, Counts(delivered=1, undelivered=1))
    assert [services.messages.get(MessageKey(1, client_id, 2)) for client_id in (1, 2)] == [
        after for _, after in changes
    ]
    found = services.mailings.get(1)
    assert found.counts == Counts(total=3, sent=2, delivered=1, undelivered=1)
    assert (found.version, found.receipts_version, found.first_valid_round) == (MAILING.version, 1, 0)
    assert services.counters.totals() == (1, Counts()), "the mailing has not ended"


def test_one_message_that_changed_meanwhile_stops_the_whole_group(services: Any, sent: list[Message]) -> None:
    services.receipts.record(MAILING, [change(sent[1])], DELIVERED)
    with pytest.raises(RowChanged):
        services.receipts.record(MAILING, [change(sent[0]), change(sent[1])], Counts(delivered=2))
    assert services.messages.get(MessageKey(1, 1, 2)) == sent[0]
    assert services.mailings.get(1).counts.delivered == 1


def test_a_message_claimed_meanwhile_is_not_changed(services: Any, sent: list[Message]) -> None:
    posted = replace(sent[2], attempts=1)
    services.messages.claim(MessageKey(1, 3, 2), NOW, NOW + timedelta(seconds=9))
    services.messages.end_claim(services.messages.get(MessageKey(1, 3, 2)), NO_ANSWER)
    services.messages.claim(MessageKey(1, 3, 2), NOW, NOW + timedelta(seconds=9))
    with pytest.raises(RowChanged):
        services.receipts.record(MAILING, [change(posted)], Counts(sent=1, delivered=1))
    assert services.messages.get(MessageKey(1, 3, 2)).status == "queued"


def test_after_the_end_the_totals_are_changed_too(services: Any, sent: list[Message]) -> None:
    running = services.mailings.get(1)
    finished = services.mailings.end(running, ended(running, Counts(total=3, sent=2, unknown=1), NOW))
    with pytest.raises(RowChanged):
        services.receipts.record(running, [change(sent[0])], DELIVERED)
    services.receipts.record(finished, [change(sent[0])], DELIVERED)
    counts = Counts(total=3, sent=2, unknown=1, delivered=1)
    assert services.mailings.get(1).counts == counts
    assert services.counters.totals() == (1, counts)
    with pytest.raises(RowChanged):
        services.mailings.remove(finished)
    services.mailings.remove(services.mailings.get(1))
    assert services.counters.totals() == (0, Counts())
    with pytest.raises(RowChanged):
        services.receipts.record(finished, [change(sent[1])], DELIVERED)
    assert services.mailings.get(1) is None


def test_the_end_keeps_the_counts_of_receipts(services: Any, sent: list[Message]) -> None:
    running = services.mailings.get(1)
    services.receipts.record(running, [change(sent[0])], DELIVERED)
    with pytest.raises(RowChanged):
        services.mailings.end(running, ended(running, Counts(total=2, sent=2), NOW))
    running = services.mailings.get(1)
    services.mailings.end(running, ended(running, Counts(total=2, sent=2), NOW))
    assert services.mailings.get(1).counts == Counts(total=2, sent=2, delivered=1)
    assert services.counters.totals() == (1, Counts(total=2, sent=2, delivered=1))


def test_a_receipt_that_proves_a_post_invalidates_the_rounds_under_way(services: Any, sent: list[Message]) -> None:
    claimed = services.messages.claim(MessageKey(1, 3, 2), NOW, NOW + timedelta(seconds=9))
    services.messages.settle(claimed, "unknown", NOW, IN_DOUBT)
    services.mailings.add_counts(1, Counts(unknown=1), NOW)
    begun = services.mailings.begin_round(services.mailings.get(1), NOW)
    before = services.messages.get(MessageKey(1, 3, 2))
    services.receipts.record(begun, [change(before)], Counts(sent=1, unknown=-1, delivered=1))
    found = services.mailings.get(1)
    assert found.counts == Counts(total=3, sent=3, delivered=1)
    assert found.first_valid_round == begun.rounds + 1


def test_a_round_that_corrects_the_counts_keeps_a_receipt_that_is_counted_meanwhile(
    services: Any, sent: list[Message]
) -> None:
    """The receipt does not change the version that the round compares: what both add is right together."""
    claimed = services.messages.claim(MessageKey(1, 3, 2), NOW, NOW + timedelta(seconds=9))
    services.messages.settle(claimed, "unknown", NOW, IN_DOUBT)  # and the sender died before it counted
    services.mailings.begin_round(services.mailings.get(1), NOW + timedelta(minutes=5))
    read = services.mailings.get(1)
    before = services.messages.get(MessageKey(1, 3, 2))
    services.receipts.record(read, [change(before)], Counts(sent=1, unknown=-1, delivered=1))
    services.mailings.conclude_round(read, concluded(read, Counts(total=3, sent=2, unknown=1), 0))
    assert services.mailings.get(1).counts == Counts(total=3, sent=3, delivered=1)


def test_a_whole_group_fits_into_a_transaction(services: Any) -> None:
    client_ids = range(1, GROUP + 1)
    services.mailings.add(MAILING)
    services.messages.add([Message(1, client_id, "queued", NOW, shards=2) for client_id in client_ids], NOW)
    for client_id in client_ids:
        claimed = services.messages.claim(MessageKey(1, client_id, 2), NOW, NOW + timedelta(seconds=9))
        services.messages.settle(claimed, "sent", NOW)
    finished = services.mailings.end(MAILING, ended(MAILING, Counts(total=GROUP, sent=GROUP), NOW))
    rows = services.messages.existing(MessageKey(1, one, 2) for one in client_ids).values()
    services.receipts.record(finished, [change(row) for row in rows], Counts(delivered=GROUP))
    assert services.mailings.get(1).counts.delivered == GROUP
