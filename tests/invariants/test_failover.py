"""Two gateways: a message moves to the second one only if the first certainly does not have it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import time, timedelta
from functools import cache
from random import Random
from typing import Any

import pytest

from chalicelib.domain.message import read_message_id
from chalicelib.domain.outcome import Kind
from chalicelib.gateways.answer import Answer
from chalicelib.gateways.configured import Configured
from chalicelib.gateways.port import Sms
from chalicelib.mailings.lifecycle import change_mailing, pause_mailing, resend_mailing, resume_mailing
from infra.local.doubles.crashing_services import CrashingServices
from infra.local.doubles.fake_gateway import OF_A_PROVIDER, Post
from infra.local.doubles.world import World
from tests.depth import depth

CLIENTS = 40
OK = Answer(200, '{"code": 0, "message": "OK"}')
DOWN = Answer(None, "NewConnectionError", never_sent=True)
SILENT = Answer(None, "ReadTimeout")


def of(kind: Kind) -> Answer:
    return Answer(OF_A_PROVIDER, kind.value)


def gateway(name: str, **given: Any) -> Configured:
    return Configured(name, "contract", f"https://{name}.example.com", **given)


def world_with(
    first: Callable[[Sms], Answer], dedupes: bool = False, clients: int = CLIENTS, **given: Any
) -> tuple[World, int]:
    gateways = (gateway("first", dedupes=dedupes, **given), gateway("second"))
    world = World(gateways=gateways)
    world.clients(clients)
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


@pytest.mark.parametrize("order", [("first", "second"), ("second", "first")])
@pytest.mark.parametrize("at_once", [True, False], ids=["in one batch", "one by one"])
def test_what_another_gateway_has_refused_and_reports_changes_nothing(order: tuple[str, str], at_once: bool) -> None:
    world, mailing_id = world_with(lambda _: of(Kind.PERMANENT), clients=2)
    world.run(300)
    refused, taken = (row.id for row in world.services.messages.rows.values())
    for name in order:
        world.report(*[refused, taken] if name == "first" else [taken], status="undelivered", reason=name, gateway=name)
        if not at_once:
            world.settle_all()
    world.settle_all()
    counts = world.get(mailing_id).counts
    assert (counts.sent, counts.undelivered) == (2, 1)
    assert {str(row.last_error) for row in world.services.messages.rows.values()} == {"None", "Not delivered: second"}
    world.report(refused, gateway="first")
    world.settle_all()
    assert world.get(mailing_id).counts.delivered == 1


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


@pytest.mark.parametrize("doubtful", ["first", "second"])
@pytest.mark.parametrize("limit", [{}, {"rate_limit": 1}], ids=["at once", "by a feed"])
def test_an_unknown_message_that_a_person_sends_again_goes_to_the_gateway_that_knows_its_id(
    doubtful: str, limit: dict[str, Any]
) -> None:
    gateways = (gateway("first", dedupes=True), gateway("second", dedupes=True))
    world = World(gateways=gateways)
    world.clients(5)
    mailing_id = world.mailing(lasts=7200, **limit)
    world.services.gateway.answer_at = {"first": lambda _: REFUSED, doubtful: lambda _: SILENT}
    world.run(3600)
    assert world.get(mailing_id).counts.unknown == 5
    before = posts(world)
    world.services.gateway.answer_at = {"first": lambda _: OK, "second": lambda _: OK}
    resend_mailing(world.services, mailing_id, ["unknown"])
    world.run(600)
    assert world.get(mailing_id).counts.sent == 5
    assert posts(world) - before == {doubtful: 5}


def test_a_number_that_the_last_gateway_refuses_fails_with_its_reason() -> None:
    world, mailing_id = world_with(lambda _: of(Kind.PERMANENT))
    world.services.gateway.answer_at["second"] = lambda _: Answer(400)
    world.run(1800)
    assert world.get(mailing_id).counts.failed == CLIENTS
    assert posts(world) == {"first": CLIENTS, "second": CLIENTS}
    assert {str(row.last_error) for row in world.services.messages.rows.values()} == {
        "The gateway refused the message (400)."
    }


def test_a_post_waits_for_the_secret_of_its_own_gateway_only() -> None:
    world, _ = world_with(lambda _: DOWN)
    prepared: list[str] = []
    world.services.gateway.prepare = lambda name=None: prepared.append(name or "all")
    world.run(60)
    assert [name for name in prepared if name != "all"] == [post.gateway for post in world.services.gateway.posts]
    assert {"first", "second"} < set(prepared)


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


MANY = depth(full=400, quick=200)
REFUSED, BROKEN = of(Kind.PERMANENT), of(Kind.TEMPORARY)


def outage(first: Answer, second: Answer) -> tuple[World, int]:
    """Both gateways answer so to everything, for ten minutes."""
    world, mailing_id = world_with(lambda _: first, clients=MANY)
    world.services.gateway.answer_at["second"] = lambda _: second
    world.run(600)
    return world, mailing_id


@cache
def posts_to_one_gateway(answer: Answer) -> int:
    """In the same outage, without another gateway."""
    world = World()
    world.clients(MANY)
    world.services.gateway.default_answer = answer
    world.mailing(lasts=7200)
    world.run(600)
    return len(world.services.gateway.posts)


def test_an_outage_of_the_second_gateway_costs_probes_also_if_all_messages_were_at_the_first_one() -> None:
    world, mailing_id = outage(REFUSED, BROKEN)
    assert posts(world)["second"] <= posts_to_one_gateway(BROKEN)
    world.services.gateway.answer_at["second"] = lambda _: OK
    world.run(3600)
    assert world.get(mailing_id).counts.sent == MANY


def test_a_message_that_a_gateway_refuses_for_good_is_not_posted_there_again_while_the_next_one_is_down() -> None:
    world, _ = outage(REFUSED, BROKEN)
    assert posts(world)["first"] <= MANY + posts(world)["second"]


def test_a_message_that_a_gateway_refuses_for_good_is_not_posted_there_again_after_a_resume() -> None:
    """The resume queues it anew, so its queue message does not show that it was posted."""
    world, mailing_id = world_with(lambda _: REFUSED)
    world.services.gateway.answer_at["second"] = lambda _: BROKEN
    world.run(60)
    pause_mailing(world.services, mailing_id)
    world.run(300)
    resume_mailing(world.services, mailing_id)
    world.run(60)
    assert posts(world)["first"] <= CLIENTS + posts(world)["second"]


def test_a_message_that_a_gateway_refuses_for_good_is_not_posted_there_again_on_the_next_day() -> None:
    world, mailing_id = world_with(lambda _: REFUSED)
    world.services.gateway.answer_at["second"] = lambda _: BROKEN
    hours = {"time_from": time(9), "time_to": time(12, 30)}
    change_mailing(world.services, mailing_id, {"datetime_end": world.clock.now() + timedelta(days=2), **hours})
    world.run(24 * 3600, step=60)
    assert posts(world)["first"] <= CLIENTS + posts(world)["second"]


def test_a_message_returns_to_a_gateway_that_works_again_while_the_one_behind_it_is_down() -> None:
    world, mailing_id = outage(BROKEN, BROKEN)
    world.services.gateway.answer_at["first"] = lambda _: OK
    world.run(1200)
    assert world.get(mailing_id).counts.sent == MANY


OUTAGES = [BROKEN, DOWN, of(Kind.THROTTLED), of(Kind.BALANCE)]


@pytest.mark.parametrize("second", OUTAGES, ids=lambda answer: answer.body)
@pytest.mark.parametrize("first", OUTAGES[:3], ids=lambda answer: answer.body)
def test_an_outage_of_both_gateways_costs_each_as_many_posts_as_if_it_were_alone(first: Answer, second: Answer) -> None:
    world, _ = outage(first, second)
    assert posts(world)["first"] <= 1.2 * posts_to_one_gateway(first)
    assert posts(world)["second"] <= 1.2 * posts_to_one_gateway(second)


def test_answers_of_the_second_gateway_without_a_meaning_pause_a_mailing_that_the_first_one_refuses() -> None:
    world, mailing_id = world_with(lambda _: REFUSED, clients=MANY)
    world.services.gateway.answer_at["second"] = lambda _: Answer(200, "<html>busy</html>")
    world.run(900)
    assert world.get(mailing_id).status == "paused"
    assert posts(world)["second"] <= 3 * CLIENTS


def test_messages_that_always_fail_at_both_gateways_hold_no_other_mailing_back() -> None:
    world, bad = world_with(lambda _: OK)
    for name in ("first", "second"):
        world.services.gateway.answer_at[name] = lambda sms: BROKEN if read_message_id(sms.id) in failing else OK
    failing = {(bad, client_id) for client_id in range(1, CLIENTS + 1)}
    world.run(600)
    other = world.mailing(lasts=7200)
    world.run(30)
    assert world.get(other).counts.sent == CLIENTS


def test_a_message_goes_first_to_the_gateway_of_its_operator() -> None:
    world, mailing_id = world_with(lambda _: OK, codes=frozenset({"900"}))
    world.run(600)
    codes = {post.gateway: set[str]() for post in world.services.gateway.posts}
    for post in world.services.gateway.posts:
        codes[post.gateway].add(post.phone_number[1:4])
    assert codes["first"] == {"900"}
    assert "900" not in codes["second"]
    assert world.get(mailing_id).counts.sent == CLIENTS


SLOW = 10.0
"""Messages a second at the first gateway."""


def with_rates(clients: int, second: dict[str, Any], first: dict[str, Any], **mailing: Any) -> tuple[World, int]:
    gateways = (gateway("first", **{"rate": SLOW, **first}), gateway("second", **second))
    world = World(gateways=gateways, sender_threads=50)
    world.batch = 100
    world.clients(clients)
    return world, world.mailing(lasts=7200, **mailing)


def most_in_a_second(world: World, name: str | None = None) -> int:
    seconds = (int(post.at.timestamp()) for post in world.services.gateway.posts if name in (None, post.gateway))
    return max(Counter(seconds).values())


def test_a_message_waits_for_its_turn_at_its_gateway() -> None:
    world, mailing_id = with_rates(200, {}, {})
    world.run(60, step=1)
    assert posts(world) == {"first": 200}
    assert most_in_a_second(world) <= 1.25 * SLOW
    assert world.get(mailing_id).counts.sent == 200


@pytest.mark.parametrize("second", [{}, {"rate": 30.0}], ids=["without a limit", "with one"])
def test_messages_that_would_wait_for_minutes_go_to_the_next_gateway(second: dict[str, Any]) -> None:
    world, mailing_id = with_rates(3000, second, {})
    world.run(200, step=1)
    assert world.get(mailing_id).counts.sent == 3000
    assert min(posts(world).values()) >= 60 * SLOW, "both are used"
    assert most_in_a_second(world, "first") <= 1.25 * SLOW
    assert max(world.services.gateway.accepted.values()) == 1


def test_a_spare_gateway_takes_no_messages_that_wait_for_their_turn() -> None:
    world, mailing_id = with_rates(1500, {"spare": True}, {})
    world.run(200, step=1)
    assert posts(world) == {"first": 1500}
    assert world.get(mailing_id).counts.sent == 1500


def test_a_spare_gateway_takes_over_in_an_outage() -> None:
    world, mailing_id = with_rates(200, {"spare": True}, {})
    world.services.gateway.answer_at["first"] = lambda _: DOWN
    world.run(600)
    assert world.get(mailing_id).counts.sent == 200


def test_while_the_next_gateway_is_down_messages_wait_for_their_turn_at_the_first_one() -> None:
    world, mailing_id = with_rates(1500, {}, {})
    world.services.gateway.answer_at["second"] = lambda _: DOWN
    world.run(400, step=1)
    assert world.get(mailing_id).counts.sent == posts(world)["first"] == 1500
    assert posts(world)["second"] <= 100
    assert world.invocations <= 2000


def test_messages_that_wait_for_a_slow_gateway_beside_one_without_a_limit_are_not_queued_again_each_minute() -> None:
    only_some = {"rate": None, "codes": frozenset(map(str, range(900, 950)))}
    world, mailing_id = with_rates(1200, {"rate": 1.0}, only_some)
    world.run(800, step=2)
    assert world.get(mailing_id).counts.sent == 1200
    assert posts(world) == {"first": 600, "second": 600}
    assert next(world.services.send_queue._ids) <= 2 * 1200


def test_the_limit_of_a_mailing_holds_over_all_gateways_together() -> None:
    first = {"codes": frozenset(map(str, range(900, 950)))}
    world, mailing_id = with_rates(300, {"rate": SLOW}, first, rate_limit=12)
    world.run(60, step=1)
    assert most_in_a_second(world) <= 1.25 * 12
    assert world.get(mailing_id).counts.sent == 300


def test_the_second_gateway_uses_the_limit_of_a_mailing_while_the_first_one_is_down() -> None:
    world, mailing_id = with_rates(300, {}, {"rate": None}, rate_limit=12)
    world.services.gateway.answer_at["first"] = lambda _: DOWN
    world.run(60, step=1)
    assert world.get(mailing_id).counts.sent == 300
    assert most_in_a_second(world) <= 1.25 * 12


def test_the_second_gateway_uses_what_the_adapted_rate_of_the_first_one_leaves_of_the_limit_of_a_mailing() -> None:
    world, mailing_id = with_rates(600, {}, {"rate": None}, rate_limit=20)
    taken = Counter[int]()

    def limited(_: Sms) -> Answer:
        second = int(world.clock.now().timestamp())
        taken[second] += 1
        return OK if taken[second] <= 2 else of(Kind.THROTTLED)

    world.services.gateway.answer_at["first"] = limited
    world.run(100, step=1)
    assert world.get(mailing_id).counts.sent >= 500, "2,000 would fit under the limit"
    assert most_in_a_second(world) <= 1.25 * 20


def test_what_does_not_fit_under_the_adapted_rate_of_the_first_gateway_goes_to_the_second() -> None:
    world, mailing_id = with_rates(600, {}, {"rate": None})
    taken = Counter[int]()

    def limited(_: Sms) -> Answer:
        second = int(world.clock.now().timestamp())
        taken[second] += 1
        return OK if taken[second] <= 5 else of(Kind.THROTTLED)

    world.services.gateway.answer_at["first"] = limited
    world.run(200, step=1)
    assert world.get(mailing_id).counts.sent == 600
    assert posts(world)["second"] > 100


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
