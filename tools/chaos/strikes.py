"""What is done to a mailing on its way: each strike returns when it is over."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from threading import Thread
from typing import Any

import boto3

from chalicelib.adapters.schedules import Schedules
from chalicelib.domain.jobs import SendMessage, to_body
from infra.local.deployment import STACK_NAME

from .field import BATCH, Campaign, now

Strike = Callable[[Campaign, float], None]
"""`strike(campaign, seconds)`; `seconds`: how long a failure lasts."""


def kill(function: str, times: int = 3) -> Strike:
    def strike(campaign: Campaign, _: float) -> None:
        campaign.await_share()
        campaign.kill(function, times)

    return strike


def kill_the_fan_out(campaign: Campaign, _: float) -> None:
    """Slowed down, so that it is hit between its rows, its queue messages and its cursor."""
    campaign.ground.saboteur.act(delay=0.4, delayed=("BatchWriteItem", "SendMessageBatch"))
    campaign.kill("RunJobs", 3, pause=(0.2, 1.5))
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
    Schedules(STACK_NAME, target_arn="", role_arn="").remove(campaign.mailing["id"])


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
        "body": to_body(SendMessage(mailing_id, client_id)),
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": str(int(time.time() * 1000))},
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


def limited(rate: int) -> Callable[[], dict[str, Any]]:
    return lambda: {"rate_limit": rate}


def change_the_rate(campaign: Campaign, seconds: float) -> None:
    """Up, so that what the queue holds back is queued again, and down, while writes fail."""
    campaign.await_share(0.05, 0.2)
    campaign.ground.saboteur.act(fail=0.2)
    for rate in (40, 5, 20):
        campaign.change_rate(rate)
        time.sleep(seconds / 3)
    campaign.ground.saboteur.act()


def soon_open() -> dict[str, Any]:
    """Local hours that begin with the next minute but one; everybody's clock shows UTC."""
    opens = _next_minute()
    return {"time_from": f"{opens:%H:%M}", "time_to": f"{opens + timedelta(hours=6):%H:%M}"}


def soon_closed() -> dict[str, Any]:
    return {"time_from": f"{now() - timedelta(hours=6):%H:%M}", "time_to": f"{_next_minute():%H:%M}"}


def _next_minute() -> datetime:
    """The next that is not all but here: there is time to announce a mailing."""
    return (now() + timedelta(seconds=70)).replace(second=0, microsecond=0)


def kill_when_the_hours_begin(campaign: Campaign, _: float) -> None:
    opens = _moment_of(campaign.mailing["time_from"])
    campaign.forbidden.append((datetime.fromisoformat(campaign.mailing["datetime_start"]), opens))
    campaign.await_share(0.1, 0.6, patience=140)
    campaign.kill("SendMessages", 2)


def let_the_hours_end(campaign: Campaign, _: float) -> None:
    """Who has not got it by then waits for tomorrow, until the hours are taken away."""
    closes = _moment_of(campaign.mailing["time_to"])
    campaign.await_until(lambda: now() > closes + timedelta(seconds=8), 140)
    campaign.forbidden.append((closes, now()))
    campaign.ground.call("PATCH", campaign.path, time_from="", time_to="")


def _moment_of(clock: str) -> datetime:
    """Today, or tomorrow shortly before midnight."""
    hour, minute = map(int, clock.split(":"))
    moment = now().replace(hour=hour, minute=minute, second=0, microsecond=0)
    return moment if moment > now() - timedelta(hours=12) else moment + timedelta(days=1)
