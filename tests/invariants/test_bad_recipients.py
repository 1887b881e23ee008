"""Messages that the gateway cannot send hold no other message back, and an outage costs probes."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache
from random import Random

import pytest

from chalicelib.delivery.sender import Sender
from chalicelib.domain.jobs import ReceivedMessage
from chalicelib.domain.message import read_message_id
from chalicelib.gateways.answer import Answer
from chalicelib.mailings.lifecycle import resend_mailing
from infra.local.doubles.fleet import Fleet
from tests.depth import depth

BROKEN = Answer(500)
REFUSED = Answer(200, '{"code": 7}')
HANGS = Answer(None, "ReadTimeout")
DOWN = Answer(None, "NewConnectionError", never_sent=True)
CLIENTS, MINUTE, SENDERS = depth(full=600, quick=200), 60, 4
FIRST_MINUTE, LATER = SENDERS * 30, SENDERS * 2 + 2
"""Posts of all senders in a minute of an outage: twenty of each and its first probes, later two probes of each."""


def started(
    clients: int, senders: int = SENDERS, seed: int = 1, lasts: float = 36_000, in_order: bool = False
) -> Fleet:
    """Batches of ten as on the local stack, so that a mailing takes some time."""
    fleet = Fleet(senders, batch=10, seed=seed, in_order=in_order)
    fleet.gateway.seconds = 0.3
    fleet.world.clients(clients)
    fleet.world.mailing(lasts=lasts)
    fleet.world.do_jobs()
    return fleet


def answer_badly(fleet: Fleet, answer: Answer, is_bad: Callable[[int], bool]) -> None:
    """`is_bad` is a function of a client id."""

    def answer_to(message_id: int) -> Answer:
        ids = read_message_id(message_id)
        return answer if ids and is_bad(ids[1]) else fleet.gateway.OK

    fleet.gateway.answer = answer_to


def seconds_to_reach(fleet: Fleet, number: int, seconds: float = 3600) -> float:
    """The time until the gateway has accepted the messages of so many clients, once each."""
    taken = fleet.run(seconds, until=lambda: fleet.gateway.accepted.total() >= number)
    assert fleet.gateway.accepted.total() == len(+fleet.gateway.accepted) == number
    return taken


@cache
def seconds_without_bad_ones(seed: int) -> float:
    return seconds_to_reach(started(CLIENTS, seed=seed), CLIENTS)


@pytest.mark.parametrize(
    ("share", "answer"), [(0.33, BROKEN), (0.5, BROKEN), (0.8, BROKEN), (0.89, BROKEN), (0.33, REFUSED)]
)
def test_good_messages_beside_bad_ones_are_posted_within_twice_their_time(share: float, answer: Answer) -> None:
    """Compared with the same mailing of good messages only: each message needs one post to be known as bad.

    If most answers are outside the contract, the mailing pauses (test_brake.py).
    """
    for seed in range(depth(full=3, quick=1)):
        bad: Collection[int] = set(Random(seed).sample(range(1, CLIENTS + 1), int(share * CLIENTS)))
        fleet = started(CLIENTS, seed=seed)
        answer_badly(fleet, answer, bad.__contains__)
        assert seconds_to_reach(fleet, CLIENTS - len(bad)) <= 2 * seconds_without_bad_ones(seed)


def test_a_single_sender_posts_good_messages_beside_bad_ones_in_their_time() -> None:
    alone = seconds_to_reach(started(CLIENTS, senders=1), CLIENTS)
    fleet = started(CLIENTS, senders=1)
    answer_badly(fleet, BROKEN, lambda client_id: client_id % 2 == 1)
    assert seconds_to_reach(fleet, CLIENTS // 2) <= 2 * alone


def test_first_attempts_do_not_wait_for_the_retries_of_bad_messages() -> None:
    """The queue has no order, and the mailing takes a minute: each bad message returns several times meanwhile."""
    bad: Collection[int] = set(Random(1).sample(range(1, 1201), 960))
    taken = []
    for chosen in (set(), bad):
        fleet = started(1200, senders=2)
        fleet.gateway.seconds = 0.5
        answer_badly(fleet, BROKEN, chosen.__contains__)
        taken.append(seconds_to_reach(fleet, 1200 - len(chosen)))
    assert taken[1] <= 2 * taken[0]


def test_a_retry_behind_others_leaves_half_of_the_time_before_the_end() -> None:
    fleet = started(1, senders=1, lasts=100)
    fleet.services.clock.forward(80)
    fleet.gateway.answer = lambda _: BROKEN if not fleet.gateway.posts else fleet.gateway.OK
    sender = Sender(fleet.services)
    (delivery,) = fleet.services.send_queue.receive(1)
    queued_at = fleet.services.clock.now().timestamp() - 80
    record = ReceivedMessage(delivery.id, delivery.receipt_handle, delivery.body, 1, queued_at)
    assert sender.send_batch([record], lambda: 60.0) == [record.id]
    (waiting,) = fleet.services.send_queue.messages.values()
    delay = (waiting.visible_at - fleet.services.clock.now()).total_seconds()
    assert 10 <= delay <= 14, "half of the 20 seconds that are left, and the backoff"


def test_an_outage_during_a_resend_costs_a_few_probes() -> None:
    fleet = started(3000)
    fleet.gateway.answer = lambda _: Answer(400)
    fleet.run(10 * MINUTE, until=lambda: len(fleet.gateway.posts) >= 3000)
    fleet.start_senders(SENDERS)
    resend_mailing(fleet.services, 1, ["failed"])
    fleet.world.do_jobs()
    fleet.gateway.answer = lambda _: BROKEN
    before = len(fleet.gateway.posts)
    fleet.run(MINUTE)
    assert 0 < len(fleet.gateway.posts) - before <= 2 * FIRST_MINUTE


def test_blocks_of_bad_messages_delay_the_others_by_minutes_at_most() -> None:
    fleet = started(3600, lasts=25 * MINUTE, in_order=True)
    answer_badly(fleet, BROKEN, lambda client_id: (client_id - 1) // 600 % 2 == 0)
    assert seconds_to_reach(fleet, 1800) <= 5 * MINUTE


@pytest.mark.parametrize("bad", [10, 1000])
@pytest.mark.parametrize("seed", range(depth(full=4, quick=2)))
def test_a_mailing_that_fails_holds_no_other_mailing_back(bad: int, seed: int) -> None:
    fleet = started(bad, seed=seed)
    fleet.run(MINUTE / 2)
    answer_badly(fleet, BROKEN, lambda client_id: client_id <= bad)
    fleet.world.clients(1, tag="other")
    fleet.run(MINUTE)
    fleet.world.mailing(lasts=MINUTE, filter_tag=("other",))
    fleet.world.do_jobs()
    assert seconds_to_reach(fleet, fleet.gateway.accepted.total() + 1, MINUTE) <= 10


@pytest.mark.parametrize(("answer", "seconds"), [(HANGS, 10.0), (BROKEN, 0.1), (REFUSED, 0.1), (DOWN, 0.01)])
@pytest.mark.parametrize("sent_before", [0, 600])
def test_an_outage_costs_a_few_probes(answer: Answer, seconds: float, sent_before: int) -> None:
    fleet = started(1200)
    if sent_before:
        seconds_to_reach(fleet, sent_before)
    fleet.posts.clear()
    fleet.start = fleet.services.clock.time
    fleet.gateway.answer = lambda _: answer
    fleet.gateway.seconds = seconds
    fleet.run(4 * MINUTE)
    assert fleet.posts[0] <= FIRST_MINUTE
    assert max(fleet.posts[minute] for minute in range(1, 4)) <= LATER


def test_held_back_messages_are_posted_soon_after_an_outage_and_cost_few_deliveries() -> None:
    fleet = started(1000)
    fleet.gateway.answer = lambda _: BROKEN
    fleet.run(20 * MINUTE)
    deliveries = [one.receive_count for one in fleet.services.send_queue.messages.values()]
    assert sum(deliveries) / len(deliveries) <= 50, "in twenty minutes"
    fleet.gateway.answer = lambda _: fleet.gateway.OK
    assert sum(row.attempts == 0 for row in fleet.services.messages.rows.values()) >= 800
    fleet.run(3 * MINUTE)
    assert sum(row.attempts == 0 for row in fleet.services.messages.rows.values()) == 0


def test_a_message_that_was_held_back_long_and_fails_once_is_tried_again_soon() -> None:
    fleet = started(200, senders=1)
    fleet.gateway.answer = lambda _: BROKEN
    fleet.run(60 * MINUTE)
    never_tried = {key[1] for key, row in fleet.services.messages.rows.items() if not row.attempts}
    assert max(one.receive_count for one in fleet.services.send_queue.messages.values()) > 10
    failed: set[int] = set()

    def fail_once(message_id: int) -> Answer:
        is_first = message_id not in failed
        failed.add(message_id)
        return fleet.gateway.OK if message_id % 3 or not is_first else BROKEN

    fleet.gateway.answer = fail_once
    fleet.run(4 * MINUTE)
    rows = fleet.services.messages.rows
    assert {row.status for key, row in rows.items() if key[1] in never_tried} == {"sent"}
