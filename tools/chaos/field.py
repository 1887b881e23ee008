"""Where things are broken: a local stack with a saboteur in it, its clients, and one mailing at a time."""

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

from infra.local.seed import LOCAL_TOKEN
from infra.local.simulator import Simulator
from infra.local.stack import DevStack, StackFailed

from .saboteur import Saboteur

TEXT, NEW_TEXT = "chaos", "chaos, mended"
TAKES_EFFECT = timedelta(seconds=5)
"""So soon a change must be seen for what is not in flight."""

BATCH = 10
"""Messages that MiniStack hands to a sender at once: as many may be in flight when it is killed."""

LOOK_SECONDS = 0.2


@dataclass
class Field:
    """`hurry`: the sweep comes every few seconds, and a dead worker's messages come back sooner."""

    stack: DevStack
    saboteur: Saboteur
    clients: int
    hurry: bool
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.headers["Authorization"] = f"Token {LOCAL_TOKEN}"

    @property
    def simulator(self) -> Simulator:
        assert self.stack.simulator is not None
        return self.stack.simulator

    def call(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        response = self.session.request(method, self.stack.url + path, data=body, timeout=30)
        if not response.ok:
            raise StackFailed(f"{method} {path} was answered with {response.status_code}: {response.text[:300]}")
        answer: dict[str, Any] = response.json() if response.content else {}
        return answer

    def register_clients(self) -> None:
        for number in range(self.clients):
            self.call("POST", "/Clients/", phone_number=f"79770{number:06d}")

    def find_function(self, name: str) -> str:
        functions = boto3.client("lambda").list_functions(MaxItems=50)["Functions"]
        return next(one["FunctionName"] for one in functions if f"-{name}-" in one["FunctionName"])

    def sweep(self) -> None:
        """As EventBridge does it every minute."""
        with suppress(ClientError, BotoCoreError):  # killed, or MiniStack is being stopped: the next one comes soon
            boto3.client("lambda").invoke(FunctionName=self.find_function("Sweep"), Payload="{}")

    @contextmanager
    def hurried(self, seconds: float = 3) -> Iterator[None]:
        """The sweep comes every few seconds instead of every minute."""
        over = Event()

        def hurry() -> None:
            while not over.wait(seconds):
                self.sweep()

        thread = Thread(target=hurry, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(30)


@dataclass
class Campaign:
    """One mailing under attack. `forbidden`: from when to when nothing may be posted; None: for good.

    `new_text_from`: when the text was changed. `may_repeat`: posts that were in flight when a sender was killed.
    `rate`: the highest limit that it has had, in messages a second.
    """

    ground: Field
    random: Random
    mailing: dict[str, Any]
    forbidden: list[tuple[datetime, datetime | None]] = field(default_factory=list)
    new_text_from: datetime | None = None
    may_repeat: int = 0
    rate: int | None = None

    @property
    def path(self) -> str:
        return f"/Mailing/{self.mailing['id']}/"

    def await_share(self, low: float = 0.1, high: float = 0.6, patience: float = 60) -> None:
        """Until there has been a post for some random share of the clients."""
        share = self.random.uniform(low, high)
        self.await_until(lambda: self.ground.simulator.seen.requests >= share * self.ground.clients, patience)

    def await_until(self, is_so: Callable[[], bool], patience: float) -> bool:
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if is_so():
                return True
            time.sleep(LOOK_SECONDS / 10)
        return False

    def await_end(self, patience: float) -> dict[str, Any]:
        """The statistics when the mailing has ended, or when patience has."""
        deadline = time.monotonic() + patience
        while True:
            stats = self.stats()
            if stats["ended_at"] or time.monotonic() > deadline:
                return stats
            time.sleep(LOOK_SECONDS)

    def stats(self) -> dict[str, Any]:
        return self.ground.call("GET", f"/Stats/{self.mailing['id']}/?limit=1")

    def kill(self, function: str, times: int, pause: tuple[float, float] = (0.3, 1.2)) -> None:
        """SIGKILL to every worker of this Lambda, some times, at random moments."""
        for _ in range(times):
            time.sleep(self.random.uniform(*pause))
            killed = self.ground.stack.kill_workers(function)
            if function == "SendMessages":
                self.may_repeat += BATCH * killed

    def pause(self) -> None:
        self.ground.call("POST", self.path + "pause/")
        self.forbidden.append((now() + TAKES_EFFECT, None))

    def resume(self) -> None:
        since, _ = self.forbidden.pop()
        self.forbidden.append((since, now()))
        self.ground.call("POST", self.path + "resume/")

    def cancel(self) -> None:
        self.ground.call("POST", self.path + "cancel/")
        self.forbidden.append((now() + TAKES_EFFECT, None))

    def change_text(self) -> None:
        self.ground.call("PATCH", self.path, message_text=NEW_TEXT)
        self.new_text_from = now() + TAKES_EFFECT

    def change_rate(self, rate: int) -> None:
        self.ground.call("PATCH", self.path, rate_limit=rate)
        self.rate = max(rate, self.rate or 0)

    def move_end(self, moment: datetime) -> None:
        self.mailing = self.ground.call("PATCH", self.path, datetime_end=moment.isoformat())


def announce(ground: Field, random: Random, starts_in: float, lasts: float, fields: dict[str, Any]) -> Campaign:
    start = now() + timedelta(seconds=starts_in)
    mailing = ground.call(
        "POST",
        "/Mailing/",
        datetime_start=start.isoformat(),
        datetime_end=(start + timedelta(seconds=lasts)).isoformat(),
        message_text=TEXT,
        **fields,
    )
    before = (datetime.min.replace(tzinfo=UTC), start.replace(microsecond=0))
    return Campaign(ground, random, mailing, forbidden=[before], rate=mailing["rate_limit"])


def make_visible_sooner(queue_url: str, seconds: int) -> None:
    """What a dead worker had in hand comes back after so many seconds."""
    boto3.client("sqs").set_queue_attributes(QueueUrl=queue_url, Attributes={"VisibilityTimeout": str(seconds)})


def now() -> datetime:
    return datetime.now(UTC)
