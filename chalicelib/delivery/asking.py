"""Ask providers that do not report deliveries in a way that we can use: in batches, a few times for each message.

A queue message has the ids of a group of messages. It is queued before they become sent, so no crash separates the
two, and it waits in its queue between the questions: nothing else remembers it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..domain.asking import FIRST_WAIT, seconds_until_asked
from ..domain.jobs import BUSY_SECONDS, Asked, AskReceipts
from ..domain.receipt import Receipt
from ..logs import log
from .dead_letters import read_job
from .receipts import Waits, settle

if TYPE_CHECKING:
    from ..adapters.services import Services
    from .posting import Ended

SECONDS_FOR_A_QUESTION = 10.0
SECONDS_TO_SETTLE = 15.0
"""Reserved for the receipts of the answers."""

Status = dict[int, Receipt]


def ask_later(services: Services, ended: Sequence[Ended]) -> None:
    """Queue the questions about accepted messages, before they are settled.

    An error costs their receipts only. It takes little time: a message that is settled late may be in doubt.
    """
    by_gateway: dict[str, list[Ended]] = {}
    for one in ended:
        if one.provider_id:
            by_gateway.setdefault(one.settlement.message.gateway, []).append(one)
    if not by_gateway or not services.settings.asks_queue_url:
        return
    jobs = [
        AskReceipts(
            gateway,
            int(min(one.at.timestamp() for one in group)),
            tuple(Asked(one.settlement.message.id, one.provider_id) for one in group),
        )
        for gateway, group in by_gateway.items()
    ]
    try:
        services.asks_queue.send_once(jobs, FIRST_WAIT)
    except Exception:
        log.exception("receipts will not be asked for", extra={"number": sum(map(len, by_gateway.values()))})


def ask_for_receipts(services: Services, bodies: Sequence[str], seconds_left: Callable[[], float]) -> list[int | None]:
    """Process queue messages. Returns for each None if it is done, otherwise the seconds until it is repeated.

    An unreadable queue message becomes a dead letter.
    """
    jobs = [read_job(services, body, AskReceipts) for body in bodies]
    asked = [job for job in jobs if job]
    answered: set[int] = set()
    receipts: Status = {}
    for gateway in {job.gateway for job in asked}:
        _ask(services, gateway, [job for job in asked if job.gateway == gateway], answered, receipts, seconds_left)
    waits = settle(services, list(receipts.values()), seconds_left)
    now = services.clock.now().timestamp()
    return [_wait(job, now, answered, receipts, waits) if job else None for job in jobs]


def _ask(
    services: Services,
    gateway: str,
    jobs: Sequence[AskReceipts],
    answered: set[int],
    receipts: Status,
    seconds_left: Callable[[], float],
) -> None:
    """Adds the messages about which the provider was asked, and the receipts."""
    asker = services.askers.get(gateway)
    if asker is None:  # a deploy has removed the gateway
        answered.update(one.message_id for job in jobs for one in job.messages)
        return
    names = {one.provider_id: one.message_id for job in jobs for one in job.messages}
    for group in _groups(list(names), asker.most):
        if seconds_left() < SECONDS_FOR_A_QUESTION + SECONDS_TO_SETTLE:
            return
        asked = {name: names[name] for name in group}
        reports = asker.ask(asked, services.clock.now(), SECONDS_FOR_A_QUESTION)
        answered.update(asked.values())
        extra = {"gateway": gateway, "number": len(asked), "is_answered": reports is not None}
        log.info("asked the provider", extra=extra)
        found = reports.receipts if reports else ()
        receipts.update({receipt.message_id: replace(receipt, gateway=gateway) for receipt in found})


def _groups(names: Sequence[str], most: int) -> Iterable[Sequence[str]]:
    return (names[start : start + most] for start in range(0, len(names), most))


def _wait(job: AskReceipts, now: float, answered: set[int], receipts: Status, waits: Waits) -> int | None:
    """A message that was not reached for lack of time, or whose receipt could not be written, is asked about soon."""
    ids = {one.message_id for one in job.messages}
    if ids - answered:
        return BUSY_SECONDS
    if late := [waits[one] for one in ids if one in waits]:
        return max(late)
    return seconds_until_asked(job.posted_at, now) if ids - receipts.keys() else None
