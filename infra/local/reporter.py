"""The delivery receipts of the simulator, in the form of its provider: after a delay, and on request repeated, out of
order and forged.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter
from time import monotonic
from urllib.parse import parse_qsl, urlencode, urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout, web
from yarl import URL

from chalicelib.domain.message import DELIVERED, UNDELIVERED
from chalicelib.gateways.receipts.port import ID, Call, Keys

from .providers.receipts.reporting import Report, Reporting

BATCH = 100
AT_ONCE = 8
"""Calls of the service."""

PAUSE = 0.2
SECONDS = 30

address_of = attrgetter("report.address")


@dataclass(frozen=True)
class ReceiptBehaviour:
    """How receipts are sent. `share` is the part of messages with a receipt, `undelivered` the part of these that fail.

    `delay` is in seconds, `repeats` the number of repetitions. `disorder`: a delivered message is also reported as
    undelivered, before or after. `forgery`: the part of messages about which a forged report says the opposite first.
    """

    share: float = 0.0
    undelivered: float = 0.0
    delay: float = 0.0
    repeats: int = 0
    disorder: bool = False
    forgery: float = 0.0


@dataclass(frozen=True, eq=False)
class Planned:
    """`at`: when, by the monotonic clock."""

    at: float
    report: Report
    is_forged: bool = False


class Reporter:
    """`outcomes` has the reported status of each message, by id; `answers` counts the HTTP statuses of the service.

    `forged`: the same of forgeries, each of which is sent once. `account`: the address for reports of messages whose
    posts name none. `bus`: the address of EventBridge, for the provider that reports there. `is_asked`: the provider
    reports nothing by itself, and the outcomes are by the numbers of the messages at the provider.
    """

    def __init__(self, reporting: Reporting | None, is_asked: bool = False) -> None:
        self._reporting = reporting
        self._is_asked = is_asked
        self.account = ""
        self.bus = ""
        self.keys = Keys("")
        self.forget()

    def forget(self) -> None:
        self.outcomes: dict[int, str] = {}
        self.answers: Counter[int] = Counter()
        self.forged: Counter[int] = Counter()
        self._waiting: list[Planned] = []
        self._known_at: dict[int, float] = {}

    @property
    def is_done(self) -> bool:
        return not self._waiting

    def statuses(self) -> dict[int, str]:
        """What the provider says when it is asked now, by the numbers of the messages; empty: not known yet."""
        now = monotonic()
        return {number: self.outcomes[number] if at <= now else "" for number, at in self._known_at.items()}

    def note(self, report: Report, behaviour: ReceiptBehaviour) -> None:
        """Plan the receipts of an accepted message, if it gets any. Its status is decided here.

        The id of a message is that in its address, if the provider gets it nowhere else.
        """
        if self._is_asked:
            report = replace(report, message_id=report.number)
        if report.address.startswith("{"):  # the context of a post to AWS, which repeats it in its events
            report = replace(report, address=f"{self.bus}#{report.address}" if self.bus else "")
        report = replace(report, address=report.address or self.account)
        named = dict(parse_qsl(urlsplit(report.address).query)).get(ID)
        report = replace(report, message_id=int(named)) if named else report
        is_possible = self._is_asked or (self._reporting is not None and report.address != "")
        if report.message_id in self.outcomes or not is_possible or random.random() >= behaviour.share:  # noqa: S311
            return
        outcome = UNDELIVERED if random.random() < behaviour.undelivered else DELIVERED  # noqa: S311
        self.outcomes[report.message_id] = outcome
        if self._is_asked:
            self._known_at[report.number] = monotonic() + behaviour.delay
            return
        self._plan(replace(report, status=outcome), behaviour)

    def _plan(self, report: Report, behaviour: ReceiptBehaviour) -> None:
        statuses = [report.status] * (1 + behaviour.repeats)
        if behaviour.disorder and report.is_delivered:
            statuses.insert(random.randint(0, len(statuses)), UNDELIVERED)  # noqa: S311
        at = monotonic() + behaviour.delay
        if random.random() < behaviour.forgery:  # noqa: S311
            opposite = UNDELIVERED if report.is_delivered else DELIVERED
            self._waiting.append(Planned(at, replace(report, status=opposite), is_forged=True))
        for number, status in enumerate(statuses):
            self._waiting.append(Planned(at + number * PAUSE, replace(report, status=status)))

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
                due = [planned for planned in self._waiting if planned.at <= monotonic()][:BATCH]
                if due and self._reporting is not None:
                    await self._send(session, self._reporting, due)

    async def _send(self, session: ClientSession, reporting: Reporting, due: list[Planned]) -> None:
        """What the service did not take stays planned, but for forgeries."""
        turn = asyncio.Semaphore(AT_ONCE)

        async def send(group: list[Planned]) -> list[Planned]:
            async with turn:
                report = group[0].report
                if group[0].is_forged:
                    statuses = [await _call(session, one) for one in reporting.forgeries(report, self.keys)]
                    self.forged.update(status for status in statuses if status is not None)
                    return group
                status = await _call(session, reporting.call([one.report for one in group], self.keys))
                self.answers.update([] if status is None else [status])
                return group if status == web.HTTPOk.status_code else []

        forged = [[planned] for planned in due if planned.is_forged]
        genuine = [planned for planned in due if not planned.is_forged]
        sent = await asyncio.gather(*map(send, forged))
        sent += await asyncio.gather(*map(send, _groups(genuine, reporting.most)))
        gone = {id(planned) for group in sent for planned in group}
        self._waiting = [planned for planned in self._waiting if id(planned) not in gone]


def _groups(due: Iterable[Planned], most: int) -> Iterator[list[Planned]]:
    """Those that go in one call."""
    for _, of_address in groupby(due, address_of):
        group = list(of_address)
        yield from (group[start : start + most] for start in range(0, len(group), most))


async def _call(session: ClientSession, call: Call) -> int | None:
    """The HTTP status of the service; None without an answer."""
    url = f"{call.url}?{urlencode(call.query)}" if call.query else call.url
    try:
        async with session.request(
            call.method, URL(url, encoded=True), data=call.body, headers=dict(call.headers)
        ) as answer:
            return answer.status
    except (ClientError, TimeoutError):
        return None
