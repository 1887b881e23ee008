"""Senders count the posts to several gateways in a write that they make anyway: none is counted twice."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from chalicelib.domain.gateway_posts import GatewayPosts, added
from chalicelib.domain.outcome import Kind
from chalicelib.errors import NotWritten
from chalicelib.gateways.answer import Answer
from infra.local.doubles.crashing_services import CrashingServices
from infra.local.doubles.world import World
from tests.depth import depth

from .batch_calls import calls_of_a_batch
from .test_failover import CLIENTS, DOWN, OK, SILENT, gateway, of, posts, world_with


def counted(world: World) -> dict[str, GatewayPosts]:
    return dict(added(mailing.by_gateway for mailing in world.services.mailings.rows.values()))


def totals(world: World) -> Counter[str]:
    return Counter({name: found.total for name, found in counted(world).items()})


@pytest.mark.parametrize(
    ("answer", "meaning", "used"),
    [
        (OK, "accepted", {"first"}),
        (of(Kind.PERMANENT), "refused", {"first", "second"}),
        (DOWN, "failed", {"first", "second"}),
        (of(Kind.OPTED_OUT), "refused", {"first"}),
    ],
    ids=["accepted", "refused and sent by the next one", "down", "opted out"],
)
def test_each_post_is_counted_once_at_its_gateway(answer: Answer, meaning: str, used: set[str]) -> None:
    world, mailing_id = world_with(lambda _: answer)
    began = world.clock.now()
    world.run(1800)
    assert world.get(mailing_id).status == "finished"
    assert totals(world) == posts(world)
    found = counted(world)
    assert set(found) == used
    assert getattr(found["first"], meaning) == found["first"].total
    for one in found.values():
        assert (one.accepted_at is not None) == (one.accepted > 0)
        assert one.accepted_at is None or began <= one.accepted_at <= world.clock.now()


def test_posts_of_batches_without_an_outcome_are_counted_by_the_next_batch() -> None:
    """Each batch has one message, so that of a failed post writes no counts."""
    world, _ = world_with(lambda _: of(Kind.TEMPORARY), clients=4)
    world.batch = 1
    world.run(1800)
    assert totals(world) == posts(world)
    assert counted(world)["first"].failed > 0


def test_the_count_by_gateway_costs_no_call() -> None:
    answers = [OK] * 10
    several = tuple(gateway(name, dedupes=True) for name in ("first", "second"))
    assert calls_of_a_batch(answers, gateways=several) == calls_of_a_batch(answers, gateways=several[:1])


def test_with_one_gateway_nothing_is_counted_by_gateway() -> None:
    world = World()
    world.clients(CLIENTS)
    mailing_id = world.mailing()
    world.run(600)
    assert world.get(mailing_id).posts == CLIENTS
    assert counted(world) == {}


@pytest.mark.parametrize("took_effect", [True, False])
def test_a_write_whose_answer_is_lost_counts_no_post_twice(took_effect: bool) -> None:
    world, mailing_id = world_with(lambda _: OK)
    mailings, lost = world.services.mailings, Random(0)
    add_counts = mailings.add_counts

    def losing(*given: Any, **named: Any) -> Any:
        if lost.random() < 0.5:
            if took_effect:
                add_counts(*given, **named)
            raise NotWritten("the answer is lost")
        return add_counts(*given, **named)

    mailings.add_counts = losing  # type: ignore[method-assign]
    world.run(1800)
    assert world.get(mailing_id).counts.sent == CLIENTS
    assert totals(world)["first"] == CLIENTS if took_effect else 0 < totals(world)["first"] < CLIENTS


def test_a_sender_that_dies_counts_no_post_twice() -> None:
    died = 0
    for at in range(1, depth(40, 15)):
        world, _ = world_with(lambda _: DOWN, clients=10)
        world.do_jobs()
        crashing = CrashingServices(world.services, at, at % 2 == 0)
        world.crashing = {world.invocations: crashing}
        world.run(1200, step=20)
        assert totals(world) <= posts(world)
        died += crashing.is_dead
    assert died > 5


def test_old_posts_are_not_counted_as_recent_ones() -> None:
    """Both gateways are silent for ten minutes: no batch writes counts meanwhile."""
    world, _ = world_with(lambda _: SILENT, dedupes=True)
    ends = world.clock.now() + timedelta(minutes=10)
    world.services.gateway.answer_at = dict.fromkeys(
        ("first", "second"), lambda _: SILENT if world.clock.now() < ends else OK
    )
    world.run(5400)
    assert totals(world)["first"] < posts(world)["first"]
    assert totals(world) <= posts(world)
