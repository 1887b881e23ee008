"""The brake: a gateway that gives no clear answer gets each message a few times at most, and its mailings pause."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from chalicelib.domain.brake import LEAD
from chalicelib.domain.counts import Counts
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.message import read_message_id
from chalicelib.gateways.answer import Answer
from chalicelib.mailings.lifecycle import change_mailing, pause_mailing, resend_mailing, resume_mailing
from infra.local.doubles.crashing_services import Crash
from infra.local.doubles.fake_gateway import FakeGateway
from infra.local.doubles.fake_mailings import FakeMailings
from infra.local.doubles.fleet import Fleet
from infra.local.doubles.world import World

from .batch_calls import calls_of_a_batch

DAY, MINUTE = 24 * 3600, 60
CAP = 5
SILENCE, BAD_GATEWAY, DOWN = Answer(None, "ReadTimeout"), Answer(502), Answer(503)
CODE_7 = Answer(200, '{"code": 7}')
OFF_CONTRACT = [Answer(201, '{"code": 0}'), Answer(200, "<html>OK</html>"), CODE_7, Answer(302)]


def announced(clients: int, answer: Answer, lasts: float = 5 * DAY, **fields: object) -> tuple[World, int]:
    world = World()
    world.clients(clients)
    world.services.gateway.default_answer = answer
    return world, world.mailing(lasts=lasts, **fields)


def most_posts(world: World) -> int:
    """To one client."""
    return max(Counter(post.message_id for post in world.services.gateway.posts).values())


def repair(world: World) -> None:
    world.services.gateway.default_answer = world.services.gateway.OK


def assert_all_have_it_once(world: World, mailing_id: int, clients: int) -> None:
    mailing = world.get(mailing_id)
    assert (mailing.status, mailing.counts) == ("finished", Counts(total=clients, sent=clients))
    assert mailing.counts == world.counted_rows(mailing_id)
    assert (len(world.services.gateway.accepted), world.services.gateway.accepted.total()) == (clients, clients)


@pytest.mark.parametrize("answer", OFF_CONTRACT)
def test_a_gateway_outside_its_contract_for_days_pauses_the_mailing_and_everybody_gets_it_once_after(
    answer: Answer,
) -> None:
    world, mailing_id = announced(100, answer)
    world.run(2 * DAY, step=10 * MINUTE)
    mailing = world.get(mailing_id)
    assert (mailing.status, mailing.counts) == ("paused", Counts(total=100))
    assert str(mailing.paused_because).startswith("20 of the last 20 messages got an answer outside the gateway's")
    assert LEAD <= len(world.services.gateway.posts) <= 2 * LEAD
    assert most_posts(world) <= CAP
    (record,) = world.services.audit.records
    assert (record.who, record.action, record.id) == ("the service itself", "paused", str(mailing_id))
    repair(world)
    resume_mailing(world.services, mailing_id)
    world.run(20 * MINUTE)
    world.services.gateway.accepted = +world.services.gateway.accepted
    assert_all_have_it_once(world, mailing_id, 100)


@pytest.mark.parametrize("answer", [*OFF_CONTRACT, SILENCE, BAD_GATEWAY])
def test_a_message_without_a_clear_answer_becomes_unknown_after_the_cap_and_a_person_can_resend_it(
    answer: Answer,
) -> None:
    world, mailing_id = announced(3, answer)
    world.run(DAY, step=10 * MINUTE)
    mailing = world.get(mailing_id)
    assert (mailing.status, mailing.counts) == ("finished", Counts(total=3, unknown=3))
    assert len(world.services.gateway.posts) == 3 * CAP
    row = next(iter(world.services.messages.rows.values()))
    assert str(row.last_error).startswith("5 attempts got no clear answer, so no further one is made")
    resend_mailing(world.services, mailing_id, ["unknown"])
    world.run(DAY, step=10 * MINUTE)
    assert len(world.services.gateway.posts) == 6 * CAP, "an order begins the count anew"
    repair(world)
    resend_mailing(world.services, mailing_id, ["unknown"])
    world.run(20 * MINUTE)
    world.services.gateway.accepted = +world.services.gateway.accepted
    assert_all_have_it_once(world, mailing_id, 3)


def test_a_message_whose_senders_die_after_each_post_is_posted_no_more_often_than_the_cap() -> None:
    world, mailing_id = announced(1, SILENCE)

    def die() -> None:
        raise Crash

    world.services.gateway.while_posting = die
    world.run(2 * 3600, step=MINUTE)
    assert (len(world.services.gateway.posts), world.get(mailing_id).counts) == (CAP, Counts(total=1, unknown=1))


def test_a_cap_of_one_post_is_the_rule_of_a_gateway_that_does_not_look_at_ids() -> None:
    for settings in ({"gateway_max_doubts": 1}, {"gateway_dedupes": False}):
        world = World(**settings)
        world.clients(3)
        world.services.gateway.default_answer = CODE_7
        mailing_id = world.mailing()
        world.run(20 * MINUTE)
        assert (len(world.services.gateway.posts), world.get(mailing_id).counts) == (3, Counts(total=3, unknown=3))
        assert str(world.services.messages.rows[1, 1].last_error) == "The gateway answered 200 with code 7."


def test_a_gateway_that_does_not_look_at_ids_leaves_few_messages_unknown() -> None:
    world = World(gateway_dedupes=False)
    world.clients(100)
    world.services.gateway.default_answer = Answer(201)
    mailing_id = world.mailing()
    world.run(30 * MINUTE)
    mailing = world.get(mailing_id)
    assert (mailing.status, mailing.counts) == ("paused", Counts(total=100, unknown=LEAD))


@pytest.mark.parametrize("answer", [SILENCE, BAD_GATEWAY])
@pytest.mark.parametrize("clients", [5, 60])
def test_an_outage_of_minutes_pauses_nothing_and_makes_no_message_unknown(clients: int, answer: Answer) -> None:
    world, mailing_id = announced(clients, answer)
    world.run(9 * MINUTE)
    assert (world.get(mailing_id).status, most_posts(world)) == ("running", 4)
    repair(world)
    world.run(20 * MINUTE)
    world.services.gateway.accepted = +world.services.gateway.accepted
    assert_all_have_it_once(world, mailing_id, clients)


def test_silence_for_longer_pauses_the_mailing_before_its_messages_become_unknown() -> None:
    world, mailing_id = announced(60, SILENCE)
    world.run(DAY, step=MINUTE)
    mailing = world.get(mailing_id)
    assert mailing.status == "paused"
    assert "more than 10 minutes" in str(mailing.paused_because)
    assert mailing.counts.unknown <= 10, "of the batch that paused the mailing"
    repair(world)
    resume_mailing(world.services, mailing_id)
    world.run(30 * MINUTE)
    mailing = world.get(mailing_id)
    assert mailing.counts.sent + mailing.counts.unknown == 60
    assert most_posts(world) <= CAP


@pytest.mark.parametrize("answer", [DOWN, Answer(429, "", "5"), Answer(None, "NewConnectionError", never_sent=True)])
def test_clear_failures_pause_nothing_and_are_tried_again_until_the_end(answer: Answer) -> None:
    world, mailing_id = announced(30, answer)
    world.run(4 * 3600, step=10 * MINUTE)
    assert (world.get(mailing_id).status, world.get(mailing_id).counts) == ("running", Counts(total=30))
    assert most_posts(world) > CAP
    repair(world)
    world.run(3600, step=MINUTE)
    assert world.get(mailing_id).counts.sent == 30
    assert world.services.mailings.rows[mailing_id].answers.total == 0


def test_a_resume_begins_the_count_anew() -> None:
    world, mailing_id = announced(100, CODE_7)
    world.run(10 * MINUTE)
    posts = len(world.services.gateway.posts)
    resumed = resume_mailing(world.services, mailing_id)
    assert (resumed.status, resumed.paused_because, resumed.answers.total) == ("running", None, 0)
    world.run(2 * DAY, step=10 * MINUTE)
    assert world.get(mailing_id).status == "paused"
    assert world.get(mailing_id).answers.doubtful >= LEAD
    assert len(world.services.gateway.posts) >= posts + LEAD
    assert most_posts(world) <= CAP


def test_a_resume_after_the_brake_does_not_pass_the_canary() -> None:
    world, mailing_id = announced(100, CODE_7, canary=40)
    world.run(10 * MINUTE)
    assert world.get(mailing_id).paused_because is not None
    assert resume_mailing(world.services, mailing_id).awaits_canary


def test_answers_that_arrive_during_a_pause_by_a_person_change_nothing() -> None:
    world, mailing_id = announced(30, CODE_7)
    world.do_jobs()
    world.services.gateway.while_posting = lambda: pause_mailing(world.services, mailing_id)
    world.run(10 * MINUTE)
    assert (world.get(mailing_id).status, world.get(mailing_id).paused_because) == ("paused", None)


def test_doubts_are_not_forgotten_when_the_end_is_moved() -> None:
    world, mailing_id = announced(1, SILENCE, lasts=30)
    world.run(10 * MINUTE)
    before = len(world.services.gateway.posts)
    assert world.get(mailing_id).counts.expired == 1
    assert before < CAP
    end = world.clock.now().replace(microsecond=0)
    change_mailing(world.services, mailing_id, {"datetime_end": end.replace(year=end.year + 1)})
    world.run(DAY, step=10 * MINUTE)
    assert (len(world.services.gateway.posts), world.get(mailing_id).counts.unknown) == (CAP, 1)


def fleet_with_bad_ones(bad_of_ten: int) -> tuple[Fleet, Mailing]:
    """Four senders, and a gateway that answers with code 7 for so many of ten clients."""
    fleet = Fleet(4, batch=10)
    fleet.world.clients(500)
    mailing_id = fleet.world.mailing(lasts=DAY)
    fleet.world.do_jobs()

    def answer_to(message_id: int) -> Answer:
        ids = read_message_id(message_id)
        return CODE_7 if ids and ids[1] % 10 < bad_of_ten else fleet.gateway.OK

    fleet.gateway.answer = answer_to
    fleet.run(5 * MINUTE)
    return fleet, fleet.services.mailings.rows[mailing_id]


def test_one_of_four_senders_pauses_for_all_once_most_answers_are_off_contract() -> None:
    fleet, mailing = fleet_with_bad_ones(7)
    assert (mailing.status, len(fleet.services.audit.records)) == ("paused", 1)
    assert len(fleet.gateway.posts) <= 200


def test_a_mailing_with_few_such_answers_continues_also_when_only_their_messages_are_left() -> None:
    fleet, mailing = fleet_with_bad_ones(3)
    assert (mailing.status, mailing.counts.sent) == ("running", 350)
    assert fleet.services.audit.records == []


def test_a_clear_answer_takes_back_one_doubtful_one_and_not_all() -> None:
    world, mailing_id = announced(200, CODE_7)
    world.batch = 1
    world.services.gateway.answers = [CODE_7, CODE_7, world.services.gateway.OK, CODE_7] * 50
    world.run(30 * MINUTE)
    mailing = world.get(mailing_id)
    assert mailing.status == "paused"
    assert mailing.answers.doubtful - mailing.answers.clear == LEAD


def test_the_brake_costs_one_call_for_a_batch_whose_answers_are_mostly_doubtful_and_otherwise_none() -> None:
    clear, some, most = (calls_of_a_batch([DOWN] * (10 - number) + [CODE_7] * number) for number in (0, 5, 6))
    assert (some - clear, most - clear) == (0, 1)


class RefusedDecisions(FakeMailings):
    """The table refuses the write of a decision, for example for a missing right."""

    def change(self, *_: Any) -> Mailing:
        raise PermissionError("AccessDeniedException")


def test_an_error_of_the_brake_keeps_no_message_of_its_batch_from_the_queue() -> None:
    world, mailing_id = announced(30, CODE_7)
    world.batch = 30
    world.do_jobs()
    mailings = world.services.mailings
    world.services.mailings = RefusedDecisions(mailings.counters, mailings.audit, mailings.drafts)
    world.services.mailings.rows = mailings.rows
    world.send_all()
    assert world.get(mailing_id).status == "running"
    assert len(world.services.send_queue.messages) == 30
    waiting = [one.visible_at - world.clock.now() for one in world.services.send_queue.messages.values()]
    assert max(waiting).total_seconds() < 30, "not after the visibility timeout of a batch that failed"
    world.services.mailings = mailings
    world.run(20 * MINUTE)
    assert world.get(mailing_id).status == "paused"


def test_messages_that_were_claimed_and_held_back_count_as_first_attempts_later() -> None:
    """A batch has claimed 25 messages when the breaker opens after the first few."""
    world, mailing_id = announced(100, SILENCE)
    world.batch = 100
    world.services.gateway.answers = [FakeGateway.OK] * 20
    world.run(20 * MINUTE, step=1)
    assert world.get(mailing_id).status == "paused"
    assert len(world.services.gateway.posts) < 150
