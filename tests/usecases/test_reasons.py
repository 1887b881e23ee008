"""Why messages were not sent is counted by senders while a mailing runs, and exactly by the round that ends it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.message import message_id, read_message_id
from chalicelib.domain.reasons import MOST_REASONS, OTHER, Reason, bounded, reason_of
from chalicelib.errors import NotFound, NotWritten
from chalicelib.gateways.answer import Answer
from chalicelib.mailings.failures import failure_named, failures_of, order_named
from chalicelib.mailings.lifecycle import change_mailing, get_mailing, resend_mailing
from chalicelib.mailings.timeline import timeline_of
from chalicelib.texts import AS_WRITTEN, Text
from infra.local.doubles.fake_timelines import FakeTimelines
from infra.local.doubles.world import World

REFUSED, FORBIDDEN = Text("gateway.message_refused", status=400), Text("gateway.message_refused", status=410)


def world_with_refusals(clients: int = 30) -> World:
    """Every third client is refused with 400, and client 10 with 410."""
    world = World()
    world.clients(clients)
    answer_by_client(world, lambda client: 410 if client == 10 else 400 if client % 3 == 0 else 200)
    return world


def answer_by_client(world: World, status: Callable[[int], int]) -> None:
    gateway: Any = world.services.gateway

    def answer_to(message_id: int) -> Answer:
        ids = read_message_id(message_id)
        number = status(ids[1]) if ids else 200
        return gateway.OK if number == 200 else Answer(number)

    gateway.next_answer = answer_to


def shown(world: World, mailing_id: int) -> dict[str, int]:
    mailing = get_mailing(world.services, mailing_id)
    return {str(reason.text): number for reason, number in failures_of(world.services, mailing)}


def test_failures_are_grouped_by_reason_while_the_mailing_runs() -> None:
    world = world_with_refusals()
    mailing_id = world.mailing()
    world.do_jobs()
    world.send_all()
    assert world.get(mailing_id).status == "running"
    assert shown(world, mailing_id) == {str(REFUSED): 10, str(FORBIDDEN): 1}


def test_the_round_that_ends_a_mailing_counts_what_a_sender_lost() -> None:
    class Losing(FakeTimelines):
        def add_reasons(self, *_: Any) -> None:
            raise NotWritten("throttled")

    world = world_with_refusals()
    world.services.timelines = Losing()
    mailing_id = world.mailing()
    world.run()
    mailing = world.get(mailing_id)
    assert (mailing.status, mailing.counts.sent, mailing.counts.failed) == ("finished", 19, 11)
    assert shown(world, mailing_id) == {str(REFUSED): 10, str(FORBIDDEN): 1}


def test_messages_that_expire_are_counted_by_reason() -> None:
    world = World()
    world.clients(3)
    answer_by_client(world, lambda _: 503)
    mailing_id = world.mailing(lasts=600)
    world.run(1200)
    assert shown(world, mailing_id) == {"The gateway answered 503.": 3}


def test_a_message_that_a_late_receipt_proves_counts_no_longer_among_its_reason() -> None:
    world = world_with_refusals()
    mailing_id = world.mailing()
    world.run()
    assert shown(world, mailing_id) == {str(REFUSED): 10, str(FORBIDDEN): 1}
    for _ in range(2):
        world.report(message_id(mailing_id, 3), message_id(mailing_id, 10))
        world.settle_all()
        assert world.get(mailing_id).counts.failed == 9
        assert shown(world, mailing_id) == {str(REFUSED): 9}


def test_a_message_that_a_late_receipt_proves_counts_no_longer_among_other_reasons() -> None:
    world = World()
    world.clients(MOST_REASONS + 3)
    answer_by_client(world, lambda client: 450 + client)
    mailing_id = world.mailing()
    world.run()
    failed = world.get(mailing_id).counts.failed
    assert failed == MOST_REASONS + 3
    for client_id in range(1, failed + 1):
        world.report(message_id(mailing_id, client_id))
        world.settle_all()
        assert sum(shown(world, mailing_id).values()) == failed - client_id == world.get(mailing_id).counts.failed


def test_the_messages_of_one_reason_are_sent_again_and_no_others() -> None:
    world = world_with_refusals()
    mailing_id = world.mailing()
    world.run()
    mailing = world.get(mailing_id)
    [key] = [reason.key for reason, _ in failures_of(world.services, mailing) if reason.text == FORBIDDEN]
    answer_by_client(world, lambda _: 200)
    resend_mailing(world.services, mailing_id, (order_named(world.services, mailing, key),))
    world.run()
    after = world.get(mailing_id)
    assert (after.status, after.counts.sent, after.counts.failed) == ("finished", 20, 10)
    assert after.resend == ()
    assert shown(world, mailing_id) == {str(REFUSED): 10}


def test_the_chart_of_a_short_mailing_stays_where_it_was_after_a_later_resend() -> None:
    world = world_with_refusals()
    mailing_id, start = world.mailing(), world.clock.now()
    world.run(120)
    assert (world.get(mailing_id).status, world.get(mailing_id).counts.failed) == ("finished", 11)
    change_mailing(world.services, mailing_id, {"datetime_end": start + timedelta(days=1)})
    world.run(5 * 3600, step=30)
    answer_by_client(world, lambda _: 200)
    resend_mailing(world.services, mailing_id, ("failed",))
    world.run(600)
    bars = timeline_of(world.services, world.get(mailing_id)).chart.bars
    shown = {bar.at: (bar.numbers["sent"], bar.numbers["failed"]) for bar in bars if bar.total}
    assert shown == {start: (19, 11), start + timedelta(hours=5): (11, 0)}


def test_orders_by_reason_and_by_status_are_joined() -> None:
    world = world_with_refusals()
    mailing_id = world.mailing()
    world.run()
    mailing = world.get(mailing_id)
    keys = [reason.key for reason, _ in failures_of(world.services, mailing)]
    answer_by_client(world, lambda _: 200)
    for key in keys:
        resend_mailing(world.services, mailing_id, (order_named(world.services, mailing, key),))
    world.run()
    assert world.get(mailing_id).counts.sent == 30


def test_a_reason_that_no_message_has_cannot_be_named() -> None:
    world = world_with_refusals()
    mailing_id = world.mailing()
    world.run()
    with pytest.raises(NotFound):
        failure_named(world.services, world.get(mailing_id), "0" * 16)


def test_a_gateway_with_any_number_of_codes_makes_a_bounded_number_of_reasons() -> None:
    many = Counter({Reason("failed", Text("gateway.message_refused", status=code)): 1 for code in range(400, 500)})
    found = bounded(many)
    assert len(found) == MOST_REASONS + 1
    assert found.total() == 100
    assert found[Reason("failed", OTHER)] == 100 - MOST_REASONS
    assert bounded(many, found) == found, "a sender goes on with those that it knows"


def test_texts_of_earlier_versions_are_not_kept_as_reasons() -> None:
    """They may have any words."""
    assert reason_of("failed", Text(AS_WRITTEN, text="79770000001 is wrong")) == Reason("failed", OTHER)
    assert reason_of("undelivered", Text("message.not_delivered", reason="Anna moved")) is None
    assert reason_of("cancelled", None) is None
