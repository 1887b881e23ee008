"""A reconciliation round reads all rows of a mailing, shard by shard, repairs and counts them.

A mailing ends when a round finds no waiting message. The counts of the mailing only show the progress.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from ..access.audit import SERVICE_AUTHOR, author_of
from ..domain.admission import Repair, repair_for
from ..domain.audience_slice import ShardReport
from ..domain.canary import is_in_canary
from ..domain.decisions import canary_checked, ended
from ..domain.expiry import ExpiryCauses, expiry_reason, failure_until_the_end, hours_at_the_end
from ..domain.jobs import ReconcileShard
from ..domain.mailing import CANCELLED as MAILING_CANCELLED
from ..domain.mailing import RUNNING, Counts, Mailing, counts_from_statuses
from ..domain.message import CANCELLED, EXPIRED, QUEUED, UNKNOWN, Message
from ..domain.send_window import Hours
from ..errors import RowChanged
from ..logs import log, log_clients
from ..retries import retry_lost_races
from ..texts import Text
from ..zones import zone
from . import local_hours
from .queueing import PAGE, SECONDS_FOR_A_PAGE, THREADS, queue_messages
from .rate_limits import limits_of

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from ..adapters.services import Services

NO_ANSWER = Text("message.in_doubt")


def request_reconciliation(services: Services, mailing: Mailing, requeue: bool = False) -> None:
    """Begin a round, unless another one has begun since the mailing was read.

    `requeue`: the send queue has lost messages, so the round queues every waiting message again.
    """
    try:
        begun = services.mailings.begin_round(mailing, services.clock.now())
    except RowChanged:
        return
    shards = range(mailing.started_plan.shards)
    jobs = [ReconcileShard(mailing.id, begun.rounds, shard, requeue) for shard in shards]
    services.jobs_queue.send(jobs)


def reconcile_shard(services: Services, job: ReconcileShard, seconds_left: Callable[[], float]) -> bool:
    """Repair and count one shard. Returns False if the time is up: the repairs remain, and the job is repeated."""
    mailing = services.mailings.get(job.mailing_id)
    if mailing is None or mailing.plan is None or not mailing.is_open or job.shard not in range(mailing.plan.shards):
        return True
    found: Counter[str] = Counter()
    moved: Counter[str] = Counter()
    held = in_canary = attempts = 0
    last_post_at: datetime | None = None
    after = 0
    with services.thread_pool(THREADS) as threads:
        while True:
            if seconds_left() < SECONDS_FOR_A_PAGE:
                return False
            page = services.messages.page(mailing.message_shard(job.shard), after, PAGE)
            hours = local_hours.current_hours(services, mailing)
            statuses = _repair_page(services, threads, mailing, page, hours, job.requeue)
            held += sum(s == QUEUED and hours.needs_release(m.timezone) for s, m in zip(statuses, page, strict=True))
            in_canary += sum(is_in_canary(m, s, hours) for s, m in zip(statuses, page, strict=True))
            if mailing.status == RUNNING:
                local_hours.schedule_releases(services, mailing, hours.releases())
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
    threads: Executor,
    mailing: Mailing,
    page: list[Message],
    hours: Hours,
    requeue: bool,
) -> list[str]:
    """Returns the statuses after the repair. The rows are written before the queue messages."""
    now, dedupes = services.clock.now(), services.settings.gateway_dedupes
    repairs = [repair_for(message, mailing, now, requeue, dedupes) for message in page]
    expiry = _expiry_reasons(services, mailing, page) if Repair.EXPIRE in repairs else [None] * len(page)
    statuses = list(threads.map(partial(_repair, services, mailing), page, repairs, expiry))
    _log_repairs(mailing, page, repairs, statuses)
    queued = [
        message for message, repair in zip(page, repairs, strict=True) if repair in (Repair.REOPEN, Repair.REQUEUE)
    ]
    queue_messages(
        services, mailing, [message for message in queued if not hours.needs_release(message.timezone)], threads
    )
    return statuses


def _expiry_reasons(services: Services, mailing: Mailing, page: list[Message]) -> list[Text | None]:
    """Why each message of the page expires if it had no failed attempt."""
    hours = hours_at_the_end(mailing, zone)
    is_limited = limits_of(services.settings, mailing) is not None
    causes = ExpiryCauses(is_limited, failure_until_the_end(mailing, page))
    now = services.clock.now()
    return [
        NO_ANSWER if message.is_in_doubt(now) else expiry_reason(mailing, message.timezone, hours, causes)
        for message in page
    ]


def _repair(services: Services, mailing: Mailing, message: Message, repair: Repair | None, reason: Text | None) -> str:
    """Returns the status of the row after the repair. `reason`: why the message expires, if it does."""
    now, messages, key = services.clock.now(), services.messages, message.key
    match repair:
        case Repair.EXPIRE:
            return EXPIRED if messages.close(key, EXPIRED, now, reason) else QUEUED
        case Repair.CANCEL:
            return CANCELLED if messages.close(key, CANCELLED, now) else QUEUED
        case Repair.MARK_UNKNOWN:
            return UNKNOWN if messages.mark_unknown(key, now, NO_ANSWER) else QUEUED
        case Repair.REOPEN:
            messages.reopen(message, mailing.resends)
            return QUEUED
    return message.status


def _log_repairs(mailing: Mailing, page: list[Message], repairs: list[Repair | None], statuses: list[str]) -> None:
    for status in set(statuses):
        repaired = [m.client_id for m, repair, s in zip(page, repairs, statuses, strict=True) if repair and s == status]
        log_clients("repaired", repaired, mailing_id=mailing.id, status=status)


def _latest(*moments: datetime | None) -> datetime | None:
    return max((moment for moment in moments if moment), default=None)


def _conclude(services: Services, mailing_id: int, round_number: int) -> None:
    """When every shard has reported and no message waits, end the mailing with the counts of the reports.

    Receipts change the mailing's row often, so a conflicting write is tried again. After the last try the sweep
    requests another round.
    """
    with suppress(RowChanged):
        retry_lost_races(services.clock, lambda: _try_to_conclude(services, mailing_id, round_number))


def _try_to_conclude(services: Services, mailing_id: int, round_number: int) -> None:
    """Raises RowChanged if another decision about the mailing came first."""
    mailing = services.mailings.get(mailing_id)
    if mailing is None or not mailing.is_open or round_number < mailing.first_valid_round:
        return
    reports = services.slices.reports(mailing_id, round_number)
    if len(reports) < mailing.started_plan.shards:
        return
    counts = sum((report.counts for report in reports), Counts())
    if _can_end(mailing, counts, services.clock.now()):
        last_post_at = _latest(*(report.last_post_at for report in reports))
        attempts = sum(report.attempts for report in reports)
        after = replace(ended(mailing, counts, services.clock.now()), last_post_at=last_post_at, attempts=attempts)
        services.mailings.end(mailing, after)
        log.info("mailing ended", extra={"mailing_id": mailing_id, "status": after.status, **counts.by_status()})
        return
    in_canary = sum(report.in_canary for report in reports) if round_number == mailing.rounds else None
    after = canary_checked(mailing, counts, in_canary, services.clock.now())
    if after != mailing:
        _apply_canary_decision(services, mailing, after)
        return
    if mailing.has_orders:
        services.mailings.clear_orders(mailing)
    if mailing.window is not None:
        held = sum(report.held for report in reports)
        services.mailings.set_awaits_hours(mailing_id, 0 < held == counts.queued)


def _apply_canary_decision(services: Services, before: Mailing, after: Mailing) -> None:
    """Write the decision about the canary. A pause gets an audit record, as a pause by a person does."""
    pause_before, pause_after = _pause_fields(before), _pause_fields(after)
    author = author_of(services, SERVICE_AUTHOR)
    record = None
    if pause_before != pause_after:
        record = author.record("mailing", after.id, pause_before, pause_after, after.status)
    after = services.mailings.change(before, after, record)
    log.info(
        "canary", extra={"status": after.status, "holds": after.awaits_canary, "reason": pause_after["paused_because"]}
    )
    if after.has_orders:
        request_reconciliation(services, after)


def _pause_fields(mailing: Mailing) -> dict[str, object]:
    reason = mailing.paused_because
    return {"status": mailing.status, "paused_because": str(reason) if reason else None}


def _can_end(mailing: Mailing, counts: Counts, now: datetime) -> bool:
    """Whether each client of the audience has a row with a final status, and no message is to be sent again."""
    if not mailing.is_fanned_out or counts.queued:
        return False
    if counts.total < mailing.counts.total:
        log.error("rows are missing", extra={"mailing_id": mailing.id, "rows": counts.total, **asdict(mailing.counts)})
        if not mailing.may_lack_rows(now):
            return False
    return not counts.expired or mailing.is_over(now) or mailing.status == MAILING_CANCELLED
