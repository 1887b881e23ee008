"""Attacks on a running mailing. Each returns when it is over."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from threading import Thread
from typing import Any

import boto3

from chalicelib.domain.job_bodies import to_body
from chalicelib.domain.jobs import SendMessage
from chalicelib.settings import Settings
from infra.local.stack import StackFailed

from .experiment import BATCH, TAKES_EFFECT, Experiment, now

BRAKE_PATIENCE = 420
"""Seconds until twenty messages have got garbage: a sender that has known a good gateway posts five, then probes, at
last twice a minute."""

GOOD_PATIENCE = 30
"""Seconds for the messages that the gateway accepts: without the others they take ten."""

DELAYED = "ApproximateNumberOfMessagesDelayed"

Attack = Callable[[Experiment, float], None]
"""`attack(experiment, seconds)`: a failure lasts for `seconds`."""


def kill(function: str, times: int = 3) -> Attack:
    def attack(experiment: Experiment, _: float) -> None:
        experiment.await_share()
        experiment.kill(function, times)

    return attack


def kill_the_fan_out(experiment: Experiment, _: float) -> None:
    """AWS calls are delayed, so that kills happen between the writes of rows, queue messages and cursor."""
    experiment.target.fault_proxy.inject(delay=0.4, delayed=("BatchWriteItem", "SendMessageBatch"))
    experiment.kill("RunJobs", 3, pause=(0.2, 1.5))
    experiment.target.fault_proxy.inject()


def kill_the_sweep(experiment: Experiment, _: float) -> None:
    """The start is lost, so that only the sweep can start the mailing."""
    lose_the_start(experiment, 0)
    experiment.target.fault_proxy.inject(delay=0.5, delayed=("UpdateItem", "SendMessageBatch"))
    experiment.await_until(lambda: now().isoformat() > experiment.mailing["datetime_start"], 30)
    for _ in range(3):
        sweep = Thread(target=experiment.target.sweep)
        sweep.start()
        experiment.kill("Sweep", 1, pause=(0.1, 0.9))
        sweep.join(30)
    experiment.target.fault_proxy.inject()


def lose_the_start(experiment: Experiment, _: float) -> None:
    """The queue loses the delayed job that starts the mailing. A start that is so near has no schedule."""
    queue, sqs = experiment.target.stack.outputs["JobsQueueUrl"], boto3.client("sqs")
    asked = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=[DELAYED])
    if asked["Attributes"][DELAYED] == "0":
        raise StackFailed("no delayed job starts the mailing, so nothing can be lost")
    sqs.purge_queue(QueueUrl=queue)


def gateway(**behaviour: Any) -> Attack:
    def attack(experiment: Experiment, seconds: float) -> None:
        experiment.await_share()
        experiment.target.simulator.behave(**behaviour)
        time.sleep(seconds)
        experiment.target.simulator.behave()

    return attack


def answer_too_late(experiment: Experiment, seconds: float) -> None:
    """The gateway accepts each message, and answers after the timeout. One that looks at ids may get it again."""
    simulator = experiment.target.simulator
    experiment.await_share()
    before = simulator.seen.requests
    latency = Settings().gateway_timeout + 1
    simulator.behave(latency=latency)
    time.sleep(seconds)
    experiment.may_repeat += simulator.seen.requests - before
    simulator.behave()
    time.sleep(latency)  # until the last of them is accepted, and recorded with this mailing


def answer_garbage(experiment: Experiment, seconds: float) -> None:
    """The mailing pauses by itself, and a person resumes it when the gateway is repaired."""
    simulator = experiment.target.simulator
    experiment.await_share()
    simulator.behave(garbage=True)
    ends_at = time.monotonic() + seconds
    is_paused = experiment.await_until(lambda: experiment.stats()["status"] == "paused", BRAKE_PATIENCE)
    experiment.forbidden.append((now() + TAKES_EFFECT, None))
    time.sleep(max(0.0, ends_at - time.monotonic()))
    simulator.behave()
    if not is_paused:
        raise StackFailed("the mailing did not pause by itself")
    experiment.resume()
    experiment.most_posts = Settings().gateway_max_doubts


def fail_for_most(experiment: Experiment, _: float) -> None:
    """The gateway answers 500 for four of five clients whatever happens. The others must get theirs meanwhile, from
    this gateway or from a second one.
    """
    simulator, phones = experiment.target.simulator, experiment.target.phones
    bad = experiment.random.sample(phones, len(phones) * 4 // 5)
    simulator.behave(latency=0.1, fail_for=tuple(bad))
    good = set(phones).difference(bad)

    def unreached() -> int:
        return len(good.difference(*(tuple(one.seen.phones.values()) for one in experiment.target.simulators)))

    experiment.await_until(lambda: not unreached(), GOOD_PATIENCE)
    experiment.late = unreached()
    simulator.behave()


def no_attack(*_: object) -> None:
    """For comparison, and for scenarios whose faults are present from the start."""


def deliver_to_two_senders(experiment: Experiment, _: float) -> None:
    """Two senders get the same batches at the same moment, while the queue delivers them as well."""
    experiment.await_until(lambda: experiment.stats()["messages"]["total"] == experiment.target.clients, 30)
    lambdas, name = boto3.client("lambda"), experiment.target.find_function("SendMessages")
    for first in range(1, experiment.target.clients + 1, BATCH):
        ids = range(first, min(first + BATCH, experiment.target.clients + 1))
        event = json.dumps({"Records": [_record(experiment.mailing["id"], client_id) for client_id in ids]})
        invoke = partial(lambdas.invoke, FunctionName=name, Payload=event)
        threads = [Thread(target=invoke) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)


def _record(mailing_id: int, client_id: int) -> dict[str, Any]:
    """A queue message in the form of Lambda's event source. It is in no queue."""
    return {
        "messageId": f"duplicate-{client_id}",
        "receiptHandle": "none",
        "body": to_body(SendMessage(mailing_id, client_id)),
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": str(int(time.time() * 1000))},
    }


