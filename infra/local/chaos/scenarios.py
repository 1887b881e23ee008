"""What is broken: each scenario strikes while a mailing is on its way, and says what may come of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from threading import Thread
from typing import Any

import boto3

from chalicelib.domain.message import queue_body

from ..deployment import STACK_NAME
from .field import BATCH, Campaign, now

Strike = Callable[[Campaign, float], None]


@dataclass(frozen=True)
class Scenario:
    """`strike(campaign, seconds)` returns when it is over; `seconds`: how long a failure lasts.

    `gateway` and `sabotage`: how the simulator and the saboteur behave from the start. `may_end`: how a message
    may rightly end, beside sent.
    """

    name: str
    strike: Strike
    gateway: dict[str, Any] = field(default_factory=lambda: {"latency": 0.3})
    sabotage: dict[str, Any] = field(default_factory=dict)
    starts_in: float = 0
    lasts: float = 900
    may_end: frozenset[str] = frozenset()
    is_quick: bool = True


def kill(function: str, times: int = 3) -> Strike:
    def strike(campaign: Campaign, _: float) -> None:
        campaign.await_share()
        campaign.kill(function, times)

    return strike


def kill_the_fan_out(campaign: Campaign, _: float) -> None:
    """Slowed down, so that it is hit between its rows, its queue messages and its cursor."""
    campaign.ground.saboteur.act(delay=0.4, delayed=("BatchWriteItem", "SendMessageBatch"))
    campaign.kill("FanOut", 3, pause=(0.2, 1.5))
    campaign.ground.saboteur.act()


def kill_the_sweep(campaign: Campaign, _: float) -> None:
    """It alone could start this mailing: the schedule is gone."""
    lose_the_schedule(campaign, 0)
    campaign.ground.saboteur.act(delay=0.5, delayed=("UpdateItem", "SendMessageBatch"))
    campaign.await_until(lambda: now().isoformat() > campaign.mailing["datetime_start"], 30)
    for _ in range(3):
        sweep = Thread(target=campaign.ground.sweep)
        sweep.start()
        campaign.kill("Sweep", 1, pause=(0.1, 0.9))
        sweep.join(30)
    campaign.ground.saboteur.act()


def lose_the_schedule(campaign: Campaign, _: float) -> None:
    name = f"mailing-{campaign.mailing['id']}"
    boto3.client("scheduler").delete_schedule(Name=name, GroupName=STACK_NAME)


def gateway(**behaviour: Any) -> Strike:
    def strike(campaign: Campaign, seconds: float) -> None:
        campaign.await_share()
        campaign.ground.simulator.behave(**behaviour)
        time.sleep(seconds)
        campaign.ground.simulator.behave()

    return strike


def nothing(*_: object) -> None:
    """For comparison; and where all that happens is set from the start."""


def deliver_to_two_senders(campaign: Campaign, _: float) -> None:
    """Two senders are given the same batch at the same moment, over and over, while the queue delivers it too."""
    campaign.await_until(lambda: campaign.stats()["messages"]["total"] == campaign.ground.clients, 30)
    lambdas, name = boto3.client("lambda"), campaign.ground.find_function("SendMessages")
    for first in range(1, campaign.ground.clients + 1, BATCH):
        ids = range(first, min(first + BATCH, campaign.ground.clients + 1))
        event = json.dumps({"Records": [_record(campaign.mailing["id"], client_id) for client_id in ids]})
        invoke = partial(lambdas.invoke, FunctionName=name, Payload=event)
        twins = [Thread(target=invoke) for _ in range(2)]
        for twin in twins:
            twin.start()
        for twin in twins:
            twin.join(60)


def _record(mailing_id: int, client_id: int) -> dict[str, Any]:
    """A queue message as its event source hands it over; this one is in no queue."""
    return {
        "messageId": f"twin-{client_id}",
        "receiptHandle": "none",
        "body": json.dumps(queue_body(mailing_id, client_id)),
        "attributes": {"ApproximateReceiveCount": "1"},
    }


def sabotage(**acts: float) -> Strike:
    def strike(campaign: Campaign, seconds: float) -> None:
        campaign.await_share(0.05, 0.4)
        campaign.ground.saboteur.act(**acts)
        time.sleep(seconds)
        campaign.ground.saboteur.act()

    return strike


def restart_ministack(campaign: Campaign, _: float) -> None:
    """With it go the workers, in the middle of what they do."""
    campaign.await_share()
    campaign.kill("SendMessages", 1)
    campaign.ground.stack.stop_ministack()
    campaign.ground.stack.start_ministack()


def let_it_end(campaign: Campaign, _: float) -> None:
    campaign.await_until(lambda: now().isoformat() > campaign.mailing["datetime_end"], 60)


def move_the_end_nearer(campaign: Campaign, _: float) -> None:
    campaign.await_share()
    campaign.move_end(now() + timedelta(seconds=2))
    let_it_end(campaign, 0)


def move_the_end_and_back(campaign: Campaign, _: float) -> None:
    """It is over, and then it is not: who expired is reached, and nobody twice."""
    campaign.await_share()
    campaign.move_end(now() + timedelta(seconds=2))
    let_it_end(campaign, 0)
    over_since = datetime.fromisoformat(campaign.mailing["datetime_end"])
    time.sleep(campaign.random.uniform(0.5, 4))
    campaign.forbidden.append((over_since, now()))
    campaign.move_end(now() + timedelta(seconds=900))


def change_the_text(campaign: Campaign, _: float) -> None:
    campaign.await_share()
    campaign.change_text()


def pause_and_resume(campaign: Campaign, _: float) -> None:
    campaign.await_share()
    campaign.pause()
    time.sleep(campaign.random.uniform(6, 9))
    campaign.resume()


def cancel(campaign: Campaign, _: float) -> None:
    campaign.await_share()
    campaign.cancel()


SLOW = {"latency": 1.0}
SLOWER = {"latency": 3.0}
OVER = frozenset({"expired"})

SCENARIOS = [
    Scenario("nothing is broken", nothing, is_quick=False),
    Scenario("senders killed", kill("SendMessages"), SLOW),
    Scenario("fan-out killed", kill_the_fan_out, is_quick=False),
    Scenario("sweep killed, schedule lost", kill_the_sweep, starts_in=8, is_quick=False),
    Scenario("schedule lost", lose_the_schedule, starts_in=6),
    Scenario("gateway hangs up", gateway(outage=True)),
    Scenario("gateway hangs", gateway(hang=True), is_quick=False),
    Scenario("gateway answers garbage", gateway(garbage=True), is_quick=False),
    Scenario("gateway answers 500", gateway(error_rate=1.0), is_quick=False),
    Scenario("gateway answers 500 to a half", gateway(error_rate=0.5), is_quick=False),
    Scenario("gateway answers 429", gateway(throttle=3), is_quick=False),
    Scenario("gateway answers 401", gateway(unauthorized=True), is_quick=False),
    Scenario("every queue message twice", nothing, sabotage={"double": True}),
    Scenario("a batch to two senders at once", deliver_to_two_senders),
    Scenario("writes throttled", sabotage(throttle=0.5)),
    Scenario("writes failing", sabotage(fail=0.5), is_quick=False),
    Scenario("all writes refused", sabotage(throttle=0.5, fail=0.5), is_quick=False),
    Scenario("MiniStack restarted", restart_ministack, SLOW),
    Scenario("the end in the middle", let_it_end, SLOWER, lasts=9, may_end=OVER),
    Scenario("the end, and writes failing", sabotage(fail=0.4), SLOWER, lasts=9, may_end=OVER, is_quick=False),
    Scenario("the end moved nearer", move_the_end_nearer, SLOWER, may_end=OVER, is_quick=False),
    Scenario("the end moved, and back", move_the_end_and_back, SLOWER, is_quick=False),
    Scenario("the text changed", change_the_text, SLOWER, is_quick=False),
    Scenario("paused and resumed", pause_and_resume, SLOWER),
    Scenario("cancelled", cancel, SLOWER, may_end=frozenset({"cancelled"})),
]
