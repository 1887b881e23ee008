"""Delivery receipts: the API queues them at once, and a worker records them in groups.

A group is one transaction, so that interruptions, repetitions and any order leave the counts equal to the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from ..domain.counts import counts_of
from ..domain.inbound import Inbound
from ..domain.jobs import BUSY_SECONDS, SettleReceipts
from ..domain.mailing import Mailing
from ..domain.message import ACCEPTED, Message
from ..domain.receipt import RECEIPT_STATUSES, Receipt, apply_receipt, merge_receipts, seconds_to_wait, without_reason
from ..errors import RowChanged
from ..gateways.receipts.aws import inbound_of
from ..logs import log, log_clients
from ..retries import retry_lost_races
from .dead_letters import read_job
from .reasons import take_back_reasons
from .waves import count_changes

if TYPE_CHECKING:
    from ..adapters.services import Services

CHUNK = 100
"""Receipts in one queue message. With the longest Cyrillic reasons they take 170 KB; SQS allows 256 KB."""

GROUP = 98
"""Messages in one transaction. DynamoDB allows 100 rows, and two of them are the mailing and the totals."""

SECONDS_FOR_A_GROUP = 10.0

Waits = dict[int, int]
"""Message id to the seconds until its receipt is processed again."""


def take_receipts(services: Services, receipts: Sequence[Receipt]) -> int:
    """Queue the receipts and return their number. Receipts that belong to no message of a mailing are dropped."""
    ours = [receipt for receipt in receipts if receipt.is_of_mailing]
    for start in range(0, len(ours), CHUNK):
        services.receipts_queue.send([SettleReceipts(tuple(ours[start : start + CHUNK]))])
    return len(ours)


def settle_receipts(services: Services, bodies: Sequence[str], seconds_left: Callable[[], float]) -> list[int | None]:
    """Process queue messages. Returns for each None if it is done, otherwise the seconds until it is repeated.

    One with an inbound message, as SNS delivers it, opts its sender out. An unreadable one becomes a dead letter.
    """
    read = [inbound_of(body) or _receipts_of(services, body) for body in bodies]
    receipts = chain.from_iterable(one for one in read if not isinstance(one, Inbound))
    waits = settle(services, merge_receipts(receipts), seconds_left)
    return [
        _take_inbound(services, one, seconds_left) if isinstance(one, Inbound) else _longest(waits, one) for one in read
    ]


def _receipts_of(services: Services, body: str) -> tuple[Receipt, ...]:
    job = read_job(services, body, SettleReceipts)
    return job.receipts if job else ()


def _take_inbound(services: Services, message: Inbound, seconds_left: Callable[[], float]) -> int | None:
    """The registry of clients is loaded here: few groups of receipts have an inbound message."""
    from .inbound import opt_out_phones, stops_among

    if seconds_left() < SECONDS_FOR_A_GROUP:
        return BUSY_SECONDS
    try:
        unknown = opt_out_phones(services, stops_among(services, [message]))
    except RowChanged:
        return BUSY_SECONDS
    log.info("inbound message", extra={"unknown_numbers": unknown})
    return None


def settle(services: Services, receipts: list[Receipt], seconds_left: Callable[[], float]) -> Waits:
    """At most one receipt of each gateway for a message. Returns the messages whose receipts are not recorded yet."""
    by_mailing: dict[int, list[Receipt]] = {}
    for receipt in receipts:
        by_mailing.setdefault(receipt.key[0], []).append(receipt)
    waits: Waits = {}
    for mailing_id, mailing_receipts in by_mailing.items():
        for start in range(0, len(mailing_receipts), GROUP):
            waits |= _settle_group(services, mailing_id, mailing_receipts[start : start + GROUP], seconds_left)
    return waits


def _settle_group(
    services: Services, mailing_id: int, receipts: list[Receipt], seconds_left: Callable[[], float]
) -> Waits:
    """If another worker settles a group of this mailing at the same time, one of the two tries again."""
    later = {receipt.message_id: BUSY_SECONDS for receipt in receipts}

    def attempt() -> Waits:
        return _try_group(services, mailing_id, receipts) if seconds_left() >= SECONDS_FOR_A_GROUP else later

    try:
        return retry_lost_races(services.clock, attempt)
    except RowChanged:
        return later


def _try_group(services: Services, mailing_id: int, receipts: list[Receipt]) -> Waits:
    mailing = services.mailings.get(mailing_id)
    if mailing is None or mailing.plan is None:
        log.info("receipts for an unknown mailing", extra={"mailing_id": mailing_id, "number": len(receipts)})
        return {}
    found = services.messages.existing(mailing.message_key(receipt.key[1]) for receipt in receipts)
    now = services.clock.now()
    waits: Waits = {}
    changed: dict[int, Message] = {}
    for receipt in receipts:
        client_id = receipt.key[1]
        message = changed.get(client_id) or found.get(client_id)
        wait = seconds_to_wait(message, now) if message else None
        after = apply_receipt(message, receipt) if message else None
        if wait is not None:
            waits[receipt.message_id] = wait
        elif after is not None:
            changed[client_id] = after
    if changed:
        changes = [(found[client_id], after) for client_id, after in changed.items()]
        _record(services, mailing, _without_reasons_about_nobody(services, changes))
    return waits


def _without_reasons_about_nobody(
    services: Services, changes: list[tuple[Message, Message]]
) -> list[tuple[Message, Message]]:
    """The changes, without the gateway's reasons about clients that are deleted or erased: they may name a person."""
    reported = {after.client_id for _, after in changes if after.last_error}
    known = services.clients.get_many(reported) if reported else {}
    gone = reported - known.keys()
    return [(before, without_reason(after) if after.client_id in gone else after) for before, after in changes]


def _record(services: Services, mailing: Mailing, changes: list[tuple[Message, Message]]) -> None:
    before, after = (counts_of(pair[side] for pair in changes) for side in (0, 1))
    services.receipts.record(mailing, changes, after + -before)
    count_changes(services, mailing, [pair for pair in changes if pair[0].status not in ACCEPTED])
    take_back_reasons(services, mailing, [message for message, _ in changes])
    for status in RECEIPT_STATUSES:
        client_ids = [message.client_id for _, message in changes if message.status == status]
        log_clients("reported", client_ids, mailing_id=mailing.id, status=status)


def _longest(waits: Waits, receipts: Iterable[Receipt]) -> int | None:
    return max((waits[receipt.message_id] for receipt in receipts if receipt.message_id in waits), default=None)
