"""Limits on the cost of texts: posts never cost more than a limit and what was in flight, whatever happens."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.delivery.sender import Sender
from chalicelib.domain.counts import Counts
from chalicelib.domain.jobs import ReceivedMessage
from chalicelib.domain.money import UNIT, Amount
from chalicelib.domain.outcome import Kind, Outcome
from chalicelib.errors import BadInput, NotRead, NotWritten
from chalicelib.gateways.answer import Answer, accepted
from chalicelib.gateways.configured import Configured
from chalicelib.gateways.port import Request, Sms
from chalicelib.mailings.lifecycle import change_mailing, resume_mailing
from infra.local.doubles.crashing_services import CrashingServices
from infra.local.doubles.fake_gateway import answer_of
from infra.local.doubles.fleet import Fleet
from infra.local.doubles.world import World

PRICE = 3 * UNIT // 2
CLIENTS = 40
TWO_PARTS = "Ж" * 71
DAY = 24 * 3600


def priced_world(clients: int = CLIENTS, **settings: Any) -> World:
    world = World(gateway_price=PRICE, **settings)
    world.clients(clients)
    return world


def posts(world: World) -> int:
    return len(world.services.gateway.posts)


def assert_paused(world: World, mailing_id: int, reason: str) -> None:
    mailing = world.get(mailing_id)
    assert mailing.status == "paused"
    assert mailing.paused_because is not None
    assert mailing.paused_because.code == reason
    assert (mailing.counts.parts, mailing.counts.cost) == world.money_by_rows(mailing_id)


def test_a_mailing_pauses_before_it_costs_more_than_its_maximum() -> None:
    world = priced_world()
    mailing_id = world.mailing(lasts=DAY, message_text=TWO_PARTS, max_cost=20 * UNIT)
    world.run(600)
    assert_paused(world, mailing_id, "mailing.max_cost")
    assert posts(world) == 6, "a text of two parts costs 3, and 20 are allowed"
    assert str(world.get(mailing_id).paused_because).startswith("The texts have cost 18.00 of the 20.00 that")
    [record] = world.services.audit.records
    assert (record.who, record.action) == ("the service itself", "paused")


def test_a_mailing_that_costs_exactly_its_maximum_ends() -> None:
    world = priced_world()
    mailing_id = world.mailing(max_cost=CLIENTS * PRICE)
    world.run(600)
    mailing = world.get(mailing_id)
    assert (mailing.status, mailing.counts) == ("finished", Counts(total=CLIENTS, sent=CLIENTS))
    assert (mailing.counts.parts, mailing.counts.cost) == (CLIENTS, CLIENTS * PRICE)


@pytest.mark.parametrize("limit", [{"max_cost": CLIENTS * PRICE}, {}], ids=["of the mailing", "of the day"])
@pytest.mark.parametrize("batch", [10, 2 * CLIENTS])
def test_a_second_queue_message_of_a_sent_message_does_not_pause_at_a_limit_that_is_just_reached(
    batch: int, limit: dict[str, int]
) -> None:
    """A pause and a resume leave two of each, and SQS may deliver one twice."""
    world = priced_world(daily_budget=CLIENTS * PRICE)
    world.batch = batch
    mailing_id = world.mailing(lasts=DAY, **limit)
    world.do_jobs()
    for one in list(world.services.send_queue.messages.values()):
        world.services.send_queue.send_body(one.body)
    world.run(600)
    mailing = world.get(mailing_id)
    assert (mailing.status, mailing.counts) == ("finished", Counts(total=CLIENTS, sent=CLIENTS))


def test_a_resume_pauses_again_without_a_post_until_the_maximum_is_raised() -> None:
    world = priced_world()
    mailing_id = world.mailing(lasts=DAY, max_cost=10 * PRICE)
    world.run(600)
    resume_mailing(world.services, mailing_id)
    world.run(600)
    assert_paused(world, mailing_id, "mailing.max_cost")
    assert posts(world) == 10
    change_mailing(world.services, mailing_id, {"max_cost": None})
    resume_mailing(world.services, mailing_id)
    world.run(1200)
    assert (world.get(mailing_id).status, posts(world)) == ("finished", CLIENTS)


def test_a_resume_after_a_limit_keeps_the_canary_open() -> None:
    world = priced_world()
    mailing_id = world.mailing(lasts=DAY, max_cost=PRICE, canary=5)
    world.run(600)
    assert_paused(world, mailing_id, "mailing.max_cost")
    change_mailing(world.services, mailing_id, {"max_cost": None})
    assert resume_mailing(world.services, mailing_id).awaits_canary


def test_a_message_that_the_gateway_refuses_costs_nothing() -> None:
    world = priced_world()
    world.services.gateway.answers = [answer_of(Kind.PERMANENT)] * 30
    mailing_id = world.mailing(max_cost=10 * PRICE)
    world.run(600)
    mailing = world.get(mailing_id)
    assert (mailing.status, mailing.counts) == ("finished", Counts(total=CLIENTS, sent=10, failed=30))
    assert mailing.counts.cost == 10 * PRICE


def test_a_mailing_with_a_maximum_pauses_if_a_deploy_takes_the_price_away() -> None:
    world = priced_world()
    mailing_id, other = world.mailing(lasts=DAY, max_cost=CLIENTS * PRICE, canary=5), world.mailing(lasts=DAY)
    known = world.services.settings
    world.services.settings = replace(known, gateway_price=None)
    world.run(600)
    assert_paused(world, mailing_id, "mailing.price_unknown")
    assert (world.get(other).status, posts(world)) == ("finished", CLIENTS)
    world.services.settings = known
    assert resume_mailing(world.services, mailing_id).awaits_canary
    world.run(1200)
    mailing = world.get(mailing_id)
    assert (mailing.status, mailing.counts.sent, mailing.counts.cost) == ("finished", CLIENTS, CLIENTS * PRICE)


def test_a_maximum_without_a_price_is_refused() -> None:
    world = World()
    with pytest.raises(BadInput) as refused:
        world.mailing(max_cost=UNIT)
    assert list(refused.value.errors) == ["max_cost"]
    mailing_id = world.mailing()
    with pytest.raises(BadInput):
        change_mailing(world.services, mailing_id, {"max_cost": UNIT})


def test_the_daily_budget_is_for_all_mailings_together_and_the_next_day_has_its_own() -> None:
    world = priced_world(daily_budget=50 * PRICE, report_timezone="Europe/Moscow")
    first, second = world.mailing(lasts=3 * DAY), world.mailing(lasts=3 * DAY)
    world.run(600)
    assert posts(world) == 50
    statuses = sorted(world.get(mailing_id).status for mailing_id in (first, second))
    assert statuses == ["finished", "paused"]
    paused = next(one for one in (first, second) if world.get(one).status == "paused")
    assert_paused(world, paused, "mailing.daily_budget")
    resume_mailing(world.services, paused)
    world.run(600)
    assert_paused(world, paused, "mailing.daily_budget")
    midnight_in_moscow = world.clock.now().replace(hour=21, minute=0, second=0)
    world.clock.forward_to(midnight_in_moscow - timedelta(seconds=60))
    resume_mailing(world.services, paused)
    world.run(30)
    assert (world.get(paused).status, posts(world)) == ("paused", 50)
    world.clock.forward_to(midnight_in_moscow)
    resume_mailing(world.services, paused)
    world.run(600)
    assert (world.get(paused).status, posts(world)) == ("finished", 2 * CLIENTS)
    assert sorted(world.services.spending.days.values()) == [30 * PRICE, 50 * PRICE]


def test_without_a_daily_budget_nobody_reads_or_writes_what_days_have_spent() -> None:
    world = priced_world()
    world.mailing(max_cost=UNIT)
    world.run(600)
    assert world.services.spending.calls == 0


def test_nothing_is_posted_while_nobody_knows_what_the_day_has_spent() -> None:
    world = priced_world(daily_budget=1000 * PRICE)
    known = world.services.spending.of_day

    def unknown(_: object) -> int:
        raise NotRead("spending")

    world.services.spending.of_day = unknown  # type: ignore[method-assign]
    mailing_id = world.mailing(lasts=DAY)
    world.run(600)
    assert (world.get(mailing_id).status, posts(world)) == ("running", 0)
    world.services.spending.of_day = known  # type: ignore[method-assign]
    world.run(1200)
    assert world.get(mailing_id).counts.sent == CLIENTS


def test_an_amount_that_was_not_confirmed_is_added_again_with_the_next_one() -> None:
    world = priced_world(daily_budget=1000 * PRICE)
    add, refusals = world.services.spending.add, iter([True])

    def add_or_refuse(*arguments: Any) -> int:
        if next(refusals, False):
            raise NotWritten("spending")
        return add(*arguments)

    world.services.spending.add = add_or_refuse  # type: ignore[method-assign]
    mailing_id = world.mailing()
    world.run(600)
    assert world.get(mailing_id).counts.cost == CLIENTS * PRICE == sum(world.services.spending.days.values())


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("victim", range(2, 6))
def test_after_a_crash_at_any_call_a_limit_is_exceeded_by_no_more_than_the_batch_that_died(
    victim: int, after: bool
) -> None:
    for at in range(1, 30):
        world = priced_world(daily_budget=25 * PRICE)
        crashing = world.crashing[victim] = CrashingServices(world.services, at, after)
        mailing_id = world.mailing(lasts=DAY, max_cost=25 * PRICE)
        world.run(1200)
        assert world.get(mailing_id).status == "paused"
        sent = world.counted_rows(mailing_id).sent
        assert 25 - world.batch <= sent <= 25 + (world.batch if crashing.is_dead else 0)
        if not crashing.is_dead:
            break


@given(
    st.lists(st.integers(0, 12), max_size=30), st.integers(0, 60), st.booleans(), st.none() | st.integers(0, 4 * PRICE)
)
@settings(deadline=None)
def test_senders_side_by_side_exceed_a_limit_by_no_more_than_they_have_in_flight(
    pauses: list[int], affordable: int, is_daily: bool, told: int | None
) -> None:
    """While a sender waits for an answer others begin batches, and end them first. `told`: the gateway's own price."""
    limit, dearest = affordable * PRICE, max(PRICE, told or 0)
    world = priced_world(clients=80, gateway_currency="RUB", **({"daily_budget": limit} if is_daily else {}))
    if told is not None:
        world.services.gateway.adapter = Charging(price=Amount(told, "RUB"))
    mailing_id = world.mailing(lasts=DAY, max_cost=None if is_daily else limit)
    world.do_jobs()
    flights = Flights(world, [1 + pause for pause in pauses])
    world.services.gateway.while_posting = flights.begin
    world.run(1200)
    cost = world.counted_rows(mailing_id).cost
    assert cost <= limit + flights.most_others * world.batch * dearest + (dearest - PRICE) * (1 + flights.most_others)
    assert world.get(mailing_id).status == ("paused" if posts(world) < 80 else "finished")


