"""A provider that is asked about deliveries: no receipt is lost in a crash, and the questions have a bound."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace

import pytest

from chalicelib.domain.asking import ASKED_AT
from chalicelib.domain.counts import Counts
from chalicelib.errors import TryAgain
from chalicelib.gateways.answer import Answer
from chalicelib.gateways.asker import Asker
from chalicelib.gateways.port import Options, Request, Sms
from chalicelib.gateways.receipts import smsru
from infra.local.doubles.crashing_services import CrashingServices
from infra.local.doubles.world import World
from infra.local.providers.form import Received
from infra.local.providers.registry import form_of, table_of
from infra.local.providers.smsru import read
from tests.depth import crash_points

CLIENTS = 12
DAY = 24 * 3600


class KnownSecret:
    def __init__(self) -> None:
        self.expired = 0

    def value(self) -> str:
        return table_of("smsru").secret

    def expire(self) -> None:
        self.expired += 1


class SmsRu:
    """What the provider knows: `statuses` by the number of the acceptance. It is silent while `is_down`."""

    def __init__(self, world: World) -> None:
        self.statuses: dict[int, str] = {}
        self.questions: Counter[str] = Counter()
        self.calls: list[int] = []
        self.is_down = False
        self.secret = KnownSecret()
        self._numbers = itertools.count(1)
        world.services.gateway.answer_at["smsru"] = self._accept
        world.services.askers["smsru"] = Asker(smsru, Options("https://sms.ru"), self.secret, self._answer)

    def _accept(self, sms: Sms) -> Answer:
        number = next(self._numbers)
        self.statuses[number] = ""
        return Answer(200, read(100, sms.phone_number, sms_id=f"000000-{number:08}"))

    def _answer(self, request: Request, _: float) -> Answer:
        received = Received({}, request.headers, request.body.decode(), self.secret.value())
        asked = received.form()["sms_id"].split(",")
        self.questions.update(asked)
        self.calls.append(len(asked))
        questions = form_of("smsru").questions
        assert questions is not None
        return Answer(None, "ReadTimeout") if self.is_down else Answer(200, questions.answer(received, self.statuses))

    def deliver(self, *numbers: int, status: str = "delivered") -> None:
        self.statuses |= dict.fromkeys(numbers, status)


def asked_world(clients: int = CLIENTS, **settings: object) -> tuple[World, SmsRu, int]:
    """With a mailing that is announced."""
    given = {"gateway": "smsru", "gateway_url": "https://sms.ru", "gateway_dedupes": False, **settings}
    world = World(receipts=True, asks_queue_url="asks", **given)
    provider = SmsRu(world)
    world.clients(clients)
    return world, provider, world.mailing()


def assert_exact(world: World, mailing_id: int, counts: Counts) -> None:
    assert world.get(mailing_id).counts == world.counted_rows(mailing_id) == counts


def test_the_provider_is_asked_until_every_message_has_a_final_status() -> None:
    world, provider, mailing_id = asked_world()
    world.run(30)
    provider.deliver(*range(1, 6))
    world.run(60)
    assert_exact(world, mailing_id, Counts(total=12, sent=12, delivered=5))
    provider.deliver(*range(6, 10))
    provider.deliver(10, 11, 12, status="undelivered")
    world.run(400)
    assert_exact(world, mailing_id, Counts(total=12, sent=12, delivered=9, undelivered=3))
    assert world.services.asks_queue.messages == {}
    assert max(provider.questions.values()) == 2
    reasons = {str(row.last_error) for row in world.services.messages.rows.values() if row.status == "undelivered"}
    assert reasons == {"Not delivered: 108"}


def test_an_answer_about_a_message_that_another_gateway_has_sent_since_changes_nothing() -> None:
    world, provider, mailing_id = asked_world(clients=1)
    world.run(30)
    rows = world.services.messages.rows
    rows[mailing_id, 1] = replace(rows[mailing_id, 1], gateway="other")
    provider.deliver(1, status="undelivered")
    world.run(400)
    assert_exact(world, mailing_id, Counts(total=1, sent=1))


def test_the_questions_about_a_message_have_a_bound() -> None:
    world, provider, mailing_id = asked_world()
    world.run(2 * DAY, step=60)
    assert set(provider.questions.values()) == {len(ASKED_AT)}
    assert len(provider.questions) == CLIENTS
    assert world.services.asks_queue.messages == {}
    assert_exact(world, mailing_id, Counts(total=12, sent=12))


def test_messages_are_asked_about_together_and_a_hundred_at_most() -> None:
    world, provider, _ = asked_world(clients=250)
    world.batch = 100
    world.run(120)
    assert sum(provider.calls) == 250
    assert max(provider.calls) == 100


def test_a_silent_provider_is_asked_again_at_the_next_age() -> None:
    world, provider, mailing_id = asked_world()
    world.run(30)
    provider.is_down = True
    provider.deliver(*range(1, 13))
    world.run(200)
    assert set(provider.questions.values()) == {1}
    assert provider.secret.expired == len(provider.calls), "the answer may refuse the secret"
    provider.is_down = False
    world.run(300)
    assert_exact(world, mailing_id, Counts(total=12, sent=12, delivered=12))
    assert set(provider.questions.values()) == {2}


@pytest.mark.parametrize("error", [TryAgain("refused"), PermissionError("no right")])
def test_a_queue_that_refuses_costs_the_receipts_and_nothing_else(error: Exception) -> None:
    world, provider, mailing_id = asked_world()

    def refuse(*_: object) -> None:
        raise error

    world.services.asks_queue.send_once = refuse  # type: ignore[method-assign]
    world.run(300)
    assert_exact(world, mailing_id, Counts(total=12, sent=12))
    assert world.get(mailing_id).status == "finished"
    assert provider.questions == {}


@pytest.mark.parametrize("settings", [{"asks_queue_url": ""}])
def test_without_the_queue_nobody_is_asked(settings: dict[str, str]) -> None:
    world = World(gateway="smsru", gateway_url="https://sms.ru", gateway_dedupes=False, **settings)
    provider = SmsRu(world)
    world.clients(CLIENTS)
    world.mailing()
    world.run(300)
    assert provider.questions == {}
    assert world.services.asks_queue.messages == {}


def test_a_gateway_that_a_deploy_has_removed_is_not_asked() -> None:
    world, provider, mailing_id = asked_world()
    world.run(30)
    world.services.askers.clear()
    world.run(300)
    assert provider.questions == {}
    assert_exact(world, mailing_id, Counts(total=12, sent=12))


@pytest.mark.parametrize("after", [False, True])
def test_no_crash_of_a_sender_separates_a_message_from_its_receipt(after: bool) -> None:
    """A message whose sender died after the question was queued is in doubt, and its receipt says what became of it."""
    for at in crash_points():
        world, provider, mailing_id = asked_world()
        world.do_jobs()
        crashing = world.crashing[world.invocations] = CrashingServices(world.services, at, after)
        world.send(world.services.send_queue.receive(CLIENTS))
        world.run(400)
        provider.deliver(*provider.statuses)
        world.run(3600, step=20)
        counts = world.get(mailing_id).counts
        assert counts == world.counted_rows(mailing_id)
        asked = len(provider.questions)
        assert counts.delivered == asked
        assert counts.sent == asked, "sent without a question: its receipt would be lost"
        if not crashing.is_dead:
            assert asked == CLIENTS
            break


@pytest.mark.parametrize("after", [False, True])
def test_no_crash_of_the_worker_loses_a_receipt(after: bool) -> None:
    for at in crash_points():
        world, provider, mailing_id = asked_world()
        world.run(30)
        provider.deliver(*range(1, 13))
        world.run(25)
        world.clock.forward(20)
        crashing = world.crashing[world.invocations] = CrashingServices(world.services, at, after)
        world.settle_all()
        world.run(400)
        assert_exact(world, mailing_id, Counts(total=12, sent=12, delivered=12))
        if not crashing.is_dead:
            assert at > 1
            break
