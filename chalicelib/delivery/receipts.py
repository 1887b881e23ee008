"""Delivery receipts: what the gateway reports is queued at once, and worked off in groups.

A group is one transaction, so that whatever is interrupted, repeated or out of order, counts are those of the rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING

from ..domain.jobs import BUSY_SECONDS, SettleReceipts
from ..domain.mailing import Mailing, counts_from_statuses
from ..domain.message import Message
from ..domain.receipt import RECEIPT_STATUSES, Receipt, apply_receipt, merge_receipts, seconds_to_wait
from ..errors import RowChanged
from ..logs import log, log_clients
from ..retries import retry_lost_races
from .dead_letters import read_job

if TYPE_CHECKING:
    from ..adapters.services import Services

CHUNK = 100
"""Receipts in one queue message: with the longest reasons, in Cyrillic, 170 KB of the 256 that SQS takes."""

GROUP = 98
"""Messages that one transaction changes: of the hundred rows that it takes, two are the mailing's and the totals'."""

SECONDS_FOR_A_GROUP = 10.0

Waits = dict[int, int]
"""By message id: seconds until its receipt is to be looked at again."""


def take_receipts(services: Services, receipts: Sequence[Receipt]) -> int:
    """Queue them, and answer how many; those that are about no message of a mailing are left out for good."""
    ours = [receipt for receipt in receipts if receipt.is_of_mailing]
    for start in range(0, len(ours), CHUNK):
        services.receipts_queue.send([SettleReceipts(tuple(ours[start : start + CHUNK]))])
    return len(ours)


def settle_receipts(services: Services, bodies: Sequence[str], seconds_left: Callable[[], float]) -> list[int | None]:
    """Work off queue messages; for each the seconds until it is to come back, None when it is done with.

    What cannot be read is put aside whole, for a person to see.
    """
    jobs = [read_job(services, body, SettleReceipts) for body in bodies]
    by_body = [job.receipts if job else () for job in jobs]
    waits = _settle(services, merge_receipts(chain.from_iterable(by_body)), seconds_left)
    return [_longest(waits, receipts) for receipts in by_body]


def _settle(services: Services, receipts: list[Receipt], seconds_left: Callable[[], float]) -> Waits:
    by_mailing: dict[int, list[Receipt]] = {}
    for receipt in receipts:
        by_mailing.setdefault(receipt.key[0], []).append(receipt)
    waits: Waits = {}
    for mailing_id, theirs in by_mailing.items():
        for start in range(0, len(theirs), GROUP):
            waits |= _settle_group(services, mailing_id, theirs[start : start + GROUP], seconds_left)
    return waits


def _settle_group(
    services: Services, mailing_id: int, receipts: list[Receipt], seconds_left: Callable[[], float]
) -> Waits:
    """Another group of this mailing may be under way at the same moment: then one of the two tries again."""
    if seconds_left() >= SECONDS_FOR_A_GROUP:
        with suppress(RowChanged):
            return retry_lost_races(services.clock, lambda: _try_group(services, mailing_id, receipts))
    return {receipt.message_id: BUSY_SECONDS for receipt in receipts}


def _try_group(services: Services, mailing_id: int, receipts: list[Receipt]) -> Waits:
    mailing = services.mailings.get(mailing_id)
    if mailing is None or mailing.plan is None:
        log.info("receipts of nobody", extra={"mailing_id": mailing_id, "number": len(receipts)})
        return {}
    found = services.messages.existing(mailing.message_key(receipt.key[1]) for receipt in receipts)
    now = services.clock.now()
    waits: Waits = {}
    changes: list[tuple[Message, Message]] = []
    for receipt in receipts:
        message = found.get(receipt.key[1])
        wait = seconds_to_wait(message, now) if message else None
        after = apply_receipt(message, receipt) if message else None
        if wait is not None:
            waits[receipt.message_id] = wait
        elif message is not None and after is not None:
            changes.append((message, after))
    if changes:
        _record(services, mailing, changes)
    return waits


def _record(services: Services, mailing: Mailing, changes: list[tuple[Message, Message]]) -> None:
    before, after = (Counter(pair[side].status for pair in changes) for side in (0, 1))
    services.receipts.record(mailing, changes, counts_from_statuses(after) + -counts_from_statuses(before))
    for status in RECEIPT_STATUSES:
        client_ids = [message.client_id for _, message in changes if message.status == status]
        log_clients("reported", client_ids, mailing_id=mailing.id, status=status)


def _longest(waits: Waits, receipts: Iterable[Receipt]) -> int | None:
    return max((waits[receipt.message_id] for receipt in receipts if receipt.message_id in waits), default=None)
