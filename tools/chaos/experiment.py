"""A target, which is a local stack with a fault proxy and clients, and an experiment, which is one attacked mailing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from threading import Event, Thread
from typing import Any

import boto3
import requests
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.gateways.registry import provider
from infra.local.seed import LOCAL_TOKEN
from infra.local.simulator import Simulator
from infra.local.stack import DevStack, StackFailed

from .fault_proxy import FaultProxy

TEXT, NEW_TEXT = "chaos", "chaos, changed"
TAKES_EFFECT = timedelta(seconds=5)
"""Within this time a change must apply to all messages that are not in flight."""

BATCH = 10
"""Messages in one batch of a stack without whole batches: the most that are in flight when a sender is killed."""

POLL_SECONDS = 0.2
FIRST_PHONE = 79770000000


@dataclass
class Target:
    """`quick`: the sweep runs every few seconds, and the messages of a killed worker return sooner.

    `second`: the gateway behind the one that is attacked.
    """

    stack: DevStack
    fault_proxy: FaultProxy
    clients: int
    quick: bool
    second: Simulator | None = None
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.headers["Authorization"] = f"Token {LOCAL_TOKEN}"

    @property
    def simulator(self) -> Simulator:
        assert self.stack.simulator is not None
        return self.stack.simulator

    @property
    def simulators(self) -> list[Simulator]:
        return [self.simulator, self.second] if self.second else [self.simulator]

    @property
    def posts(self) -> int:
        return sum(simulator.seen.requests for simulator in self.simulators)

    def call(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        response = self.session.request(method, self.stack.url + path, data=body, timeout=30)
        if not response.ok:
            raise StackFailed(f"{method} {path} returned {response.status_code}: {response.text[:300]}")
        answer: dict[str, Any] = response.json() if response.content else {}
        return answer

    def register_clients(self) -> None:
        for phone in self.phones:
            self.call("POST", "/Clients/", phone_number=phone)

    @property
    def phones(self) -> list[int]:
        return [FIRST_PHONE + number for number in range(self.clients)]

    def client_of(self, phone: int) -> int:
        """The id of the client with this phone number. They are registered first, in order."""
        return phone - FIRST_PHONE + 1

    @property
    def dedupes(self) -> bool:
        """Whether the gateway accepts a repeated message id only once."""
        return bool(provider(self.simulator.provider.name).CAPABILITIES.dedupes)

    def find_function(self, name: str) -> str:
        functions = boto3.client("lambda").list_functions(MaxItems=50)["Functions"]
        return next(item["FunctionName"] for item in functions if f"-{name}-" in item["FunctionName"])

    def limit_turns(self, function: str, seconds: int) -> int:
        """Set the timeout of a Lambda and return the one before. MiniStack also kills its workers."""
        name, lambdas = self.find_function(function), boto3.client("lambda")
        before: int = lambdas.get_function_configuration(FunctionName=name)["Timeout"]
        lambdas.update_function_configuration(FunctionName=name, Timeout=seconds)
        return before

    def sweep(self) -> None:
        """Invoke the sweep, as EventBridge does every minute."""
        with suppress(ClientError, BotoCoreError):  # killed, or MiniStack is stopped; another sweep follows
            boto3.client("lambda").invoke(FunctionName=self.find_function("Sweep"), Payload="{}")

    @contextmanager
    def frequent_sweeps(self, seconds: float = 3) -> Iterator[None]:
        """Inside the block the sweep runs every few seconds instead of every minute."""
        finished = Event()

        def sweep_often() -> None:
            while not finished.wait(seconds):
                self.sweep()

        thread = Thread(target=sweep_often, daemon=True)
        thread.start()
        try:
            yield
        finally:
            finished.set()
            thread.join(30)


@dataclass
class Experiment:
    """One attacked mailing. `forbidden` has the periods in which nothing may be posted; an end of None is never.

    From `new_text_from` on every post must have the new text. `may_repeat` is the number of posts that were in flight
    when senders were killed. `rate` is the highest limit that the mailing had, in messages a second. `late` is the
    number of messages that were not sent in the time of the scenario. `most_posts`: the limit of posts to one client.
    """

    target: Target
    random: Random
    mailing: dict[str, Any]
    forbidden: list[tuple[datetime, datetime | None]] = field(default_factory=list)
    new_text_from: datetime | None = None
    may_repeat: int = 0
    rate: int | None = None
    late: int = 0
    most_posts: int | None = None

    @property
    def path(self) -> str:
        return f"/Mailing/{self.mailing['id']}/"

    def await_share(self, low: float = 0.1, high: float = 0.6, patience: float = 60) -> None:
        """Wait until the posts reach a random part of the number of clients."""
        share = self.random.uniform(low, high)
        self.await_until(lambda: self.target.posts >= share * self.target.clients, patience)

    def await_until(self, is_true: Callable[[], bool], patience: float) -> bool:
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if is_true():
                return True
            time.sleep(POLL_SECONDS / 10)
        return False

    def await_end(self, patience: float) -> dict[str, Any]:
        """The statistics when the mailing has ended, or after `patience` seconds."""
        deadline = time.monotonic() + patience
        while True:
            stats = self.stats()
            if stats["ended_at"] or time.monotonic() > deadline:
                return stats
            time.sleep(POLL_SECONDS)

    @property
    def is_over(self) -> bool:
        return bool(self.stats()["ended_at"])

    def stats(self) -> dict[str, Any]:
        return self.target.call("GET", f"/Stats/{self.mailing['id']}/?limit=1")

    def kill(self, function: str, times: int, pause: tuple[float, float] = (0.3, 1.2)) -> None:
        """Send SIGKILL to all workers of this Lambda, `times` times, at random moments."""
        for _ in range(times):
            time.sleep(self.random.uniform(*pause))
            killed = self.target.stack.kill_workers(function)
            if function == "SendMessages":
                self.may_repeat += BATCH * killed

    def pause(self) -> None:
        self.target.call("POST", self.path + "pause/")
        self.forbidden.append((now() + TAKES_EFFECT, None))

    def resume(self) -> None:
        since, _ = self.forbidden.pop()
        self.forbidden.append((since, now()))
        self.target.call("POST", self.path + "resume/")

    def cancel(self) -> None:
        self.target.call("POST", self.path + "cancel/")
        self.forbidden.append((now() + TAKES_EFFECT, None))

    def change_text(self) -> None:
        self.target.call("PATCH", self.path, message_text=NEW_TEXT)
        self.new_text_from = now() + TAKES_EFFECT

    def change_rate(self, rate: int) -> None:
        self.target.call("PATCH", self.path, rate_limit=rate)
        self.rate = max(rate, self.rate or 0)

    def move_end(self, moment: datetime) -> None:
        self.mailing = self.target.call("PATCH", self.path, datetime_end=moment.isoformat())


def announce(target: Target, random: Random, starts_in: float, lasts: float, fields: dict[str, Any]) -> Experiment:
    start = now() + timedelta(seconds=starts_in)
    mailing = target.call(
        "POST",
        "/Mailing/",
        datetime_start=start.isoformat(),
        datetime_end=(start + timedelta(seconds=lasts)).isoformat(),
        message_text=TEXT,
        **fields,
    )
    before = (datetime.min.replace(tzinfo=UTC), start.replace(microsecond=0))
    return Experiment(target, random, mailing, forbidden=[before], rate=mailing["rate_limit"])


def make_visible_sooner(queue_url: str, seconds: int) -> None:
    """The queue delivers the messages of a killed worker again after `seconds`."""
    boto3.client("sqs").set_queue_attributes(QueueUrl=queue_url, Attributes={"VisibilityTimeout": str(seconds)})


def visibility_of(queue_url: str) -> int:
    """Seconds until the queue delivers a message again."""
    asked = boto3.client("sqs").get_queue_attributes(QueueUrl=queue_url, AttributeNames=["VisibilityTimeout"])
    return int(asked["Attributes"]["VisibilityTimeout"])


def now() -> datetime:
    return datetime.now(UTC)