class Flights:
    """After as many posts as `pauses` says, a new sender works on a batch while the post waits for its answer.

    `most_others`: the most senders that had a batch in hand beside another one.
    """

    def __init__(self, world: World, pauses: list[int]) -> None:
        self.world = world
        self.pauses = pauses
        self.depth = self.most_others = 0

    def begin(self) -> None:
        if not self.pauses:
            return
        self.pauses[0] -= 1
        if self.pauses[0] > 0:
            return
        self.pauses.pop(0)
        deliveries = self.world.services.send_queue.receive(self.world.batch)
        if not deliveries:
            return
        self.depth += 1
        self.most_others = max(self.most_others, self.depth)
        records = [ReceivedMessage(one.id, one.receipt_handle, one.body, 1, None) for one in deliveries]
        back = Sender(self.world.services).send_batch(records, lambda: 60.0)
        gone = [one.receipt_handle for one in deliveries if one.id not in back]
        self.world.services.send_queue.delete(gone)
        self.depth -= 1


@pytest.mark.parametrize("is_daily", [False, True])
def test_a_fleet_exceeds_a_limit_by_no_more_than_its_batches(is_daily: bool) -> None:
    senders, limit = 8, 1000 * PRICE
    fleet = Fleet(senders, gateway_price=PRICE, **({"daily_budget": limit} if is_daily else {}))
    fleet.world.clients(3000)
    mailing_id = fleet.world.mailing(lasts=DAY, max_cost=None if is_daily else limit)
    fleet.world.fan_out()
    fleet.run(900)
    mailing = fleet.world.get(mailing_id)
    assert mailing.status == "paused"
    assert mailing.counts.cost == fleet.world.counted_rows(mailing_id).cost
    assert limit - 100 * PRICE <= mailing.counts.cost <= limit + (senders - 1) * fleet.batch * PRICE


