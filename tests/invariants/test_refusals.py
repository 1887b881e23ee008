"""Refusals for which no message is the cause: nobody fails for them, the mailing pauses, and goes on after a resume."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chalicelib.domain.brake import MOST_REFUSALS, NO_REFUSALS
from chalicelib.domain.counts import Counts
from chalicelib.domain.message import read_message_id
from chalicelib.domain.outcome import Kind
from chalicelib.gateways.answer import Answer
from chalicelib.mailings.lifecycle import pause_mailing, resume_mailing
from infra.local.doubles.crashing_services import CrashingServices
from infra.local.doubles.fake_gateway import FakeGateway, answer_of
from infra.local.doubles.fleet import THREADS, Fleet
from infra.local.doubles.world import World
from tests.depth import crash_points

from .batch_calls import calls_of_a_batch

DAY, MINUTE = 24 * 3600, 60
KINDS = [Kind.CREDENTIALS, Kind.BALANCE, Kind.SENDER]
SENDERS = 4


def refused(clients: int, kind: Kind, lasts: float = 5 * DAY, settings: Any = None, **fields: Any) -> tuple[World, int]:
    world = World(**settings or {})
    world.clients(clients)
    world.services.gateway.default_answer = answer_of(kind)
    return world, world.mailing(lasts=lasts, **fields)


def repair(world: World) -> None:
    world.services.gateway.default_answer = FakeGateway.OK


def assert_all_have_it_once(world: World, mailing_id: int, clients: int) -> None:
    mailing = world.get(mailing_id)
    assert (mailing.status, mailing.counts) == ("finished", Counts(total=clients, sent=clients))
    assert mailing.counts == world.counted_rows(mailing_id)
    accepted = +world.services.gateway.accepted
    assert (len(accepted), accepted.total()) == (clients, clients)


@pytest.mark.parametrize("clients", [1, 4, 60])
@pytest.mark.parametrize("kind", KINDS)
def test_a_refusal_for_days_fails_nobody_and_pauses_the_mailing_until_a_resume(kind: Kind, clients: int) -> None:
    world, mailing_id = refused(clients, kind)
    world.run(2 * DAY, step=MINUTE)
    mailing = world.get(mailing_id)
    assert (mailing.status, mailing.counts) == ("paused", Counts(total=clients))
    assert mailing.paused_because is not None
    assert mailing.paused_because.code == f"mailing.refused_{kind.value}"
    (record,) = world.services.audit.records
    assert (record.who, record.action, record.id) == ("the service itself", "paused", str(mailing_id))
    assert record.after is not None
    assert record.after["paused_because"] == str(mailing.paused_because)
    assert len(world.services.gateway.posts) <= 40
    repair(world)
    resume_mailing(world.services, mailing_id)
    world.run(20 * MINUTE)
    assert_all_have_it_once(world, mailing_id, clients)
    assert world.get(mailing_id).refusals == NO_REFUSALS


@pytest.mark.parametrize("kind", KINDS)
def test_a_refusal_that_ends_within_a_minute_pauses_nothing(kind: Kind) -> None:
    world, mailing_id = refused(60, kind)
    world.run(50)
    assert len(world.services.gateway.posts) >= MOST_REFUSALS
    repair(world)
    world.run(20 * MINUTE)
    assert_all_have_it_once(world, mailing_id, 60)
    assert world.services.audit.records == []


@pytest.mark.parametrize("kind", KINDS)
def test_an_accepted_message_begins_the_count_anew(kind: Kind) -> None:
    world, mailing_id = refused(60, kind)
    world.run(50)
    counted = world.get(mailing_id).refusals
    assert counted.since is not None
    world.services.gateway.answers = [FakeGateway.OK] * 10
    while world.services.gateway.answers:
        world.run(1, step=1)
    world.run(30)
    mailing = world.get(mailing_id)
    assert (mailing.status, mailing.counts.sent) == ("running", 10)
    assert mailing.refusals.since is None or mailing.refusals.since > counted.since
    world.run(10 * MINUTE)
    assert world.get(mailing_id).status == "paused"


@pytest.mark.parametrize("kind", KINDS)
def test_a_resume_without_a_repair_pauses_again_after_a_minute_of_refusals(kind: Kind) -> None:
    world, mailing_id = refused(60, kind)
    world.run(10 * MINUTE)
    assert world.get(mailing_id).status == "paused"
    before = len(world.services.gateway.posts)
    resumed = resume_mailing(world.services, mailing_id)
    assert (resumed.status, resumed.paused_because, resumed.refusals) == ("running", None, NO_REFUSALS)
    assert world.get(mailing_id).refusals == NO_REFUSALS
    world.run(50)
    assert world.get(mailing_id).status == "running"
    world.run(10 * MINUTE)
    assert world.get(mailing_id).status == "paused"
    assert len(world.services.gateway.posts) - before >= MOST_REFUSALS


@pytest.mark.parametrize("kind", KINDS)
def test_a_resume_after_refusals_does_not_pass_the_canary(kind: Kind) -> None:
    world, mailing_id = refused(60, kind, canary=10)
    world.run(10 * MINUTE)
    assert world.get(mailing_id).status == "paused"
    repair(world)
    assert resume_mailing(world.services, mailing_id).awaits_canary
    world.run(20 * MINUTE)
    assert_all_have_it_once(world, mailing_id, 60)


@pytest.mark.parametrize("kind", KINDS)
def test_refusals_leave_no_message_in_doubt_at_a_gateway_that_does_not_look_at_ids(kind: Kind) -> None:
    world, mailing_id = refused(60, kind, settings={"gateway_dedupes": False})
    world.run(10 * MINUTE)
    assert (world.get(mailing_id).status, world.get(mailing_id).counts) == ("paused", Counts(total=60))
    repair(world)
    resume_mailing(world.services, mailing_id)
    world.run(20 * MINUTE)
    assert_all_have_it_once(world, mailing_id, 60)


@pytest.mark.parametrize("kind", KINDS)
def test_refusals_during_a_pause_by_a_person_give_no_reason(kind: Kind) -> None:
    world, mailing_id = refused(30, kind)
    world.do_jobs()
    world.services.gateway.while_posting = lambda: pause_mailing(world.services, mailing_id)
    world.run(10 * MINUTE)
    assert (world.get(mailing_id).status, world.get(mailing_id).paused_because) == ("paused", None)


@pytest.mark.parametrize("kind", [Kind.PERMANENT, Kind.THROTTLED, Kind.TEMPORARY])
def test_other_clear_refusals_pause_nothing(kind: Kind) -> None:
    world, mailing_id = refused(30, kind)
    world.run(20 * MINUTE)
    assert world.get(mailing_id).status == ("finished" if kind is Kind.PERMANENT else "running")
    assert world.get(mailing_id).counts.failed == (30 if kind is Kind.PERMANENT else 0)


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_crash_at_any_call_of_a_sender_that_is_refused_loses_and_doubles_nothing(kind: Kind, after: bool) -> None:
    """The second invocation is that of the first batch; a later one writes the pause."""
    for victim in (2, 9):
        for at in crash_points():
            world = World()
            world.clients(7)
            world.services.gateway.default_answer = answer_of(kind)
            crashing = world.crashing[victim] = CrashingServices(world.services, at, after)
            mailing_id = world.mailing(lasts=DAY)
            world.run(15 * MINUTE, step=10)
            assert (world.get(mailing_id).status, world.get(mailing_id).counts) == ("paused", Counts(total=7))
            repair(world)
            resume_mailing(world.services, mailing_id)
            world.run(20 * MINUTE)
            assert_all_have_it_once(world, mailing_id, 7)
            if not crashing.is_dead:
                break


def fleet_of(clients: int) -> tuple[Fleet, int]:
    """Four senders whose threads are all at work before the first answer comes."""
    fleet = Fleet(SENDERS, pool=ThreadPoolExecutor)
    fleet.gateway.while_posting = lambda: time.sleep(0.005)
    fleet.world.clients(clients)
    mailing_id = fleet.world.mailing(lasts=DAY)
    fleet.world.do_jobs()
    return fleet, mailing_id


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_balance_costs_the_posts_in_flight_and_a_few_probes(kind: Kind) -> None:
    fleet, mailing_id = fleet_of(1500)
    fleet.run(MINUTE, until=lambda: fleet.gateway.accepted.total() >= 400)
    before = len(fleet.gateway.posts)
    fleet.gateway.answer = lambda _: answer_of(kind)
    seconds = fleet.run(30 * MINUTE, until=lambda: fleet.services.mailings.rows[mailing_id].status == "paused")
    assert seconds <= 2 * MINUTE
    assert len(fleet.gateway.posts) - before <= SENDERS * (2 * THREADS + 8)
    assert fleet.services.mailings.rows[mailing_id].counts.failed == 0


def test_a_refused_sender_name_holds_no_other_mailing_back() -> None:
    taken = []
    for is_any_refused in (False, True):
        fleet, refused_id = fleet_of(600)
        if not is_any_refused:
            pause_mailing(fleet.services, refused_id)
        fleet.world.mailing(lasts=DAY)
        fleet.world.do_jobs()

        def answer_to(message_id: int, refused_id: int = refused_id, fleet: Fleet = fleet) -> Answer:
            ids = read_message_id(message_id)
            return answer_of(Kind.SENDER) if ids and ids[0] == refused_id else fleet.gateway.OK

        fleet.gateway.answer = answer_to
        taken.append(fleet.run(10 * MINUTE, until=lambda fleet=fleet: fleet.gateway.accepted.total() >= 600))
        refused_posts = len(fleet.gateway.posts) - 600
        fleet.run(3 * MINUTE)
        assert fleet.services.mailings.rows[refused_id].status == "paused"
    assert taken[1] <= 3 * taken[0], "both mailings share the queue"
    assert refused_posts <= SENDERS * (2 * THREADS + 8)


def test_a_sender_name_that_one_operator_refuses_keeps_the_others_waiting_for_nothing() -> None:
    """The mailing pauses when only refused messages are left. Two of five clients are of that operator."""
    fleet, mailing_id = fleet_of(500)

    def answer_to(message_id: int) -> Answer:
        ids = read_message_id(message_id)
        return answer_of(Kind.SENDER) if ids and ids[1] % 5 < 2 else fleet.gateway.OK

    fleet.gateway.answer = answer_to
    assert fleet.run(2 * MINUTE, until=lambda: fleet.gateway.accepted.total() >= 300) <= MINUTE
    fleet.run(30 * MINUTE, until=lambda: fleet.services.mailings.rows[mailing_id].status == "paused")
    mailing = fleet.services.mailings.rows[mailing_id]
    assert (mailing.status, mailing.counts) == ("paused", Counts(total=500, sent=300))


def test_a_batch_with_refusals_only_costs_one_call_and_one_with_an_accepted_message_none() -> None:
    bad, busy = answer_of(Kind.SENDER), Answer(503)
    none, some, all_of_them = (calls_of_a_batch(answers) for answers in ([busy] * 10, [busy] * 9 + [bad], [bad] * 10))
    assert (some - none, all_of_them - none) == (1, 1)
    accepted, mixed = (calls_of_a_batch([FakeGateway.OK] + [one] * 9) for one in (busy, bad))
    assert mixed == accepted
