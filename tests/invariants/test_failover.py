"""Two gateways: a message moves to the second one only if the first certainly does not have it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from chalicelib.domain.outcome import Kind
from chalicelib.gateways.answer import Answer
from chalicelib.gateways.configured import Configured
from chalicelib.gateways.port import Sms
from chalicelib.mailings.lifecycle import pause_mailing, resume_mailing
from infra.local.doubles.fake_gateway import OF_A_PROVIDER, Post
from infra.local.doubles.world import CrashingServices, World
from tests.depth import depth

CLIENTS = 40
OK = Answer(200, '{"code": 0, "message": "OK"}')
DOWN = Answer(None, "NewConnectionError", never_sent=True)
SILENT = Answer(None, "ReadTimeout")


def of(kind: Kind) -> Answer:
    return Answer(OF_A_PROVIDER, kind.value)


def gateway(name: str, **given: Any) -> Configured:
    return Configured(name, "contract", f"https://{name}.example.com", **given)


def world_with(first: Callable[[Sms], Answer], dedupes: bool = False, **given: Any) -> tuple[World, int]:
    gateways = (gateway("first", dedupes=dedupes, **given), gateway("second"))
    world = World(gateways=gateways)
    world.clients(CLIENTS)
    world.services.gateway.answer_at = {"first": first, "second": lambda _: OK}
    return world, world.mailing(lasts=7200)


def posts(world: World) -> Counter[str]:
    return Counter(post.gateway for post in world.services.gateway.posts)


def test_while_the_first_gateway_works_the_second_gets_nothing() -> None:
    world, mailing_id = world_with(lambda _: OK)
    world.run(120)
    assert posts(world) == {"first": CLIENTS}
    assert world.get(mailing_id).counts.sent == CLIENTS
    assert {row.gateway for row in world.services.messages.rows.values()} == {"first"}


CLEAR = [DOWN, *map(of, (Kind.PERMANENT, Kind.SENDER, Kind.CREDENTIALS, Kind.BALANCE, Kind.THROTTLED, Kind.TEMPORARY))]


@pytest.mark.parametrize("answer", CLEAR, ids=["unreachable", *(answer.body for answer in CLEAR[1:])])
def test_a_message_that_the_first_gateway_certainly_does_not_have_is_sent_by_the_second(answer: Answer) -> None:
    world, mailing_id = world_with(lambda _: answer)
    world.run(1800)
    mailing = world.get(mailing_id)
    assert (mailing.status, mailing.counts.sent) == ("finished", CLIENTS)
    assert posts(world)["second"] == CLIENTS
    assert max(world.services.gateway.accepted.values()) == 1


def test_a_gateway_that_is_down_is_passed_over_but_for_some_probes() -> None:
    world, _ = world_with(lambda _: DOWN)
    world.run(1800)
    assert posts(world)["first"] < CLIENTS / 2


@pytest.mark.parametrize("dedupes", [True, False])
def test_a_gateway_that_accepts_without_an_answer_doubles_nothing(dedupes: bool) -> None:
    world, mailing_id = world_with(lambda _: SILENT, dedupes)
    world.run(7000)
    counts = world.get(mailing_id).counts
    tried = {post.message_id for post in world.services.gateway.posts if post.gateway == "first"}
    taken = {post.message_id for post in world.services.gateway.posts if post.gateway == "second"}
    assert tried
    assert not tried & taken, "the first gateway may have these"
    assert counts.unknown == len(tried)
    assert counts.unknown + counts.sent == CLIENTS


def test_a_number_that_the_last_gateway_refuses_fails_with_its_reason() -> None:
    world, mailing_id = world_with(lambda _: of(Kind.PERMANENT))
    world.services.gateway.answer_at["second"] = lambda _: Answer(400)
    world.run(1800)
    assert world.get(mailing_id).counts.failed == CLIENTS
    assert posts(world) == {"first": CLIENTS, "second": CLIENTS}
    assert {str(row.last_error) for row in world.services.messages.rows.values()} == {
        "The gateway refused the message (400)."
    }


def test_an_opt_out_at_the_first_gateway_is_no_reason_to_try_the_second() -> None:
    world, mailing_id = world_with(lambda _: of(Kind.OPTED_OUT))
    world.run(600)
    assert world.get(mailing_id).counts.failed == CLIENTS
    assert posts(world)["second"] == 0


def test_a_mailing_pauses_only_if_the_last_gateway_refuses_the_account() -> None:
    world, mailing_id = world_with(lambda _: of(Kind.BALANCE))
    world.services.gateway.answer_at["second"] = lambda _: of(Kind.BALANCE)
    world.run(1200)
    mailing = world.get(mailing_id)
    assert mailing.status == "paused"
    assert mailing.paused_because is not None
    assert mailing.counts.failed == 0
    world.services.gateway.answer_at["second"] = lambda _: OK
    resume_mailing(world.services, mailing_id)
    world.run(3000)
    assert world.get(mailing_id).counts.sent == CLIENTS


def test_when_both_gateways_are_down_the_messages_wait_and_go_to_the_one_that_comes_back() -> None:
    world, mailing_id = world_with(lambda _: DOWN)
    world.services.gateway.answer_at["second"] = lambda _: DOWN
    world.run(900)
    assert world.get(mailing_id).counts.sent == 0
    world.services.gateway.answer_at["first"] = lambda _: OK
    world.run(1800)
    assert world.get(mailing_id).counts.sent == CLIENTS
    assert max(world.services.gateway.accepted.values()) == 1


def test_a_message_goes_first_to_the_gateway_of_its_operator() -> None:
    world, mailing_id = world_with(lambda _: OK, codes=frozenset({"900"}))
    world.run(600)
    codes = {post.gateway: set[str]() for post in world.services.gateway.posts}
    for post in world.services.gateway.posts:
        codes[post.gateway].add(post.phone_number[1:4])
    assert codes["first"] == {"900"}
    assert "900" not in codes["second"]
    assert world.get(mailing_id).counts.sent == CLIENTS


def test_each_gateway_has_its_own_rate() -> None:
    world, mailing_id = world_with(lambda _: OK, rate=0.5)
    world.run(30)
    assert 0 < posts(world)["first"] <= 17
    assert posts(world)["second"] == 0, "a message waits for its turn at the first gateway"
    world.run(300)
    assert world.get(mailing_id).counts.sent == CLIENTS


@pytest.mark.parametrize("after", [False, True])
def test_a_sender_that_dies_at_any_call_doubles_nothing_and_loses_nothing(after: bool) -> None:
    died = 0
    for at in range(1, 60, 3):
        world, mailing_id = world_with(lambda _: DOWN)
        world.do_jobs()
        crashing = CrashingServices(world.services, at, after)
        world.crashing = {world.invocations: crashing}
        world.run(3600, step=20)
        counts = world.get(mailing_id).counts
        assert max(world.services.gateway.accepted.values(), default=1) == 1
        assert counts.sent + counts.unknown == CLIENTS
        assert counts.unknown == sum(row.status == "unknown" for row in world.services.messages.rows.values())
        died += crashing.is_dead
    assert died > 5


def test_a_pause_and_a_resume_between_the_gateways_keep_each_message_once() -> None:
    world, mailing_id = world_with(lambda _: DOWN)
    world.run(5)
    pause_mailing(world.services, mailing_id)
    world.run(300)
    resume_mailing(world.services, mailing_id)
    world.run(3600)
    assert world.get(mailing_id).counts.sent == CLIENTS
    assert max(world.services.gateway.accepted.values()) == 1


ANY = [OK, OK, OK, SILENT, DOWN, Answer(200, "<html>busy</html>"), Answer(502), *CLEAR[1:], of(Kind.OPTED_OUT)]


@pytest.mark.parametrize("first_dedupes", [False, True])
def test_any_answers_of_both_and_any_deaths_leave_each_message_at_one_gateway(first_dedupes: bool) -> None:
    moved = unknown = died = 0
    for seed in range(depth(full=40, quick=10, deep=400)):
        random = Random(seed)
        world, mailing_id = world_with(lambda _, random=random: random.choice(ANY), first_dedupes)
        world.services.gateway.answer_at["second"] = world.services.gateway.answer_at["first"]
        deaths = [CrashingServices(world.services, random.randrange(1, 40), random.random() < 0.5) for _ in range(30)]
        world.crashing = dict(zip(random.sample(range(200), len(deaths)), deaths, strict=True))
        world.run(900, step=10)
        world.services.gateway.answer_at = {}
        run_to_the_end(world, mailing_id)
        by_message = posts_by_message(world)
        for posts in by_message.values():
            taken = [post.gateway for post in posts if post.may_be_taken]
            assert len(set(taken)) <= 1, seed
            assert len(taken) <= 1 or (first_dedupes and taken[0] == "first"), seed
        counts = world.get(mailing_id).counts
        assert counts == world.counted_rows(mailing_id), seed
        finished = counts.sent + counts.failed + counts.unknown + counts.cancelled
        assert finished == counts.total == CLIENTS, (
            seed
        )  # cancelled: the process died after it had opted the client out
        moved += sum(len({post.gateway for post in posts}) > 1 for posts in by_message.values())
        unknown, died = unknown + counts.unknown, died + sum(one.is_dead for one in deaths)
    assert min(moved, unknown, died) > 10


def run_to_the_end(world: World, mailing_id: int) -> None:
    """A mailing that has paused by itself is resumed."""
    for _ in range(60):
        if not world.get(mailing_id).is_open:
            return
        if world.get(mailing_id).status == "paused":
            resume_mailing(world.services, mailing_id)
        world.run(90, step=30)


def posts_by_message(world: World) -> dict[int, list[Post]]:
    found: dict[int, list[Post]] = {}
    for post in world.services.gateway.posts:
        found.setdefault(post.message_id, []).append(post)
    return found
