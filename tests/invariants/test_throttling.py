"""A gateway that takes so many posts a second is kept busy and refuses little. Everybody gets the message once."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.counts import Counts
from chalicelib.domain.outcome import Kind
from infra.local.doubles.crashing_services import CrashingServices
from infra.local.doubles.fake_gateway import answer_of
from infra.local.doubles.fleet import Fleet
from infra.local.doubles.limited_gateway import LimitedGateway
from infra.local.doubles.world import World
from tests.depth import crash_points

DAY, MINUTE = 24 * 3600, 60


def started(clients: int, senders: int = 4) -> tuple[Fleet, int]:
    fleet = Fleet(senders)
    fleet.world.clients(clients)
    mailing_id = fleet.world.mailing(lasts=DAY)
    fleet.world.do_jobs()
    return fleet, mailing_id


def test_four_senders_keep_a_gateway_busy_with_few_refusals_and_few_deliveries() -> None:
    fleet, _ = started(6000)
    gateway = LimitedGateway(fleet.gateway, 100)
    fleet.run(50)
    accepted, refused = gateway.between(15, 45)
    assert accepted >= 0.8 * 30 * 100
    assert refused <= 0.05 * (accepted + refused)
    assert fleet.deliveries <= 2 * gateway.by_second.total()


def test_a_limit_that_rises_is_used_soon() -> None:
    fleet, _ = started(8000)
    gateway = LimitedGateway(fleet.gateway, 40)
    fleet.run(30)
    gateway.limit = 160
    fleet.run(55)
    assert gateway.between(60, 80)[0] >= 0.8 * 20 * 160


def test_a_gateway_without_a_limit_gets_its_posts_as_before() -> None:
    """No sender sleeps: the clock of the simulation stands still in each batch."""
    fleet, mailing_id = started(1000)
    fleet.run(MINUTE)
    batches = {post.at for post in fleet.gateway.posts}
    assert (len(fleet.gateway.posts), len(batches), fleet.deliveries) == (1000, len(batches), 1000)
    assert len(batches) <= 10
    assert fleet.services.mailings.rows[mailing_id].counts.sent == 1000


@pytest.mark.parametrize("settings", [{}, {"gateway_dedupes": False}])
@pytest.mark.parametrize("retry_after", [None, "7"])
def test_everybody_gets_the_message_once_and_soon(retry_after: str | None, settings: dict[str, Any]) -> None:
    world = World(sender_threads=50, **settings)
    world.batch = 100
    world.clients(600)
    gateway = LimitedGateway(world.services.gateway, 20, retry_after)
    mailing_id = world.mailing(lasts=DAY)
    world.run(75, step=1)
    world.run(60, step=5)
    assert_all_have_it_once(world, mailing_id, 600)
    assert gateway.refused.total() <= 60


@pytest.mark.parametrize(
    ("settings", "fields"),
    [({}, {"rate_limit": 50}), ({"gateway_rate": 50.0}, {}), ({}, {"rate_limit": 10}), ({"gateway_rate": 10.0}, {})],
)
def test_a_rate_limit_is_kept_also_while_the_gateway_takes_less(
    settings: dict[str, Any], fields: dict[str, Any]
) -> None:
    world = World(sender_threads=50, **settings)
    world.batch = 100
    world.clients(300)
    gateway = LimitedGateway(world.services.gateway, 20)
    mailing_id = world.mailing(lasts=DAY, **fields)
    world.run(90, step=1)
    assert_all_have_it_once(world, mailing_id, 300)
    limit = fields.get("rate_limit") or settings["gateway_rate"]
    assert max(gateway.by_second.values()) <= 1.25 * limit
    assert gateway.refused.total() <= 40


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
def test_a_sender_that_dies_at_any_call_while_it_is_throttled_loses_and_doubles_nothing(after: bool) -> None:
    for victim in (2, 4):
        for at in crash_points():
            world = World(sender_threads=4)
            world.clients(12)
            gateway = world.services.gateway
            gateway.answers = [gateway.OK, answer_of(Kind.THROTTLED), gateway.OK, answer_of(Kind.THROTTLED, "3")] * 2
            crashing = world.crashing[victim] = CrashingServices(world.services, at, after)
            mailing_id = world.mailing(lasts=DAY)
            world.run(20 * MINUTE)
            assert_all_have_it_once(world, mailing_id, 12, repeats=world.batch if crashing.is_dead else 0)
            if not crashing.is_dead:
                break


def assert_all_have_it_once(world: World, mailing_id: int, clients: int, repeats: int = 0) -> None:
    mailing = world.get(mailing_id)
    assert (mailing.status, mailing.counts) == ("finished", Counts(total=clients, sent=clients))
    assert mailing.counts == world.counted_rows(mailing_id)
    accepted = +world.services.gateway.accepted
    assert len(accepted) == clients
    assert accepted.total() - clients <= repeats
