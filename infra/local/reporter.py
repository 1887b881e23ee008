"""The delivery receipts of the simulator: sent after a delay, and on request repeated and out of order."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, web

from chalicelib.domain.message import DELIVERED, UNDELIVERED

BATCH = 100
PAUSE = 0.2
SECONDS = 30


@dataclass(frozen=True)
class ReceiptBehaviour:
    """How receipts are sent. `share` is the part of messages with a receipt, `undelivered` the part of these that fail.

    `delay` is in seconds, `repeats` the number of repetitions. `disorder`: a delivered message is also reported as
    undelivered, before or after.
    """

    share: float = 0.0
    undelivered: float = 0.0
    delay: float = 0.0
    repeats: int = 0
    disorder: bool = False


class Reporter:
    """`outcomes` has the reported status of each message, by id; `answers` counts the HTTP statuses of the service."""

    def __init__(self, url: str = "", secret: str = "") -> None:
        self.url = url
        self.secret = secret
        self.forget()

    def forget(self) -> None:
        self.outcomes: dict[int, str] = {}
        self.answers: Counter[int] = Counter()
        self._waiting: list[tuple[float, dict[str, Any]]] = []

    @property
    def is_done(self) -> bool:
        return not self._waiting

    def note(self, message_id: int, behaviour: ReceiptBehaviour) -> None:
        """Plan the receipts of an accepted message, if it gets any."""
        if message_id in self.outcomes or random.random() >= behaviour.share:  # noqa: S311
            return
        outcome = UNDELIVERED if random.random() < behaviour.undelivered else DELIVERED  # noqa: S311
        self.outcomes[message_id] = outcome
        statuses = [outcome] * (1 + behaviour.repeats)
        if behaviour.disorder and outcome == DELIVERED:
            statuses.insert(random.randint(0, len(statuses)), UNDELIVERED)  # noqa: S311
        for number, status in enumerate(statuses):
            self._waiting.append((monotonic() + behaviour.delay + number * PAUSE, _receipt(message_id, status)))

    async def running(self, _: web.Application) -> AsyncIterator[None]:
        """Send receipts for the lifetime of the application (a cleanup context of aiohttp)."""
        task = asyncio.create_task(self._run())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def _run(self) -> None:
        async with ClientSession(timeout=ClientTimeout(total=SECONDS)) as session:
            while True:
                await asyncio.sleep(PAUSE)
                due = [item for item in self._waiting if item[0] <= monotonic()][:BATCH]
                if due and await self._post(session, [receipt for _, receipt in due]):
                    self._waiting = [item for item in self._waiting if item not in due]

    async def _post(self, session: ClientSession, receipts: list[dict[str, Any]]) -> bool:
        """Returns whether the service accepted the receipts; if not, they are sent again."""
        headers = {"Authorization": f"Bearer {self.secret}"}
        try:
            async with session.post(self.url, json=receipts, headers=headers) as answer:
                self.answers[answer.status] += 1
                return answer.status == 200
        except (ClientError, TimeoutError):
            return False


def _receipt(message_id: int, status: str) -> dict[str, Any]:
    receipt = {"id": message_id, "status": status, "at": datetime.now(UTC).isoformat()}
    return {**receipt, "reason": "absent subscriber"} if status == UNDELIVERED else receipt