def inject(**faults: float) -> Attack:
    def attack(experiment: Experiment, seconds: float) -> None:
        experiment.await_share(0.05, 0.4)
        experiment.target.fault_proxy.inject(**faults)
        time.sleep(seconds)
        experiment.target.fault_proxy.inject()

    return attack


def restart_ministack(experiment: Experiment, _: float) -> None:
    """The workers end with MiniStack, in the middle of their work."""
    experiment.await_share()
    experiment.kill("SendMessages", 1)
    experiment.target.stack.stop_emulator()
    experiment.target.stack.start_emulator()


def let_it_end(experiment: Experiment, _: float) -> None:
    experiment.await_until(lambda: now().isoformat() > experiment.mailing["datetime_end"], 60)


def move_the_end_nearer(experiment: Experiment, _: float) -> None:
    experiment.await_share()
    experiment.move_end(now() + timedelta(seconds=2))
    let_it_end(experiment, 0)


def move_the_end_and_back(experiment: Experiment, _: float) -> None:
    """The mailing ends and is continued: expired messages are sent, and none twice."""
    experiment.await_share()
    experiment.move_end(now() + timedelta(seconds=2))
    let_it_end(experiment, 0)
    over_since = datetime.fromisoformat(experiment.mailing["datetime_end"])
    time.sleep(experiment.random.uniform(0.5, 4))
    experiment.forbidden.append((over_since, now()))
    experiment.move_end(now() + timedelta(seconds=900))


def change_the_text(experiment: Experiment, _: float) -> None:
    experiment.await_share()
    experiment.change_text()


def pause_and_resume(experiment: Experiment, _: float) -> None:
    experiment.await_share()
    experiment.pause()
    time.sleep(experiment.random.uniform(6, 9))
    experiment.resume()


def cancel(experiment: Experiment, _: float) -> None:
    experiment.await_share()
    experiment.cancel()


def limited(rate: int) -> Callable[[], dict[str, Any]]:
    return lambda: {"rate_limit": rate}


def change_the_rate(experiment: Experiment, seconds: float) -> None:
    """Raise the rate, so that delayed messages are queued again, and lower it, while writes fail."""
    experiment.await_share(0.05, 0.2)
    experiment.target.fault_proxy.inject(fail=0.2)
    for rate in (40, 5, 20):
        experiment.change_rate(rate)
        time.sleep(seconds / 3)
    experiment.target.fault_proxy.inject()
