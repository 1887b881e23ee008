"""Writes that meet a transaction are repeated: what people and the fan-out do succeeds while receipts flow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from chalicelib.access.audit import author_of
from chalicelib.access.sessions import end_all_sessions
from chalicelib.delivery.fanout import walk_slice
from chalicelib.delivery.receipts import settle_receipts
from chalicelib.delivery.reconcile import reconcile_shard
from chalicelib.delivery.rounds import request_reconciliation
from chalicelib.domain.audience import Plan
from chalicelib.domain.audit_record import Author
from chalicelib.domain.client import CLIENT_ID, Client
from chalicelib.domain.counts import Counts
from chalicelib.domain.job_bodies import to_body
from chalicelib.domain.jobs import ReconcileShard, SettleReceipts
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.message import Message
from chalicelib.domain.principal import ADMIN, READ, Principal, Token, User
from chalicelib.domain.receipt import Receipt
from chalicelib.errors import NotWritten, RowChanged
from chalicelib.mailings.lifecycle import (
    cancel_mailing,
    delete_mailing,
    get_mailing,
    pause_mailing,
    resend_mailing,
    resume_mailing,
)
from infra.local.doubles.aws import STACK_NAME, make_queues, make_services_over_tables
from infra.local.doubles.held_items import BusyClock, HeldItems
from infra.local.doubles.inline_pool import InlinePool
from infra.local.in_process import State, ministack_in_process

CLIENTS = 3
PLAN = Plan("block", 5000, 1, 1)
PERIOD = 0.04
"""Seconds between two groups of receipts. Their transactions hold the mailing three quarters of the time."""

PATIENCE = 5.0
MAILINGS = f"{STACK_NAME}-mailings"


@pytest.fixture
def services(new_stack: State) -> Iterator[Any]:
    with ministack_in_process(new_stack):
        services: Any = make_services_over_tables(make_queues(), sender_threads=1)
        services.clock = BusyClock()
        services.thread_pool = lambda _: InlinePool()
        yield services


@pytest.fixture
def held(services: Any) -> Iterator[HeldItems]:
    with HeldItems(services.clock).installed() as held:
        yield held


def running(services: Any, number: int = 1) -> Mailing:
    now = services.clock.now()
    mailing = Mailing(number, now, now + timedelta(hours=1), "text", status="running", plan=PLAN)
    services.mailings.add(mailing)
    services.clock.forward(1)
    return mailing


def sent(services: Any) -> Mailing:
    """A mailing whose messages are all sent. It has not ended yet."""
    mailing, now = running(services), services.clock.now()
    services.messages.add([Message(1, number + 1, "queued", now, shards=1) for number in range(CLIENTS)], now)
    for row in rows_of(services, mailing):
        services.messages.settle(services.messages.claim(row.key, now, now), "sent", now)
    services.mailings.mark_fanned_out(1, CLIENTS, now)
    return services.mailings.add_counts(1, Counts(sent=CLIENTS), now)  # type: ignore[no-any-return]


def rows_of(services: Any, mailing: Mailing) -> list[Message]:
    shards = [mailing.message_shard(number) for number in range(mailing.started_plan.shards)]
    return [row for shard in shards for row in services.messages.page(shard, 0, 1000)]


def begin_receipts(services: Any, mailing: Mailing, held: HeldItems) -> None:
    """From now on groups of receipts are recorded all the time. The last ones change no message.

    Of those most only hold the row of the mailing, which is what others meet, because an emulator is slow.
    """
    numbers = count()
    ids = [row.id for row in rows_of(services, mailing)]
    left = [(number, status) for status in ("undelivered", "delivered") for number in ids]

    def record() -> None:
        if left:
            receipt = Receipt(*left[0], services.clock.now(), "")
            settle_receipts(services, [to_body(SettleReceipts((receipt,)))], lambda: 60.0)
            left.pop(0)
            return
        if next(numbers) % 5:
            held.hold(MAILINGS, {"id": {"N": str(mailing.id)}})
            return
        with suppress(RowChanged):  # the mailing has ended or is deleted
            services.receipts.record(mailing, [], Counts())

    services.clock.begin_acting(record, PERIOD)


def add_a_page(services: Any, mailing: Mailing) -> None:
    assert services.mailings.add_counts(mailing.id, Counts(total=1000), services.clock.now()) is not None


def end_receipts(services: Any) -> None:
    services.clock.end_acting()
    services.clock.forward(1)


def author(services: Any) -> Author:
    return author_of(services, "anna")


def reconcile(services: Any, mailing: Mailing) -> None:
    request_reconciliation(services, get_mailing(services, mailing.id))
    number = get_mailing(services, mailing.id).rounds
    for shard in range(mailing.started_plan.shards):
        assert reconcile_shard(services, ReconcileShard(mailing.id, number, shard), lambda: 60.0)


def seconds_of(services: Any, act: Callable[..., object], *arguments: object) -> float:
    before = services.clock.now()
    act(services, *arguments)
    return (services.clock.now() - before).total_seconds()


def test_a_pause_and_a_resume_succeed_while_receipts_flow(services: Any, held: HeldItems) -> None:
    mailing = sent(services)
    begin_receipts(services, mailing, held)
    for _ in range(3):
        assert seconds_of(services, pause_mailing, mailing.id, author(services)) < PATIENCE
        assert seconds_of(services, resume_mailing, mailing.id, author(services)) < PATIENCE
    end_receipts(services)
    assert held.conflicts > 5
    found = get_mailing(services, mailing.id)
    assert found.counts == Counts(total=CLIENTS, sent=CLIENTS, delivered=CLIENTS)
    assert [row.status for row in rows_of(services, mailing)] == ["delivered"] * CLIENTS


def test_a_cancellation_and_a_deletion_succeed_while_receipts_flow(services: Any, held: HeldItems) -> None:
    for mailing in [running(services, number) for number in range(1, 5)]:
        begin_receipts(services, mailing, held)
        assert seconds_of(services, cancel_mailing, mailing.id, author(services)) < PATIENCE
        assert seconds_of(services, delete_mailing, mailing.id, author(services)) < PATIENCE
        end_receipts(services)
        assert services.mailings.get(mailing.id) is None
    assert services.counters.totals() == (0, Counts())


def test_what_changes_the_totals_succeeds_while_receipts_flow_and_no_receipt_is_lost(
    services: Any, held: HeldItems
) -> None:
    mailing = sent(services)
    begin_receipts(services, mailing, held)
    reconcile(services, mailing)
    assert get_mailing(services, mailing.id).status == "finished"
    assert seconds_of(services, resend_mailing, mailing.id, ["failed"], author(services)) < 2 * PATIENCE
    reconcile(services, mailing)
    end_receipts(services)
    counts = Counts(total=CLIENTS, sent=CLIENTS, delivered=CLIENTS)
    assert get_mailing(services, mailing.id).counts == counts
    assert services.counters.totals() == (1, counts)
    begin_receipts(services, mailing, held)
    assert seconds_of(services, delete_mailing, mailing.id, author(services)) < 2 * PATIENCE
    assert services.counters.totals() == (0, Counts())


def test_the_pages_of_a_fan_out_are_counted_while_receipts_flow(services: Any, held: HeldItems) -> None:
    mailing = sent(services)
    for number in range(CLIENTS):
        services.clients.add(Client(services.counters.next_id(CLIENT_ID), f"7900000000{number}"))
    begin_receipts(services, mailing, held)
    for _ in range(15):
        assert seconds_of(services, add_a_page, mailing) < PATIENCE
    assert seconds_of(services, walk_slice, mailing.id, 0, lambda: 60.0) < 3 * PATIENCE
    end_receipts(services)
    assert held.conflicts > 5
    assert get_mailing(services, mailing.id).counts.total == CLIENTS


def test_a_plain_write_that_meets_a_transaction_waits_for_its_end(services: Any, held: HeldItems) -> None:
    mailing = running(services)
    held.hold(MAILINGS, {"id": {"N": str(mailing.id)}}, 1.0)
    assert 1.0 <= seconds_of(services, request_reconciliation, mailing) < 1.5


def test_a_row_that_is_held_for_ever_is_given_up_after_five_seconds(services: Any, held: HeldItems) -> None:
    mailing = running(services)
    held.hold(MAILINGS, {"id": {"N": str(mailing.id)}}, 60.0)
    before = services.clock.now()
    with pytest.raises(NotWritten):
        services.mailings.add_counts(mailing.id, Counts(total=1), before)
    with pytest.raises(RowChanged):
        services.mailings.begin_round(mailing, before)
    assert (services.clock.now() - before).total_seconds() == pytest.approx(2 * PATIENCE, abs=0.1)


def test_a_repeated_transaction_has_a_new_token(services: Any, held: HeldItems) -> None:
    """A token names one transaction: DynamoDB may answer a repetition of it with its old outcome."""
    mailing = running(services)
    held.hold(MAILINGS, {"id": {"N": str(mailing.id)}}, 0.5)
    held.calls.clear()
    services.mailings.remove(mailing)
    tokens = [body["ClientRequestToken"] for name, body in held.calls if name == "TransactWriteItems"]
    assert len(tokens) == len(set(tokens)) > 2


def test_a_throttled_transaction_is_repeated(services: Any, held: HeldItems) -> None:
    held.throttle(3)
    services.users.add(User(Principal("anna", ADMIN), "password", services.clock.now()))
    assert held.conflicts == 3
    services.clock.forward(1)
    with pytest.raises(RowChanged):
        services.users.add(User(Principal("anna", READ), "password", services.clock.now()))
    assert len(held.calls) == 5, "a condition that fails is not repeated"


def test_a_held_row_is_not_taken_for_a_missing_one(services: Any, held: HeldItems) -> None:
    now = services.clock.now()
    services.tokens.add(Token("digest", Principal("name", ADMIN), now))
    held.hold(f"{STACK_NAME}-tokens", {"digest": {"S": "digest"}}, 1.0)
    services.tokens.revoke("digest", now)
    services.users.add(User(Principal("anna", ADMIN), "password", now))
    end_all_sessions(services, "anna", author_of(services, "anna"))
    assert services.tokens.find("digest").revoked_at == now
