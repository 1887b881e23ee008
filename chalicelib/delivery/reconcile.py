"""Count a mailing's messages anew, shard by shard, mending what is found; and finish the mailing.

A mailing is finished when a whole round found nobody waiting: counters are for looking, a round decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING

from ..access.audit import ITSELF, author_of
from ..domain.admission import Repair, repair_for
from ..domain.audience_slice import ShardReport
from ..domain.canary import is_in_canary
from ..domain.decisions import canary_checked, ended
from ..domain.jobs import ReconcileShard
from ..domain.mailing import CANCELLED as MAILING_CANCELLED
from ..domain.mailing import RUNNING, Counts, Mailing, counts_from_statuses
from ..domain.message import CANCELLED, EXPIRED, QUEUED, UNKNOWN, Message
from ..domain.send_window import Hours
from ..errors import RowChanged
from ..logs import log, log_clients
from ..texts import Text
from . import local_hours
from .queueing import queue_messages

if TYPE_CHECKING:
    from ..adapters.services import Services

PAGE = 1000
THREADS = 8
LOOKS = 5
SECONDS_FOR_A_PAGE = 15.0
NO_WORD = Text("message.in_doubt")


def request_reconciliation(services: Services, mailing: Mailing, requeue: bool = False) -> None:
    """Begin a round; nothing is done when somebody else has begun one since the mailing was read."""
    try:
        begun = services.mailings.begin_round(mailing, services.clock.now())
    except RowChanged:
        return
    shards = range(mailing.started_plan.shards)
    jobs = [ReconcileShard(mailing.id, begun.rounds, shard, requeue) for shard in shards]
    services.jobs_queue.send(jobs)


def reconcile_shard(services: Services, job: ReconcileShard, seconds_left: Callable[[], float]) -> bool:
    """Mend and count one shard; False when time ran out: what was mended stays so, and the next turn goes on."""
    mailing = services.mailings.get(job.mailing_id)
    if mailing is None or mailing.plan is None or not mailing.is_open or job.shard not in range(mailing.plan.shards):
        return True
    found: Counter[str] = Counter()
    moved: Counter[str] = Counter()
    held = in_canary = attempts = 0
    last_post_at: datetime | None = None
    after = 0
    with ThreadPoolExecutor(THREADS) as threads:
        while True:
            if seconds_left() < SECONDS_FOR_A_PAGE:
                return False
            page = services.messages.page(mailing.message_shard(job.shard), after, PAGE)
            there = local_hours.now_for(services, mailing)
            statuses = _repair_page(services, threads, mailing, page, there, job.requeue)
            held += sum(s == QUEUED and there.needs_release(m.timezone) for s, m in zip(statuses, page, strict=True))
            in_canary += sum(is_in_canary(m, s, there) for s, m in zip(statuses, page, strict=True))
            if mailing.status == RUNNING:
                local_hours.await_releases(services, mailing, there)
            attempts += sum(message.attempts for message in page)
            found.update(statuses)
            moved.update(statuses)
            moved.subtract(message.status for message in page)
            last_post_at = _latest(last_post_at, *(message.posted_at for message in page))
            if len(page) < PAGE:
                break
            after = page[-1].client_id
    if any(moved.values()):
        services.mailings.add_counts(mailing.id, counts_from_statuses(moved), services.clock.now())
    report = ShardReport(counts_from_statuses(found, found.total()), last_post_at, held, in_canary, attempts)
    kept_until = mailing.kept_until(services.settings.message_retention_days)
    services.slices.report(mailing.id, job.round_number, job.shard, report, kept_until)
    _conclude(services, mailing.id, job.round_number)
    return True


def _repair_page(
    services: Services,
    threads: ThreadPoolExecutor,
    mailing: Mailing,
    page: list[Message],
    there: Hours,
    requeue: bool,
) -> list[str]:
    """The statuses after mending. Rows first, then the queue messages of those who wait without one."""
    now, dedupes = services.clock.now(), services.settings.gateway_dedupes
    repairs = [repair_for(message, mailing, now, requeue, dedupes) for message in page]
    statuses = list(threads.map(lambda message, what: _repair(services, mailing, message, what), page, repairs))
    _log_repairs(mailing, page, repairs, statuses)
    queued = [message for message, what in zip(page, repairs, strict=True) if what in (Repair.REOPEN, Repair.REQUEUE)]
    queue_messages(services, mailing, [one for one in queued if not there.needs_release(one.timezone)], threads)
    return statuses


def _repair(services: Services, mailing: Mailing, message: Message, what: Repair | None) -> str:
    """Write what the row needs, and answer with the status it then has."""
    now, messages, key = services.clock.now(), services.messages, message.key
    match what:
        case Repair.EXPIRE:
            return EXPIRED if messages.close(key, EXPIRED, now) else QUEUED
        case Repair.CANCEL:
            return CANCELLED if messages.close(key, CANCELLED, now) else QUEUED
        case Repair.MARK_UNKNOWN:
            return UNKNOWN if messages.doubt(key, now, NO_WORD) else QUEUED
        case Repair.REOPEN:
            messages.revive(message, mailing.resends)
            return QUEUED
    return message.status


def _log_repairs(mailing: Mailing, page: list[Message], repairs: list[Repair | None], statuses: list[str]) -> None:
    for status in set(statuses):
        repaired = [m.client_id for m, what, now in zip(page, repairs, statuses, strict=True) if what and now == status]
        log_clients("repaired", repaired, mailing_id=mailing.id, status=status)


def _latest(*moments: datetime | None) -> datetime | None:
    return max((moment for moment in moments if moment), default=None)


def _conclude(services: Services, mailing_id: int, round_number: int) -> None:
    """When every shard has reported and nobody waits, the mailing ends with exactly these counts.

    Receipts change its row all the time, so one look may come too late for them; after a few the sweep asks anew.
    """
    for _ in range(LOOKS):
        with suppress(RowChanged):
            _look(services, mailing_id, round_number)
            return


def _look(services: Services, mailing_id: int, round_number: int) -> None:
    """RowChanged when something else was decided in this very moment."""
    mailing = services.mailings.get(mailing_id)
    if mailing is None or not mailing.is_open or round_number < mailing.first_valid_round:
        return
    reports = services.slices.reports(mailing_id, round_number)
    if len(reports) < mailing.started_plan.shards:
        return
    counts = sum((report.counts for report in reports), Counts())
    if _is_at_its_end(mailing, counts, services.clock.now()):
        last_post_at = _latest(*(report.last_post_at for report in reports))
        attempts = sum(report.attempts for report in reports)
        after = replace(ended(mailing, counts, services.clock.now()), last_post_at=last_post_at, attempts=attempts)
        services.mailings.end(mailing, after)
        log.info("mailing ended", extra={"mailing_id": mailing_id, "status": after.status, **counts.by_status()})
        return
    in_canary = sum(report.in_canary for report in reports) if round_number == mailing.rounds else None
    after = canary_checked(mailing, counts, in_canary, services.clock.now())
    if after != mailing:
        _carry_out(services, mailing, after)
        return
    if mailing.has_orders:
        services.mailings.orders_done(mailing)
    if mailing.window is not None:
        held = sum(report.held for report in reports)
        services.mailings.note_hours(mailing_id, 0 < held == counts.queued)


def _carry_out(services: Services, before: Mailing, after: Mailing) -> None:
    """What was decided about its canary; that it pauses is recorded as if a person had done it."""
    then, now = _shown_pause(before), _shown_pause(after)
    author = author_of(services, ITSELF)
    record = author.record("mailing", after.id, then, now, after.status) if then != now else None
    after = services.mailings.change(before, after, record)
    log.info("canary", extra={"status": after.status, "holds": after.awaits_canary, "reason": now["paused_because"]})
    if after.has_orders:
        request_reconciliation(services, after)


def _shown_pause(mailing: Mailing) -> dict[str, object]:
    reason = mailing.paused_because
    return {"status": mailing.status, "paused_because": str(reason) if reason else None}


def _is_at_its_end(mailing: Mailing, counts: Counts, now: datetime) -> bool:
    """Everybody who was chosen has a row with a final status, and nobody is to be tried again."""
    if not mailing.is_fanned_out or counts.queued:
        return False
    if counts.total < mailing.counts.total:
        log.error("rows are missing", extra={"mailing_id": mailing.id, "rows": counts.total, **asdict(mailing.counts)})
        return False
    return not counts.expired or mailing.is_over(now) or mailing.status == MAILING_CANCELLED