class Charging:
    """The adapter of a gateway that says what it charges for each message that it accepts."""

    def __init__(self, parts: int | None = None, price: Amount | None = None) -> None:
        self._parts = parts
        self._price = price

    def request(self, sms: Sms, secret: str) -> Request:
        raise NotImplementedError

    def outcome(self, answer: Answer, now: datetime) -> Outcome:
        return accepted(self._parts, self._price)


@pytest.mark.parametrize(
    ("told", "parts", "cost"),
    [
        (Charging(), 1, PRICE),
        (Charging(parts=3), 3, 3 * PRICE),
        (Charging(price=Amount(2 * UNIT, "RUB")), 1, 2 * UNIT),
        (Charging(3, Amount(2 * UNIT, "RUB")), 3, 2 * UNIT),
        (Charging(price=Amount(0, "RUB")), 1, 0),
        (Charging(3, Amount(2 * UNIT, "EUR")), 3, 3 * PRICE),
        (Charging(price=Amount(2 * UNIT)), 1, PRICE),
    ],
    ids=["nothing", "parts", "price", "both", "free", "another currency", "no currency"],
)
def test_a_message_costs_what_the_gateway_says_in_the_currency_of_the_prices(
    told: Charging, parts: int, cost: int
) -> None:
    world = priced_world(clients=5, gateway_currency="RUB", daily_budget=1000 * UNIT)
    world.services.gateway.adapter = told
    mailing_id = world.mailing()
    world.run(600)
    mailing = world.get(mailing_id)
    assert (mailing.counts.parts, mailing.counts.cost) == (5 * parts, 5 * cost) == world.money_by_rows(mailing_id)
    assert sum(world.services.spending.days.values()) == 5 * cost


