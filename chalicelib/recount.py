"""Count a mailing's messages anew, shard by shard, mending what is found; and finish the mailing.

A mailing is finished when a whole round found nobody waiting: counters are for looking, a round decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from .domain.admission import Mend, mend
from .domain.mailing import FINISHED, Counts, Mailing
from .domain.message import EXPIRED, QUEUED, Message, queue_body
from .errors import RowChanged
from .logs import log

if TYPE_CHECKING:
    from .adapters.outside import Outside

PAGE = 1000
THREADS = 8
SECONDS_FOR_A_PAGE = 15.0


def ask_recount(outside: Outside, mailing: Mailing, requeue: bool = False) -> None:
    """Begin a round; nothing is done when somebody else has begun one since the mailing was read."""
    try:
        begun = outside.mailings.begin_recount(mailing, outside.clock.now())
    except RowChanged:
        return
    jobs = [
        {"job": "recount", "mailing": mailing.id, "round": begun.recounts, "shard": shard, "requeue": requeue}
        for shard in range(mailing.started_plan.shards)
    ]
    outside.segments_queue.send(jobs)


def recount_shard(
    outside: Outside, mailing_id: int, round_number: int, shard: int, requeue: bool, seconds_left: Callable[[], float]
) -> bool:
    """Mend and count one shard; False when time ran out: what was mended stays so, and the next turn goes on."""
    mailing = outside.mailings.get(mailing_id)
    if mailing is None or mailing.plan is None or mailing.status == FINISHED:
        return True
    if shard not in range(mailing.plan.shards):
        return True
    found: Counter[str] = Counter()
    moved = 0
    after = 0
    with ThreadPoolExecutor(THREADS) as threads:
        while True:
            if seconds_left() < SECONDS_FOR_A_PAGE:
                return False
            page = outside.messages.page(mailing_id, shard, after, PAGE)
            statuses = list(threads.map(lambda message: _mend(outside, mailing, message, requeue), page))
            found.update(statuses)
            moved += sum(status == EXPIRED for status in statuses)
            moved -= sum(message.status == EXPIRED for message in page)
            if len(page) < PAGE:
                break
            after = page[-1].client_id
    if moved:
        outside.mailings.add_counts(mailing_id, Counts(expired=moved), outside.clock.now())
    counts = Counts(total=found.total(), **{name: found[name] for name in found if name != QUEUED})
    kept_until = mailing.kept_until(outside.settings.message_retention_days)
    outside.segments.report(mailing_id, round_number, shard, counts, kept_until)
    _conclude(outside, mailing_id, round_number)
    return True


def _mend(outside: Outside, mailing: Mailing, message: Message, requeue: bool) -> str:
    """Do what the message needs, and answer with the status it then has."""
    now = outside.clock.now()
    shards = mailing.started_plan.shards
    match mend(message, mailing, now, requeue):
        case Mend.EXPIRE:
            closed = outside.messages.close(message.mailing_id, message.client_id, shards, EXPIRED, now)
            return EXPIRED if closed else QUEUED
        case Mend.REVIVE:
            outside.messages.revive(message, shards)
        case Mend.REQUEUE:
            pass
        case None:
            return message.status
    outside.send_queue.send([queue_body(message.mailing_id, message.client_id)])
    return QUEUED


def _conclude(outside: Outside, mailing_id: int, round_number: int) -> None:
    """When every shard has reported and nobody waits, the mailing is finished with exactly these counts."""
    mailing = outside.mailings.get(mailing_id)
    if mailing is None or not mailing.is_open or not mailing.is_fanned_out:
        return
    reports = outside.segments.reports(mailing_id, round_number)
    if len(reports) < mailing.started_plan.shards:
        return
    counts = sum(reports, Counts())
    if counts.queued or (counts.expired and not mailing.is_over(outside.clock.now())):
        return
    try:
        outside.mailings.finish(mailing, counts)
    except RowChanged:  # changed in this very moment: the sweep asks for another round
        return
    log.info("mailing finished", extra={"mailing_id": mailing_id, **counts.by_status()})