@pytest.mark.parametrize("currency", ["", "RUB"])
def test_a_price_is_not_taken_without_a_currency_or_a_price_of_our_own(currency: str) -> None:
    world = World(gateway_currency=currency, gateway_price=None if currency else PRICE)
    world.clients(1)
    world.services.gateway.adapter = Charging(2, Amount(7 * UNIT, currency))
    mailing_id = world.mailing()
    world.run(600)
    assert world.money_by_rows(mailing_id) == (2, 0 if currency else 2 * PRICE)


def test_a_dearer_message_than_expected_leaves_less_room_for_the_next_ones_of_the_batch() -> None:
    world = priced_world(gateway_currency="RUB")
    world.services.gateway.adapter = Charging(price=Amount(4 * PRICE, "RUB"))
    mailing_id = world.mailing(lasts=DAY, max_cost=10 * PRICE)
    world.run(600)
    assert_paused(world, mailing_id, "mailing.max_cost")
    assert (posts(world), world.get(mailing_id).counts.cost) == (3, 12 * PRICE)


def test_a_cheaper_message_than_expected_leaves_more_room() -> None:
    world = priced_world(gateway_currency="RUB")
    world.services.gateway.adapter = Charging(price=Amount(PRICE // 2, "RUB"))
    mailing_id = world.mailing(lasts=DAY, max_cost=10 * PRICE)
    world.run(600)
    assert_paused(world, mailing_id, "mailing.max_cost")
    assert posts(world) == 19, "the twentieth might have cost a whole price"


def test_a_message_costs_the_price_of_the_gateway_that_took_it() -> None:
    first = Configured("first", "contract", "https://first.example.com", dedupes=True, price=3 * UNIT)
    second = replace(first, name="second", url="https://second.example.com", price=2 * UNIT)
    world = World(gateways=(first, second))
    world.clients(3)
    world.services.gateway.answers = [Answer(400)]
    mailing_id = world.mailing()
    world.run(600)
    mailing = world.get(mailing_id)
    assert (mailing.counts.sent, mailing.counts.cost) == (3, 8 * UNIT)
    assert mailing.counts.cost == world.counted_rows(mailing_id).cost
